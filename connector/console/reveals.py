"""The subjects that a visitor may ask to see unmasked: one person, or one page."""

import re

from connector.admin.operator_acts import digest
from connector.console.page import Route, Visit

_PAGE = re.compile(r"/[a-z-]{0,30}")
_SUBJECT = re.compile(r"/[a-z-]{0,30}|sha256:[0-9a-f]{16}")


def subject_of(route: Route, visit: Visit, path: str) -> str:
    """Returns what a page is about, as the log of operators has it: a digest, since a longer path may name people."""
    if route.of_person and route.subject(visit):
        return digest(route.subject(visit))
    if route.of_page:
        path = path.rpartition("/")[0]
    return path if _PAGE.fullmatch(path) else digest(path)


def is_subject(text: str) -> bool:
    """Whether this is what `subject_of` returns."""
    return bool(_SUBJECT.fullmatch(text))
