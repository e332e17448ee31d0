"""Makes texts of users safe to show: a control character would move a terminal's cursor, or rewrite its lines."""

import re

_UNSEEN = "\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff"
"""Control characters, marks that turn the direction of writing, ends of lines, and halves of surrogate pairs."""
_IN_A_LINE = re.compile(f"[{_UNSEEN}]")
_IN_LINES = re.compile(f"(?!\n)[{_UNSEEN}]")
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def visible(text: str) -> str:
    """Returns the text in one line, with invisible characters as JSON escapes them."""
    return _IN_A_LINE.sub(_escaped, text)


def visible_lines(text: str) -> str:
    """Returns the same of a text that may have several lines."""
    return _IN_LINES.sub(_escaped, text)


def _escaped(found: re.Match[str]) -> str:
    character = found.group()
    return _SHORT.get(character) or f"\\u{ord(character):04x}"
