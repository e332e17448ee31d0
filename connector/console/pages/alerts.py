"""/alerts: what needs somebody or did, who took it on, the rules in effect, the channels, and what was told."""

from connector.alerts import overview
from connector.console.page import Desk, Page, Redirect, Route, Visit
from connector.errors import ConnectorError

SHOWN = 100


def listing(desk: Desk, _: Visit) -> Page:
    """Shows all that there is of alerts."""
    return Page("alerts.html", {"alerts": overview.overview(desk.settings.alerts, desk.reads.store, SHOWN)})


def acknowledge(desk: Desk, visit: Visit) -> Redirect:
    """Takes an alert on, or all that are open."""
    keys = [visit.given("key")] if visit.given("key") else []
    taken = overview.acknowledge(desk.runtime.store, keys, visit.visitor.name)
    return Redirect("/alerts", f"{visit.visitor.name} has taken on: {', '.join(taken)}.")


def try_channel(desk: Desk, visit: Visit) -> Redirect:
    """Sends a test message by a channel."""
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
