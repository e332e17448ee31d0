"""Tells whether the store failed because of the data that was to be written, or would have failed for any."""

from sqlalchemy.exc import DBAPIError

from connector.errors import StoreError

_DATA, _INTEGRITY, _LIMITS = "22", "23", "54"
"""Classes of SQLSTATE: a value that does not fit, a constraint that is broken, something larger than can be kept."""
_SQLITE = ("DataError", "IntegrityError")


def blames_the_data(error: StoreError) -> bool:
    """Says whether the data caused the error, and not a store that is away, full or busy."""
    cause = error.__cause__
    raised = cause.orig if isinstance(cause, DBAPIError) else cause
    state = getattr(raised, "sqlstate", None)
    if isinstance(state, str):
        return state[:2] in (_DATA, _INTEGRITY, _LIMITS)
    return type(raised).__name__ in _SQLITE
