"""Closes a connection so that the client can read the last answer, also while it is still sending.

A connection that is closed before all that came was read is reset, and a client that is reset may lose the answer.
"""

import asyncio
from collections.abc import Callable
from typing import Any


class Parting(asyncio.Transport):
    """A connection which, when it is closed, says its last word and listens on, as long as more may come."""

    def __init__(self, line: asyncio.Transport, more_comes: Callable[[], bool], listen_on: Callable[[], None]) -> None:
        """Stands before a connection.

        Args:
            line: the connection itself.
            more_comes: whether the client may be sending still.
            listen_on: called once the last word was said. Whoever is called reads on, and closes `line` in the end.
        """
        super().__init__()
        self.line = line
        self._more_comes = more_comes
        self._listen_on = listen_on
        self._leaving = False

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Returns what is known of the connection."""
        return self.line.get_extra_info(name, default)

    def is_closing(self) -> bool:
        """Says whether nothing more is said."""
        return self._leaving or self.line.is_closing()

    def write(self, data: Any) -> None:
        """Says something, unless the last word was said."""
        if not self._leaving:
            self.line.write(data)

    def close(self) -> None:
        """Ends the connection in order."""
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
        """Is called once the connection is lost: nobody is told any more, so that whoever was is freed at once."""
        self._more_comes, self._listen_on = bool, lambda: None

    def abort(self) -> None:
        """Ends the connection at once."""
        self.line.abort()

    def pause_reading(self) -> None:
        """Lets the client wait."""
        self.line.pause_reading()

    def resume_reading(self) -> None:
        """Reads on."""
        self.line.resume_reading()
