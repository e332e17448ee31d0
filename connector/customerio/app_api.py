"""Sends requests to the App API, and says what came back without judging it (docs/customerio.md#app-api)."""

from collections.abc import Sequence
from types import TracebackType
from typing import Self

import httpx
from pydantic_core import to_json

from connector.customerio import http
from connector.customerio.responses import Reply
from connector.errors import SettingsError
from connector.settings.connection import Connection
from connector.settings.mistakes import variable

_PEOPLE = "/v1/customers/attributes"
_SEGMENTS = "/v1/segments"
_WEBHOOKS = "/v1/reporting_webhooks"
_ACTIVITIES = "/v1/activities"
ENTRIES_A_PAGE = 100
"""The most that a page of activities may have."""
_REPLY_BYTES = 100_000_000
"""The most bytes of a reply: a hundred people with 300 attributes of 1000 bytes are a third of it."""


class AppApi:
    """One workspace's App API. Threads may share it."""

    def __init__(self, connection: Connection, timeout: float, transport: httpx.BaseTransport | None = None) -> None:
        """Opens no connection yet. `timeout`: seconds for a whole exchange. Raises SettingsError without the key."""
        if connection.app_api_key is None:
            name = variable(("connections", connection.name, "app_api_key"))
            raise SettingsError(f"{name} is not set: Customer.io's App API asks for it")
        self._client = http.Client(
            connection.app_base,
            timeout=timeout,
            most_bytes=_REPLY_BYTES,
            headers={"Authorization": f"Bearer {connection.app_api_key.get_secret_value()}"},
            transport=transport,
        )

    def people(self, kind: str, values: Sequence[str]) -> Reply:
        """Asks for up to 100 people by identifiers of one kind: id, email or cio_id. The absent are left out."""
        return self._client.ask("POST", _PEOPLE, to_json({"ids": values}), {"id_type": kind})

    def segments(self) -> Reply:
        """Asks for all segments of the workspace."""
        return self._client.ask("GET", _SEGMENTS)

    def make_segment(self, name: str, description: str) -> Reply:
        """Makes an empty manual segment. Customer.io may have several of one name, so look first."""
        return self._client.ask("POST", _SEGMENTS, to_json({"segment": {"name": name, "description": description}}))

    def activities(self, type: str, start: str) -> Reply:
        """Asks for a hundred entries of one type of the activity log, from the page `start` on; "" for the youngest."""
        following = {"start": start} if start else {}
        return self._client.ask("GET", _ACTIVITIES, params={"type": type, "limit": str(ENTRIES_A_PAGE), **following})

    def reporting_webhooks(self) -> Reply:
        """Asks for all reporting webhooks of the workspace."""
        return self._client.ask("GET", _WEBHOOKS)

    def set_reporting_webhook(self, id: int | None, body: bytes) -> Reply:
        """Changes a reporting webhook; None makes a new one."""
        if id is None:
            return self._client.ask("POST", _WEBHOOKS, body)
        return self._client.ask("PUT", f"{_WEBHOOKS}/{id}", body)

    def close(self) -> None:
        """Closes the connections."""
        self._client.close()

    def __enter__(self) -> Self:
        """Returns the client itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Closes the connections."""
        self.close()
