"""Decides how fast a connection is used: at its full rate, and from a trickle up again after an outage.

Each failure halves what is claimed and doubles the time between two requests, each success takes one failure back. So
a fleet that waited out an outage does not stampede: it begins with a request or two, and is at full speed again after
some successes in a row.
"""

_MOST_HALVINGS = 6
MAX_RETRY_AFTER_SECONDS = 3600.0
_MAX_EXPONENT = 16


def people(most: int, failures: int) -> int:
    """Returns how many people to claim at once after failures in a row; without any, `most`."""
    return max(most >> min(failures, _MOST_HALVINGS), 1)


def seconds_apart(requests_per_second: float, failures: int) -> float:
    """Returns the seconds between two requests of all workers together, after failures in a row."""
    return float(2 ** min(failures, _MOST_HALVINGS) / requests_per_second)


def after_success(failures: int) -> int:
    """Returns the failures that still count after a request that went well."""
    return max(min(failures, _MOST_HALVINGS) - 1, 0)


def delay(failures: int, base: float, longest: float, jitter: float) -> float:
    """Says how long to pause after some failures in a row.

    Args:
        failures: How many there were.
        base: The first pause, in seconds. Each further failure doubles it.
        longest: The longest pause, in seconds.
        jitter: A random number from 0 to 1 that the caller draws, so that a fleet does not come back in one
            instant. It takes off up to half.

    Returns:
        The seconds to pause.
    """
    full = min(base * 2.0 ** min(max(failures - 1, 0), _MAX_EXPONENT), longest)
    return float(full * (1 - jitter / 2))


def retry_after(value: str | None, now: float, parsed_date: float | None = None) -> float | None:
    """Returns the seconds that a Retry-After header asks for: a number, or a date already parsed to unix seconds."""
    if value is None:
        return None
    text = value.strip()
    seconds = float(text) if text.isascii() and text.replace(".", "", 1).isdigit() else None
    if seconds is None and parsed_date is not None:
        seconds = parsed_date - now
    return None if seconds is None else min(max(seconds, 0.0), MAX_RETRY_AFTER_SECONDS)
