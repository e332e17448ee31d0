"""Channels against local stand-ins: what Slack, PagerDuty and a web address of our own get on the wire."""

import base64
import json
import logging
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from apprise.plugins import pagerduty, slack
from pydantic import SecretStr

from connector import standard_webhooks
from connector.alerts import channels
from connector.alerts.channels import AppriseWay
from connector.alerts.wording import AlertMessage, message
from connector.model.alert import Notice, StateChange
from connector.settings.alerts import Channel

SECRET = "whsec_" + base64.b64encode(b"a key of twenty-four bytes").decode()
pytestmark = pytest.mark.filterwarnings("ignore:.*imghdr.*:DeprecationWarning")  # which apprise imports
TOKENS = "T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ"
SLACK = f"slack://{TOKENS}/#alerts"
PAGERDUTY = "pagerduty://integration-key@api-key/connector"
AT = 1_790_812_800.0


@dataclass
class Request:
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class StandIn:
    """A server that keeps what it is asked, and answers as the test says."""

    url: str = ""
    status: int = 200
    text: bytes = b"ok"
    silent: threading.Event | None = None
    got: list[Request] = field(default_factory=list)


@pytest.fixture
def stand_in() -> Iterator[StandIn]:
    made = StandIn()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            made.got.append(Request(self.path, {k.lower(): v for k, v in self.headers.items()}, body))
            if made.silent is not None:
                made.silent.wait(30)
            self.send_response(made.status)
            self.send_header("Content-Length", str(len(made.text)))
            self.end_headers()
            self.wfile.write(made.text)

        do_GET = do_POST  # noqa: N815 - as the library calls it

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        made.url = f"http://127.0.0.1:{server.server_address[1]}"
        yield made
        if made.silent is not None:
            made.silent.set()
        server.shutdown()
        thread.join()


@pytest.fixture
def to_stand_in(stand_in: StandIn, monkeypatch: pytest.MonkeyPatch) -> StandIn:
    monkeypatch.setattr(slack.NotifySlack, "webhook_url", f"{stand_in.url}/services")
    monkeypatch.setitem(pagerduty.PAGERDUTY_API_LOOKUP, "us", f"{stand_in.url}/v2/enqueue")
    return stand_in


def notice(change: StateChange = "opened", sentence: str = "main is paused", **given: Any) -> Notice:
    values = {
        "at": AT + 90,
        "opened_at": AT,
        "severity": "page",
        "kind": "connection paused",
        "subject": "main",
        **given,
    }
    return Notice(alert="connection paused: main", episode=1, number=1, change=change, sentence=sentence, **values)


def said(*notices: Notice) -> AlertMessage:
    return message("msg_1", notices or [notice()], 20)


def way(**given: Any) -> channels.Way:
    return channels.opened(Channel(name="ops", **given))


def test_slack_gets_the_alerts_as_one_message(to_stand_in: StandIn) -> None:
    assert way(url=SLACK).send(said(notice(), notice("recovered", "other is late")), AT) == ""
    (request,) = to_stand_in.got
    assert request.path == f"/services/{TOKENS}"
    assert request.json["channel"] == "#alerts"
    (attachment,) = request.json["attachments"]
    assert attachment["title"] == "Audience Sync Connector: 1 new, 1 over"
    assert attachment["text"] == "PAGE: main is paused\nOVER after 2 min: other is late"


def test_pagerduty_opens_an_incident_and_resolves_the_same(to_stand_in: StandIn) -> None:
    to_stand_in.status = 202
    pager = way(url=PAGERDUTY)
    assert pager.singly
    assert pager.send(said(), AT) == ""
    assert pager.send(said(notice("recovered")), AT) == ""
    opened, over = (each.json for each in to_stand_in.got)
    assert (opened["event_action"], over["event_action"]) == ("trigger", "resolve")
    assert opened["dedup_key"] == over["dedup_key"] == "connection paused: main"
    assert opened["routing_key"] == "integration-key"
    assert (opened["payload"]["summary"], opened["payload"]["severity"]) == ("PAGE: main is paused", "critical")


def test_a_webhook_is_signed_as_standard_webhooks_has_it(stand_in: StandIn) -> None:
    mine = way(webhook_url=f"{stand_in.url}/hook?token=hidden", webhook_secret=SECRET)
    assert mine.send(said(), AT) == ""
    (request,) = stand_in.got
    assert request.path == "/hook?token=hidden"
    signed = standard_webhooks.headers([SECRET], "msg_1", int(AT), request.body)
    assert {name: request.headers[name] for name in signed} == signed
    assert request.headers["content-type"] == "application/json"
    assert request.json == {
        "type": "alerts.changed",
        "timestamp": "2026-10-01T00:00:00.000+00:00",
        "data": {
            "alerts": [
                {
                    "alert": "connection paused: main", "kind": "connection paused", "subject": "main",
                    "change": "opened", "severity": "page", "sentence": "main is paused", "episode": 1,
                    "opened_at": "2026-10-01T00:00:00.000+00:00", "at": "2026-10-01T00:01:30.000+00:00",
                }
            ]
        },
    }  # fmt: skip


@pytest.mark.parametrize("status", [301, 400, 410, 500])
@pytest.mark.parametrize("channel", ["webhook", "slack", "pagerduty"])
def test_what_a_channel_does_not_take_is_said_and_none_of_its_secrets(
    to_stand_in: StandIn, caplog: pytest.LogCaptureFixture, channel: str, status: int
) -> None:
    caplog.set_level(logging.DEBUG)
    to_stand_in.status, to_stand_in.text = status, b"hidden"
    given = {
        "webhook": {"webhook_url": f"{to_stand_in.url}/hidden", "webhook_secret": SECRET},
        "slack": {"url": SLACK},
        "pagerduty": {"url": PAGERDUTY},
    }[channel]
    reason = way(**given).send(said(), AT)
    assert reason in {f"it answered {status}", "Slack did not take it", "Pager Duty did not take it"}
    assert len(to_stand_in.got) == 1
    for secret in ("hidden", "TIiajkdnlazkcOXrIdevi7FQ", "integration-key", "api-key", SECRET[6:]):
        assert secret not in caplog.text + reason + repr(Channel(name="ops", **given))


def test_a_channel_that_never_answers_is_given_up(stand_in: StandIn) -> None:
    stand_in.silent = threading.Event()
    hook = channels.WebhookWay(SecretStr(stand_in.url), SecretStr(SECRET), send_seconds=0.2)
    assert hook.send(said(), AT) == "no answer: ReadTimeout"

    class Slow:
        service_name = "Slow"

        def notify(self, **_: Any) -> bool:
            assert stand_in.silent is not None
            return stand_in.silent.wait(30)

    kinds = {"SUCCESS": 1, "FAILURE": 2, "WARNING": 3}
    assert AppriseWay(Slow(), kinds, send_seconds=0.2).send(said(), AT) == "Slow did not answer within 0.2 s"


def test_a_channel_that_cannot_be_reached_or_is_none_says_so() -> None:
    assert way(webhook_url="http://127.0.0.1:9", webhook_secret=SECRET).send(said(), AT) == "no answer: ConnectError"
    assert way(webhook_url="http://host:port", webhook_secret=SECRET).send(said(), AT) == "it is no web address"
    assert way(url="no-such://service").send(said(), AT) == "apprise knows no such url"
    assert way().send(said(), AT) == "it has neither url nor webhook_url"


def test_without_apprise_a_channel_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> Any:
        raise ImportError(name)

    monkeypatch.setattr(channels, "import_module", missing)
    assert "pip install 'audience-sync-connector[alerts]'" in way(url=SLACK).send(said(), AT)


def test_the_heartbeat_is_asked_for(stand_in: StandIn) -> None:
    assert channels.beat(SecretStr(f"{stand_in.url}/ping/hidden")) == ""
    assert [(each.path, each.body) for each in stand_in.got] == [("/ping/hidden", b"")]
    stand_in.status = 500
    assert channels.beat(SecretStr(stand_in.url)) == "it answered 500"
