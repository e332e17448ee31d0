"""/syncs/NAME: what became of the people of a sync, by the hour and by the day, and how long it took."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import partial

from connector.admin import sync_figures
from connector.admin.sync_figures import Span
from connector.console.page import Desk, Page, Route, Visit

_ALL = ("entered", "changed", "left", "object")


def sync(desk: Desk, visit: Visit) -> Page:
    """Shows the figures of a sync by hour and by day. Raises SettingsError where the settings name no such sync."""
    name = visit.path["sync"]
    rules = desk.reads.rules(name)  # raises SettingsError, which names the syncs there are
    settings = desk.settings.syncs[name]
    found = desk.shared.get(("sync", name), partial(sync_figures.of_sync, desk.reads.store, name, settings))
    directions = _ALL if rules.objects else _ALL[:-1]
    context = {
        "name": name,
        "sync": settings,
        "figures": found,
        "directions": directions,
        "parts": (("hour", found.hours), ("day", found.days)),
        "totals": {span: _sums(spans) for span, spans in (("hour", found.hours), ("day", found.days))},
        "labelled": _labelled,
        "latencies": _latencies,
        "newest": _newest,
        "highest": _highest,
        "shares": [f"p{share * 100:g}" for share in sync_figures.SHARES],
    }
    return Page("sync.html", context)


def _sums(spans: Sequence[Span]) -> Mapping[str, Mapping[str, int]]:
    """Returns the totals of all spans, by what is counted (wanted, confirmed, refused) and by direction."""
    return {
        kind: {each: sum(getattr(span, kind)[each] for span in spans) for each in _ALL}
        for kind in ("wanted", "confirmed", "refused")
    }


def _labelled(spans: Sequence[Span], unit: str) -> list[tuple[str, float]]:
    """Returns the columns of a chart: the beginning of each span in UTC, and how many were confirmed in it."""
    form = "%H:%M" if unit == "hour" else "%Y-%m-%d"
    return [(datetime.fromtimestamp(each.begin, UTC).strftime(form), each.confirmed.total()) for each in spans]


def _latencies(spans: Sequence[Span]) -> list[tuple[str, list[float]]]:
    """Returns a line of latencies in seconds for each percentile, with 0.0 for a span without a latency."""
    return [
        (f"p{share * 100:g}", [each.seconds[place] or 0.0 for each in spans])
        for place, share in enumerate(sync_figures.SHARES)
    ]


def _highest(spans: Sequence[Span]) -> float | None:
    return max((each for span in spans for each in span.seconds if each is not None), default=None)


def _newest(spans: Sequence[Span], place: int) -> float | None:
    return next((each.seconds[place] for each in reversed(spans) if each.buckets), None)


ROUTES = (Route("/syncs/{sync}", sync),)
