"""How fast a connection is used: at its full rate, and from a trickle up again after an outage.

Each failure halves what is claimed and doubles the time between two requests, each success takes one failure back. So
a fleet that waited out an outage does not stampede: it begins with a request or two, and is at full speed again after
some successes in a row.
"""

_MOST_HALVINGS = 6


def people(most: int, failures: int) -> int:
    """How many people to claim at once, of `most` in good times, after so many failures in a row."""
    return max(most >> min(failures, _MOST_HALVINGS), 1)


def seconds_apart(requests_per_second: float, failures: int) -> float:
    """Seconds between two requests, of all workers together, after so many failures in a row."""
    return float(2 ** min(failures, _MOST_HALVINGS) / requests_per_second)


def after_success(failures: int) -> int:
    """The failures that still count after a request that went well."""
    return max(min(failures, _MOST_HALVINGS) - 1, 0)
