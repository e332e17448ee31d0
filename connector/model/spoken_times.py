"""Times and durations in words, for people."""

from datetime import UTC, datetime

_DAY_SECONDS = 86_400


def clock(at: float, now: float) -> str:
    """Returns a time in words, in UTC: the time of day where it is less than 12 hours old, else with the date."""
    form = "at %H:%M:%S UTC" if now - at < _DAY_SECONDS / 2 else "on %Y-%m-%d at %H:%M UTC"
    return datetime.fromtimestamp(at, UTC).strftime(form)


def moment(at: float, now: float) -> str:
    """Returns the same without "at" or "on": 14:02:11 UTC, or 2026-10-01 14:02 UTC."""
    form = "%H:%M:%S UTC" if now - at < _DAY_SECONDS / 2 else "%Y-%m-%d %H:%M UTC"
    return datetime.fromtimestamp(at, UTC).strftime(form)


def duration(seconds: float) -> str:
    """Returns a duration for people, with two units at the most."""
    if seconds < 60:
        return f"{max(seconds, 0.0):.1f} s"
    minutes, hours, days = round(seconds / 60), round(seconds / 60) // 60, round(seconds / 60) // 1440
    if not hours:
        return f"{minutes} min"
    return f"{days} d {hours % 24} h" if days else f"{hours} h {minutes % 60} min"
