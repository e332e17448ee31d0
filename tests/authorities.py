"""Which authorities vouch for servers: none in the tests, since nobody here talks to the world outside.

To read those of the system takes 60 ms of CPU for each client of httpx, longer than most tests, and httpx reads the
file of SSL_CERT_FILE before it looks at SSL_CERT_DIR. Who installs something from a registry asks for them again.
"""

import os
from pathlib import Path

_NAMES = ("SSL_CERT_FILE", "SSL_CERT_DIR")
_KEPT = "TESTS_"
"""Before the name of a variable with what it held. Workers of xdist are started from an environment without them."""


def are_unknown() -> None:
    """From here on a client of httpx, here and in processes that are started, reads a folder without authorities."""
    if f"{_KEPT}SSL_CERT_DIR" not in os.environ:
        os.environ |= {f"{_KEPT}{name}": os.environ.get(name, "") for name in _NAMES}
    os.environ.pop("SSL_CERT_FILE", None)
    os.environ["SSL_CERT_DIR"] = str(Path(__file__).parent)


def known() -> dict[str, str]:
    """The environment with the authorities of the system, for a program that talks to the world outside."""
    given = {name: os.environ.get(f"{_KEPT}{name}", "") for name in _NAMES}
    others = {name: text for name, text in os.environ.items() if name not in _NAMES}
    return others | {name: text for name, text in given.items() if text}
