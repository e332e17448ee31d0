"""/try: what a pasted message would send, and what pasted settings would change; nothing is stored, sent or logged."""

from collections.abc import Iterator, Mapping
from typing import Any

from connector.admin import deviations
from connector.admin.preview import settings_change, try_it
from connector.admin.preview.settings_change import MOST_LISTED, SettingsList
from connector.console.csv_table import csv_table
from connector.console.page import Desk, Download, Page, Route, Visit
from connector.console.rendering import masked


def form(desk: Desk, visit: Visit) -> Page:
    """Shows the forms for a message and for settings, the first with a sample message."""
    return _page(desk, visit)


def message(desk: Desk, visit: Visit) -> Page:
    """Shows what pasted messages would lead to. Raises ConnectorError where they cannot be read, or are too many."""
    found = try_it.messages(desk.runtime, visit.given("format"), visit.given("message"))
    return _page(desk, visit, previews=[each.as_json() for each in found])


def settings(desk: Desk, visit: Visit) -> Page:
    """Shows what pasted settings would change in each sync. Raises SettingsError for mistakes in them."""
    found = settings_change.of_text(desk.reads, visit.given("settings"))
    return _page(desk, visit, changes=found)


def settings_list(desk: Desk, visit: Visit) -> Download:
    """Returns the people and objects that pasted settings would change as a CSV file, up to 50,000 of them.

    Raises SettingsError for mistakes in the settings.
    """
    found = settings_change.listed(desk.reads, visit.given("settings"))
    head = ("sync", "kind", "key", "would_be", "sets", "clears")
    body = csv_table(head, _rows(found, sees=visit.visitor.sees_people))
    return Download("settings-change.csv", "text/csv; charset=utf-8", body)


def _rows(found: SettingsList, *, sees: bool) -> Iterator[tuple[str, ...]]:
    for sync, each in found.entries:
        yield sync, each.kind, masked(each.key, sees), each.effect, "; ".join(each.sets), "; ".join(each.clears)
    if not found.all:
        yield (f"This is a part: the list ends after {MOST_LISTED:,} lines, or after some seconds.", *[""] * 5)


def _message_at_fault(desk: Desk, visit: Visit, fault: str) -> Page:
    return _page(desk, visit, message_fault=fault)


def _settings_at_fault(desk: Desk, visit: Visit, fault: str) -> Page:
    return _page(desk, visit, settings_fault=fault)


def _pasted_message(visit: Visit) -> str:
    form = visit.given("format")
    return f"{_size(visit, 'message')}, as {form if form in try_it.FORMATS else 'no form that is known'}"


def _pasted_settings(visit: Visit) -> str:
    return _size(visit, "settings")


def _size(visit: Visit, name: str) -> str:
    """Returns how many characters were pasted, for the log of operators: the pasted text itself is kept nowhere."""
    return f"{name} of {len(visit.given(name)):,} characters"


def _page(desk: Desk, visit: Visit, **found: Any) -> Page:
    nothing: Mapping[str, Any] = {"message_fault": "", "settings_fault": "", "previews": None, "changes": None}
    begins = "begin" in visit.query and not visit.form
    given = {
        "formats": try_it.FORMATS,
        "format": visit.given("format") or desk.settings.intake.format,
        "message": visit.given("message") if "message" in visit.form else _sample(desk, visit),
        "syncs": list(desk.settings.syncs),
        "sample_of": visit.given("sync"),
        "pasted": settings_change.of_today(desk.settings) if begins else visit.given("settings"),
        "note_of_diff": deviations.NOTE,
    }
    fault = found.get("message_fault") or found.get("settings_fault")
    return Page("try.html", {**nothing, **given, **found}, about_people=True, status=400 if fault else 200)


def _sample(desk: Desk, visit: Visit) -> str:
    return try_it.sample(desk.runtime, visit.given("format"), visit.given("sync"))


ROUTES = (
    Route("/try", form),
    Route("/try/message", message, "viewer", "POST", "plan", _pasted_message, at_fault=_message_at_fault),
    Route("/try/settings", settings, "viewer", "POST", "diff", _pasted_settings, at_fault=_settings_at_fault),
    Route("/try/settings/list", settings_list, "viewer", "POST", "diff", _pasted_settings, at_fault=_settings_at_fault),
)
