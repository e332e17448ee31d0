"""/: whether everything is right, in one sentence, and where to look if it is not."""

from collections.abc import Mapping
from functools import partial

from connector.admin import pace
from connector.admin.status import Depths, gathered
from connector.broker import depth
from connector.console.page import Desk, Page, Route, Visit

_BEHIND_SECONDS = 300.0


def home(desk: Desk, _: Visit) -> Page:
    """Shows how things stand."""
    settings, store = desk.settings, desk.reads.store
    status = gathered(settings, store, _depths(desk), _BEHIND_SECONDS, at_a_glance=True)
    promises = {each["sync"]: each for each in status["freshness"] if each["segment"] is None}
    context = {
        "status": status,
        "tone": "bad" if status["needs_somebody"] else "good" if status["state"] == "up to date" else "warn",
        "held": any(each["deletions_held"] for each in status["syncs"].values()),
        "problems": sum(many for kind, many in status["problems"].items() if kind != "held"),
        "pace": pace.of_last_hour(store, settings.syncs),
        "promises": promises,
        "broken": [each for each in status["freshness"] if each["broken"]],
        "empty_at": dict(desk.depths.empty_at),
        "durable": settings.broker.durable,
    }
    return Page("home.html", context)


def _depths(desk: Desk) -> Depths | None:
    """How to ask RabbitMQ, where there is one: what it said a moment ago will do."""
    settings = desk.settings
    if not settings.broker.durable:
        return None

    def ask() -> Mapping[str, int]:
        return desk.depths.get(partial(depth.of_messages, settings.broker, settings.intake))

    return ask


ROUTES = (Route("/", home),)
