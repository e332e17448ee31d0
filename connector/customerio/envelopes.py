"""Reads the bodies in which Customer.io answers. A body of another form comes from something in between.

Errors come in three forms (docs/customerio.md#answers): `{"meta": {"error": TEXT}}` and `{"meta": {"errors": [TEXT]}}`
of Track v1, `{"errors": [{"reason", "field", "message"}]}` of Track v2, with `detail` at the App API.
"""

import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from pydantic_core import from_json

from connector.model.visible import visible

_CHARACTERS = 300
_WORDS = ("field", "message", "detail")
_PLAIN_KEYS = ("message", "error", "detail", "error_description", "title", "reason")
_PLAIN_CHARACTERS = 120
_VARYING = re.compile(r"\s*\((?:reference|request id)\b[^)]*\)|\b[0-9A-Za-z][0-9A-Za-z-]{15,}\b", re.IGNORECASE)
_TITLE = re.compile(r"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)
_PHRASES = frozenset(each.phrase.lower() for each in HTTPStatus)


def json_object(body: bytes) -> Mapping[str, Any] | None:
    """Returns the JSON object that a body is, None if it is anything else."""
    try:
        found = from_json(body, allow_inf_nan=False)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def refusal(body: bytes) -> str | None:
    """Returns Customer.io's reasons in one line, None if the body is not in Customer.io's form of errors."""
    found = json_object(body)
    if found is None:
        return None
    meta = found.get("meta")
    if isinstance(meta, dict):
        error = meta.get("error")
        return _texts([error] if isinstance(error, str) else meta.get("errors"))
    errors = found.get("errors")
    return wording(errors) if isinstance(errors, list) and errors and all(map(_is_error, errors)) else None


def wording(errors: Sequence[Mapping[str, Any]]) -> str:
    """Returns the words of some errors of Track v2 or the App API, in one line."""
    texts = [" ".join(str(error[part]) for part in _WORDS if error.get(part)) or _reason(error) for error in errors]
    return _joined(texts)


def words(body: bytes) -> str:
    """Returns the words of an answer of any form, in a short line for people; "" if it only has a status.

    What differs each time, as references do, is left out: the same trouble shall be told in the same words.
    """
    found = json_object(body)
    text = _page(body) if found is None else refusal(body) or _message(found)
    line = visible(" ".join(_VARYING.sub("", text).split()))[:_PLAIN_CHARACTERS].rstrip(" .")
    return "" if line.lstrip("0123456789 ").lower() in _PHRASES else line


def _message(found: Mapping[str, Any]) -> str:
    """Returns the message of a JSON answer that is not in Customer.io's form."""
    texts = (found.get(key) for key in _PLAIN_KEYS)
    return next((text for text in texts if isinstance(text, str) and text.strip()), "")


def _page(body: bytes) -> str:
    """Returns the title of a page, or the first line of a plain text; "" for anything else."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return ""
    if title := _TITLE.search(text):
        return title.group(1)
    plain = text.strip().partition("\n")[0]
    return "" if plain.startswith(("<", "{", "[")) else plain


def _texts(errors: Any) -> str | None:
    if not isinstance(errors, list) or not errors or not all(isinstance(each, str) for each in errors):
        return None
    return _joined(errors)


def _joined(texts: Sequence[str]) -> str:
    return "; ".join(text[:_CHARACTERS] for text in texts if text) or "no reason given"


def _reason(error: Mapping[str, Any]) -> str:
    return str(error.get("reason") or "")


def _is_error(error: Any) -> bool:
    return isinstance(error, dict) and any(isinstance(error.get(part), str) for part in (*_WORDS, "reason"))
