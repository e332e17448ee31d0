"""The subjects that a visitor may ask to see unmasked: one person, or one page."""

import re

from connector.admin.operator_acts import digest
from connector.console.page import Route, Visit

_PAGE = re.compile(r"/[a-z-]{0,30}")
_SUBJECT = re.compile(r"/[a-z-]{0,30}|sha256:[0-9a-f]{16}")


def subject_of(route: Route, visit: Visit, path: str) -> str:
    """Returns the subject of a page, as the log of operators has it, which a visitor may ask to see unmasked.

    It is the digest of the person that the page is about, else the path of the page if that is a single short word. Any
    other path becomes a digest, since it may name people.
    """
    if route.of_person and route.subject(visit):
        return digest(route.subject(visit))
    if route.of_page:
        path = path.rpartition("/")[0]
    return path if _PAGE.fullmatch(path) else digest(path)


def is_subject(text: str) -> bool:
    """Says whether a text has the form of what `subject_of` returns."""
    return bool(_SUBJECT.fullmatch(text))
