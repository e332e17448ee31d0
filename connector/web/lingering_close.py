"""Closes a connection so that the client can read the last answer, even if it is still sending.

A connection that is closed with unread bytes is reset, and a client whose connection is reset may lose the answer.
"""

import asyncio
from collections.abc import Callable
from typing import Any


class Parting(asyncio.Transport):
    """A transport whose `close` ends only the writing side while the client may be sending, and goes on reading."""

    def __init__(self, line: asyncio.Transport, more_comes: Callable[[], bool], listen_on: Callable[[], None]) -> None:
        """Wraps the transport of a connection.

        Args:
            line: the transport itself.
            more_comes: returns whether the client may still be sending.
            listen_on: called once the writing side is ended. It has to read on, and to close `line` in the end.
        """
        super().__init__()
        self.line = line
        self._more_comes = more_comes
        self._listen_on = listen_on
        self._leaving = False

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Returns a fact about the connection by its name, as asyncio's transports do."""
        return self.line.get_extra_info(name, default)

    def is_closing(self) -> bool:
        """Says whether nothing more can be written."""
        return self._leaving or self.line.is_closing()

    def write(self, data: Any) -> None:
        """Writes bytes to the client; drops them if the connection is closing."""
        if not self._leaving:
            self.line.write(data)

    def close(self) -> None:
        """Closes the connection, or only its writing side if the client may still be sending."""
        if self.is_closing():
            return
        if not self._more_comes():
            self.line.close()
            return
        self._leaving = True
        try:
            self.line.write_eof()
        except OSError:  # the client has reset it meanwhile
            self.line.abort()
        else:
            self._listen_on()

    def forget(self) -> None:
        """Drops both callbacks once the connection is lost, so that their owner can be freed at once."""
        self._more_comes, self._listen_on = bool, lambda: None

    def abort(self) -> None:
        """Ends the connection at once."""
        self.line.abort()

    def pause_reading(self) -> None:
        """Stops reading, so that the client has to wait."""
        self.line.pause_reading()

    def resume_reading(self) -> None:
        """Begins to read again."""
        self.line.resume_reading()
