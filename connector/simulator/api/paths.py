"""Identifiers in paths: Track v1 tells the kind from the value's shape (docs/customerio.md#paths)."""

import re

from connector.simulator.base.options import Options

CIO_PREFIX = "cio_"
_CIO_ID = re.compile(r"cio_[a-zA-Z0-9]*")


def named_in_path(identifier: str, options: Options) -> tuple[str, str]:
    """Returns what a decoded path segment names: `cio_` and a cio_id, an email, else an id, also for a phone number."""
    if identifier.startswith(CIO_PREFIX):
        return "cio_id", identifier.removeprefix(CIO_PREFIX)
    if "@" in identifier and "email" in options.kinds:
        return "email", identifier
    return "id", identifier


def is_malformed(identifier: str) -> bool:
    """Says whether it starts like a cio_id and goes on unlike one (1.6)."""
    return identifier.startswith(CIO_PREFIX) and _CIO_ID.fullmatch(identifier) is None
