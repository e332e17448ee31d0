"""Reads from a visit which person it is about."""

from connector.console.page import Visit


def key_of(visit: Visit) -> str:
    """Returns the key that the form gives, else the address's, "" for none. It is not trimmed: spaces belong to it."""
    posted = visit.form.get("key")
    return posted[-1] if posted else visit.query.get("key", "")


def key_in_path(visit: Visit) -> str:
    """Returns the key that stands in the path of a person's page."""
    return visit.path["key"]


def sought(visit: Visit) -> str:
    """Returns the name that is searched for. It is a subject of its own, so that each search is revealed by itself."""
    return visit.given("q")
