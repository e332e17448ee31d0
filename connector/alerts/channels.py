"""Sends alerts by apprise's services and signed webhooks, and the heartbeat. Every send is bounded in time.

Failures are told in our own words: the addresses are secrets, and errors of libraries may hold them.
"""

import logging
import threading
from collections.abc import Callable
from importlib import import_module
from typing import Any, NamedTuple, Protocol
from uuid import uuid4

import httpx
from pydantic import SecretStr
from pydantic_core import to_json

from connector import standard_webhooks
from connector.alerts.wording import NAME, AlertMessage, timed, trial
from connector.customerio.http_deadline import Transport, within
from connector.settings.alerts import Channel

SEND_SECONDS = 15.0
"""The longest that a channel may take over one message."""
_CONNECT_SECONDS, _READ_SECONDS = 5.0, 10.0
_LONGEST_KEY = 255
_NO_APPRISE = "apprise is not installed: pip install 'audience-sync-connector[alerts]'"
_SILENT = ("apprise", "requests", "urllib3")
"""Their lines may hold a channel's URL, which is a secret; so may those of httpx below warnings."""
logging.getLogger("httpx").setLevel(logging.WARNING)


class Way(Protocol):
    """The interface of an opened channel, by which messages are sent."""

    @property
    def singly(self) -> bool:
        """Says whether each alert is sent as its own message, for a service that tracks alerts by key."""

    def send(self, message: AlertMessage, now: float) -> str:
        """Sends a message. Returns why it was not accepted, without secrets; "" if it was accepted."""


Opened = Callable[[Channel], Way]


class Closed(NamedTuple):
    """A channel that cannot be used, with the reason."""

    reason: str
    singly: bool = False

    def send(self, message: AlertMessage, now: float) -> str:  # noqa: ARG002 - the form of a way
        """Sends nothing, and returns the reason why the channel cannot be used."""
        return self.reason


class AppriseWay:
    """One of apprise's services."""

    def __init__(self, service: Any, notify_type: Any, send_seconds: float = SEND_SECONDS) -> None:
        """Only keeps what is needed; nothing is sent yet."""
        self._service = service
        self._type = notify_type
        self._seconds = send_seconds
        self.singly = hasattr(service, "dedup") and hasattr(service, "action")

    def send(self, message: AlertMessage, now: float) -> str:  # noqa: ARG002 - the form of a way
        """Sends a message, and returns why it was not accepted, "" if it was.

        It is sent in a thread that is left to itself when it takes too long, as apprise only bounds single reads.
        """
        if self.singly:
            self._service.action, self._service.dedup = "map", message.key[:_LONGEST_KEY]
        name = str(self._service.service_name)
        said: list[str] = []
        thread = threading.Thread(target=self._notify, args=(message, name, said), name="alert", daemon=True)
        thread.start()
        thread.join(self._seconds)
        return said[0] if said else f"{name} did not answer within {self._seconds:g} s"

    def _notify(self, message: AlertMessage, name: str, said: list[str]) -> None:
        kind = "SUCCESS" if message.over else "FAILURE" if message.urgent else "WARNING"
        title = "" if self.singly else message.title
        try:
            taken = self._service.notify(body=message.body, title=title, notify_type=self._type[kind])
        except Exception as error:  # noqa: BLE001 - a plugin may raise anything, with the URL in its text
            said.append(f"{name} failed: {type(error).__name__}")
        else:
            said.append("" if taken else f"{name} did not take it")


class WebhookWay:
    """A web address of our own."""

    singly = False

    def __init__(self, url: SecretStr, secret: SecretStr, send_seconds: float = SEND_SECONDS) -> None:
        """Only keeps what is needed; nothing is sent yet."""
        self._url = url
        self._secret = secret
        self._seconds = send_seconds

    def send(self, message: AlertMessage, now: float) -> str:
        """Sends a signed webhook. Returns "" if it was answered with 2xx, else why it was not taken."""
        body = to_json(timed(message.data, now))
        signed = standard_webhooks.headers([self._secret.get_secret_value()], message.id, int(now), body)
        return _asked("POST", self._url, self._seconds, body, {"content-type": "application/json", **signed})


def opened(channel: Channel) -> Way:
    """Opens a channel as it is configured; one that cannot be used becomes a Closed with the reason."""
    if channel.webhook_url is not None and channel.webhook_secret is not None:
        return WebhookWay(channel.webhook_url, channel.webhook_secret)
    if channel.url is None:
        return Closed("it has neither url nor webhook_url")
    return _apprise(channel.url)


def tried(channel: Channel, now: float) -> str:
    """Sends a test message by a channel; now: unix seconds. Returns why it was not taken, "" if it was."""
    return opened(channel).send(trial(f"msg_{uuid4().hex}"), now)


def _apprise(url: SecretStr) -> Way:
    for name in _SILENT:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    try:
        apprise: Any = import_module("apprise")
    except ImportError:
        return Closed(_NO_APPRISE)
    asset = apprise.AppriseAsset(app_id=NAME, app_desc=NAME, app_url="", secure_logging=True, http_redirects=False)
    service = apprise.Apprise.instantiate(url.get_secret_value(), asset=asset, suppress_exceptions=True)
    if service is None:
        return Closed("apprise knows no such url")
    service.socket_connect_timeout, service.socket_read_timeout = _CONNECT_SECONDS, _READ_SECONDS
    return AppriseWay(service, apprise.NotifyType)


def beat(url: SecretStr, seconds: float = SEND_SECONDS) -> str:
    """Requests the heartbeat URL within so many seconds. Returns "" if it answered with 2xx, else why it failed."""
    return _asked("GET", url, seconds)


def _asked(
    method: str, url: SecretStr, seconds: float, body: bytes | None = None, headers: dict[str, str] | None = None
) -> str:
    try:
        with (
            within(seconds),
            httpx.Client(timeout=seconds, follow_redirects=False, transport=Transport()) as client,
            client.stream(method, url.get_secret_value(), content=body, headers=headers) as answer,
        ):
            status = answer.status_code
    except httpx.InvalidURL:
        return "it is no web address"
    except (httpx.HTTPError, OSError) as error:
        return f"no answer: {type(error).__name__}"
    return "" if 200 <= status < 300 else f"it answered {status}"
