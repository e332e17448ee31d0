"""Indents JSON for people to read. Every text and number in it stays as it was written: nothing is rounded."""

import json
import re

_TOKENS = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{},:]|[^\s\[\]{},:"]+')
_SPACES = "  "
_DEPTH = 100
"""JSON that is nested deeper than this is indented no further."""


def indented(text: str | None) -> str | None:
    """Returns JSON indented for reading; a text that is not JSON stays as it is, and None stays None."""
    if text is None:
        return None
    try:
        json.loads(text, parse_int=str, parse_float=str)
    except (ValueError, RecursionError):
        return text
    return "".join(_lines(_TOKENS.findall(text)))


def _lines(tokens: list[str]) -> list[str]:
    made: list[str] = []
    depth = 0
    for place, part in enumerate(tokens):
        if part in "]}":
            depth -= 1
            made.append(part if tokens[place - 1] in "[{" else f"{_line(depth)}{part}")
            continue
        made.append(f"{part} " if part == ":" else part)
        if part in "[{":
            depth += 1
        following = tokens[place + 1] if place + 1 < len(tokens) else ""
        if part == "," or (part in "[{" and following not in "]}"):
            made.append(_line(depth))
    return made


def _line(depth: int) -> str:
    return "\n" + _SPACES * min(depth, _DEPTH)
