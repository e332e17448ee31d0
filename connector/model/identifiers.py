"""The one rule for what says who somebody is: the key of a user, an identifier in Customer.io, the id of an object.

Upstreams write the same id in many ways. A table with one gap makes 1001 to 1001.0, a form leaves blanks around an
address, a program that knows no id writes "undefined". All doors must read these alike: if the key were read in one way
and the identifier in another, one user would be two, or two would be one.
"""

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

VISITOR = "anonymous_id:"
"""The beginning of the key of a visitor, of whom nothing is known but the id of their browser."""
_INTEGER_BITS = 512
_EXACT = 2**53
"""The bound beyond which a float no longer tells which integer it was."""
_INVISIBLE = "\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"
_BLANKS = "".join(chr(code) for code in range(0x3001) if chr(code).isspace()) + _INVISIBLE

PLACEHOLDERS = (
    *("undefined", "null", "(null)", "nil", "none", "nan", "n/a", "[object Object]", "0"),
    *("NaT", "<NA>", "#N/A", "\\N"),
)
"""The texts that programs write for an id they do not have; in the second line pandas, spreadsheets and databases."""


def text(value: Any) -> str | None:
    """Returns an id as text, without the blanks around it; None for null, blanks, true and false, lists and objects.

    A float that was an integer is that integer. One that has a fraction, or may have been another integer, gives None.
    """
    if isinstance(value, str):
        return value.strip(_BLANKS) or None
    if isinstance(value, float):
        return str(int(value)) if abs(value) < _EXACT and value.is_integer() else None
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() < _INTEGER_BITS:
        return str(value)
    return None


def stripped(value: str) -> str:
    """Returns a text without the blanks around it, among them those that do not show."""
    return value.strip(_BLANKS)


def placeholders(given: Iterable[str]) -> frozenset[str]:
    """Returns the placeholders of the settings, as `is_placeholder` wants them."""
    return frozenset(map(_plain, given))


def is_placeholder(id: str, placeholders: frozenset[str]) -> bool:
    """Says whether an id is a placeholder, whatever its case; "0" stands for all ids of nothing but zeros."""
    return _plain(id) in placeholders


@lru_cache(maxsize=8192)
def _plain(id: str) -> str:
    plain = stripped(id).lower()
    return "0" if "0" in plain and not plain.strip("0.-") else plain
