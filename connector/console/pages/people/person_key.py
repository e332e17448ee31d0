"""Whom a visit is about."""

from connector.console.page import Visit


def key_of(visit: Visit) -> str:
    """Returns the key that the form or the address gives, as it is: spaces at its ends are a part of it."""
    posted = visit.form.get("key")
    return posted[-1] if posted else visit.query.get("key", "")


def key_in_path(visit: Visit) -> str:
    """Returns the key that stands in the path of a person's page."""
    return visit.path["key"]


def sought(visit: Visit) -> str:
    """Returns the name that is searched for: what one search shows is shown of whom it finds alone."""
    return visit.given("q")
