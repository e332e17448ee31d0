"""Looks at something once a minute, and keeps what is otherwise than at the last look."""

from abc import ABC, abstractmethod
from contextlib import suppress
from time import monotonic
from typing import Generic, TypeVar

from connector.errors import ConnectorError

_LOOK_SECONDS = 60.0
_Found = TypeVar("_Found")


class MinuteWatch(ABC, Generic[_Found]):
    """Remembers what was found at the last look."""

    def __init__(self) -> None:
        """Has not looked yet."""
        self._noted: _Found | None = None
        self._look_at = 0.0

    def look(self) -> None:
        """Looks if a minute has passed. If RabbitMQ or the store cannot be reached, the next look asks again."""
        if monotonic() < self._look_at:
            return
        self._look_at = monotonic() + _LOOK_SECONDS
        with suppress(ConnectorError):
            found = self._find()
            if found != self._noted:
                self._note(found)
                self._noted = found

    @abstractmethod
    def _find(self) -> _Found:
        """Looks. Raises ConnectorError."""

    @abstractmethod
    def _note(self, found: _Found) -> None:
        """Keeps what is found. Raises StoreError."""
