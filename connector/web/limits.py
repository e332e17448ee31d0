"""Bounds how long a client of the doors may take and how much it may hold, so that one client harms no other."""

import resource
from dataclasses import dataclass

_OTHER_FILES = 256
"""The open files kept for what is no connection of the doors: the store, the broker, Customer.io."""
_MOST_CONNECTIONS, _FEWEST_CONNECTIONS = 2000, 64


@dataclass(frozen=True, slots=True)
class Limits:
    """The bounds for connections and bodies; times are in seconds.

    header_seconds: from the first byte of a request, or from connecting, until its headers are whole.
    idle_seconds: between two requests. It is longer than the 60 s for which load balancers keep idle connections.
    silence_seconds: between two parts of a body. body_seconds: for the whole body.
    wait_seconds: how long a request waits for room before it is answered 503.
    linger_seconds: how long a client may go on sending after its last answer, so that it can read the answer.
    write_seconds: how long a client may leave an answer unread.
    small_bytes: bodies up to this size have room of their own, so that large ones never keep them waiting.
    """

    header_seconds: float = 10.0
    idle_seconds: float = 75.0
    silence_seconds: float = 10.0
    body_seconds: float = 120.0
    wait_seconds: float = 10.0
    linger_seconds: float = 5.0
    write_seconds: float = 30.0
    small_bytes: int = 500_000


def most_connections() -> int:
    """Returns how many connections this process may have open at once: 64 to 2000, by its limit of open files."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    room = _MOST_CONNECTIONS if files == resource.RLIM_INFINITY else files - _OTHER_FILES
    return max(_FEWEST_CONNECTIONS, min(_MOST_CONNECTIONS, room))
