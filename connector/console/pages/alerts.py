"""/alerts: the open and the past alerts and who took them on, the rules in effect, the channels, and the notices."""

from connector.alerts import overview
from connector.console.page import Desk, Page, Redirect, Route, Visit
from connector.errors import ConnectorError

SHOWN = 100


def listing(desk: Desk, _: Visit) -> Page:
    """Shows the open alerts, the last 100 past ones and notices, the rules in effect, and the channels."""
    return Page("alerts.html", {"alerts": overview.overview(desk.settings.alerts, desk.reads.store, SHOWN)})


def acknowledge(desk: Desk, visit: Visit) -> Redirect:
    """Notes that the visitor takes on the alert with the given key, or without a key all that are open.

    Raises ConnectorError where there is none to take on.
    """
    keys = [visit.given("key")] if visit.given("key") else []
    taken = overview.acknowledge(desk.runtime.store, keys, visit.visitor.name)
    return Redirect("/alerts", f"{visit.visitor.name} has taken on: {', '.join(taken)}.")


def try_channel(desk: Desk, visit: Visit) -> Redirect:
    """Sends a test message by a channel. Raises ConnectorError where the channel does not take it."""
    name = visit.given("channel")
    reason = overview.try_channel(desk.settings.alerts, desk.runtime.store, name)
    if reason:
        raise ConnectorError(f"the channel {name} did not take the test message: {reason}")
    return Redirect("/alerts", f"The channel {name} took the test message.")


def _key(visit: Visit) -> str:
    return visit.given("key") or "all"


def _channel(visit: Visit) -> str:
    return visit.given("channel")


ROUTES = (
    Route("/alerts", listing),
    Route("/alerts/acknowledge", acknowledge, "operator", "POST", "alerts acknowledge", _key),
    Route("/alerts/test", try_channel, "operator", "POST", "alerts test", _channel),
)
