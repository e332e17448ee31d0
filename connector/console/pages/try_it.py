"""/try: what a pasted message would send, and what pasted settings would change; nothing is stored, sent or logged."""

from collections.abc import Mapping
from typing import Any

from connector.admin import deviations
from connector.admin.preview import settings_change, tried
from connector.console.page import Desk, Page, Route, Visit
from connector.errors import ConnectorError, StoreError


def form(desk: Desk, visit: Visit) -> Page:
    """Shows both forms."""
    return _page(desk, visit)


def message(desk: Desk, visit: Visit) -> Page:
    """Shows what a pasted message would lead to."""
    try:
        found = tried.messages(desk.runtime, visit.given("format"), visit.given("message"))
    except StoreError:
        raise
    except ConnectorError as error:
        return _page(desk, visit, message_fault=str(error))
    return _page(desk, visit, previews=[each.as_json() for each in found])


def settings(desk: Desk, visit: Visit) -> Page:
    """Shows what pasted settings would change."""
    try:
        found = settings_change.of_text(desk.reads, visit.given("settings"))
    except StoreError:
        raise
    except ConnectorError as error:
        return _page(desk, visit, settings_fault=str(error))
    return _page(desk, visit, changes=found)


def _page(desk: Desk, visit: Visit, **found: Any) -> Page:
    nothing: Mapping[str, Any] = {"message_fault": "", "settings_fault": "", "previews": None, "changes": None}
    given = {
        "formats": tried.FORMATS,
        "format": visit.given("format") or desk.settings.intake.format,
        "message": visit.given("message"),
        "pasted": visit.given("settings"),
        "note_of_diff": deviations.NOTE,
    }
    fault = found.get("message_fault") or found.get("settings_fault")
    return Page("try.html", {**nothing, **given, **found}, about_people=True, status=400 if fault else 200)


ROUTES = (
    Route("/try", form),
    Route("/try/message", message, "viewer", "POST", "plan"),
    Route("/try/settings", settings, "viewer", "POST", "diff"),
)
