"""A place in a trace as the W3C writes it, `traceparent`: version, trace, span and flags. Pure.

Upstream's may be anything. What is not one is none: a message is not worth less for a header that cannot be read.
"""

import re
from collections.abc import Mapping
from typing import Any

NAME = "traceparent"
NONE = ""
"""The value in place of a traceparent: the message brought none."""
_LONGEST = 256
_FORM = re.compile(r"(?P<version>[0-9a-f]{2})-(?P<place>[0-9a-f]{32}-[0-9a-f]{16})-[0-9a-f](?P<flags>[0-9a-f])(-.*)?")
_NO_TRACE, _NO_SPAN = "0" * 32, "0" * 16
_SAMPLED = 1


def accepted(given: object) -> str:
    """Returns a traceparent in the form of this version, NONE for whatever else was given."""
    text = given.decode("ascii", "replace") if isinstance(given, bytes) else given
    if not isinstance(text, str) or len(text) > _LONGEST:
        return NONE
    found = _FORM.fullmatch(text.strip())
    if found is None or found["version"] == "ff" or (found["version"] == "00" and found[4] is not None):
        return NONE
    trace, _, span = found["place"].partition("-")
    if trace == _NO_TRACE or span == _NO_SPAN:
        return NONE
    return made(trace, span, sampled=bool(int(found["flags"], 16) & _SAMPLED))


def made(trace: str, span: str, *, sampled: bool) -> str:
    """Returns the traceparent of a span, both ids in hex."""
    return f"00-{trace}-{span}-{'01' if sampled else '00'}"


def of_headers(headers: Mapping[str, Any]) -> str:
    """Returns the traceparent in the headers of a message of AMQP or Celery, NONE if there is none.

    Celery puts what its caller gives as headers beside its own, some of its versions into a table of them.
    """
    if NAME in headers:
        return accepted(headers[NAME])
    within = headers.get("headers")
    return accepted(within.get(NAME)) if isinstance(within, Mapping) else NONE


def parts(traceparent: str) -> tuple[int, int, bool]:
    """Returns the trace, the span, and whether it is sampled, of a traceparent that `accepted` has returned."""
    _, trace, span, flags = traceparent.split("-")
    return int(trace, 16), int(span, 16), flags == "01"
