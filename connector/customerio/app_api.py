"""The App API: reads people back, and says what came without judging it (reference: customerio-api, 4)."""

from collections.abc import Sequence
from types import TracebackType
from typing import Self

import httpx
from pydantic_core import to_json

from connector import __version__
from connector.customerio import replies
from connector.errors import SettingsError
from connector.outcome import Reply
from connector.settings.schema import Connection
from connector.settings.mistakes import variable

_PEOPLE = "/v1/customers/attributes"
_SEGMENTS = "/v1/segments"
_REPLY_BYTES = 100_000_000
"""A hundred people with 300 attributes of 1000 bytes are a third of this."""


class AppApi:
    """One workspace's App API. Threads may share it."""

    def __init__(self, connection: Connection, timeout: float, transport: httpx.BaseTransport | None = None) -> None:
        """`timeout`: seconds for each of connecting, sending and receiving. Raises SettingsError without the key."""
        if connection.app_api_key is None:
            name = variable(("connections", connection.name, "app_api_key"))
            raise SettingsError(f"{name} is not set: Customer.io's App API asks for it")
        self._client = httpx.Client(
            base_url=connection.app_base,
            timeout=timeout,
            transport=transport,
            headers={
                "Authorization": f"Bearer {connection.app_api_key.get_secret_value()}",
                "User-Agent": f"audience-sync-connector/{__version__}",
                "Content-Type": "application/json",
            },
        )

    def people(self, kind: str, values: Sequence[str]) -> Reply:
        """Asks for up to 100 people by identifiers of one kind: id, email or cio_id. Who is not there is left out."""
        body = to_json({"ids": values})
        return replies.reply(lambda: self._client.post(_PEOPLE, params={"id_type": kind}, content=body), _REPLY_BYTES)

    def segments(self) -> Reply:
        """Asks for all segments of the workspace."""
        return replies.reply(lambda: self._client.get(_SEGMENTS), _REPLY_BYTES)

    def make_segment(self, name: str, description: str) -> Reply:
        """Makes an empty manual segment. Customer.io may have several of one name, so look first."""
        body = to_json({"segment": {"name": name, "description": description}})
        return replies.reply(lambda: self._client.post(_SEGMENTS, content=body), _REPLY_BYTES)

    def close(self) -> None:
        """Closes the connections."""
        self._client.close()

    def __enter__(self) -> Self:
        """The client itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Closes the connections."""
        self.close()
