"""Looks up names of hosts within a bound: with name servers that are silent the system waits as long as it pleases."""

import socket
import threading
from queue import Empty, SimpleQueue


def addresses(host: str, port: int, seconds: float | None) -> list[str]:
    """Returns the addresses of a host, in the order in which to try them.

    Args:
        host: A name, or an address, which needs no look-up.
        port: The port that is to be connected to.
        seconds: How long to wait for the name servers; None is as long as the system does.

    Raises:
        TimeoutError: No name server has answered in time.
        OSError: There is no such host.
    """
    found: SimpleQueue[list[str] | OSError] = SimpleQueue()
    threading.Thread(target=lambda: found.put(_looked_up(host, port)), name="look-up", daemon=True).start()
    try:
        answer = found.get(timeout=seconds)
    except Empty:
        raise TimeoutError(f"no name server has said in time where {host} is") from None
    if isinstance(answer, OSError):
        raise answer
    return answer


def _looked_up(host: str, port: int) -> list[str] | OSError:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        return error
    except UnicodeError as error:  # a label that is empty, or too long
        return OSError(f"{host} is no name of a host: {error}")
    return list(dict.fromkeys(str(each[4][0]) for each in found))
