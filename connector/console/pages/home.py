"""/: the state of everything in one sentence, and where to look if something is wrong; workspaces are resumed here."""

from collections.abc import Mapping
from functools import partial

from connector.admin import pace, pauses
from connector.admin.status import Depths, Status, gathered, waiting_problems
from connector.broker import depth
from connector.console.page import Desk, Page, Redirect, Route, Visit

_BEHIND_SECONDS = 300.0


def home(desk: Desk, _: Visit) -> Page:
    """Shows the status of syncs, workspaces and processes, the pace of the last hour, and what is promised."""
    settings, store = desk.settings, desk.reads.store
    status = desk.shared.get(
        "status", partial(gathered, settings, store, _depths(desk), _BEHIND_SECONDS, at_a_glance=True)
    )
    problems = waiting_problems(status)
    promises = {each["sync"]: each for each in status["freshness"] if each["segment"] is None}
    context = {
        "status": status,
        "tone": _tone(status, problems),
        "held": any(each["deletions_held"] for each in status["syncs"].values()),
        "problems": problems,
        "pace": desk.shared.get("pace", partial(pace.of_last_hour, store, settings.syncs)),
        "promises": promises,
        "broken": [each for each in status["freshness"] if each["broken"]],
        "empty_at": dict(desk.depths.empty_at),
        "durable": settings.broker.durable,
    }
    return Page("home.html", context)


def resume(desk: Desk, visit: Visit) -> Redirect:
    """Ends the pause of a workspace, if it is paused. Raises SettingsError for one that the settings do not name."""
    name = _workspace(visit)
    ended = pauses.end(desk.runtime.store, desk.settings, name)
    return Redirect("/", f"{name} is resumed: it is tried again at once." if ended else f"{name} was not paused.")


def _workspace(visit: Visit) -> str:
    return visit.path["name"]


def _tone(status: Status, problems: int) -> str:
    if status["needs_somebody"]:
        return "bad"
    return "warn" if problems or status["state"] != "up to date" else "good"


def _depths(desk: Desk) -> Depths | None:
    """Returns the function that asks RabbitMQ how many messages wait, or takes its last answer if that is recent.

    Returns None where the settings have no durable broker.
    """
    settings = desk.settings
    if not settings.broker.durable:
        return None

    def ask() -> Mapping[str, int]:
        return desk.depths.get(partial(depth.of_messages, settings.broker, settings.intake))

    return ask


ROUTES = (
    Route("/", home),
    Route("/workspaces/{name}/resume", resume, "operator", "POST", "resume", _workspace),
)
