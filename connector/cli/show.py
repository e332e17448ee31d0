"""`connector show`: all that is known of one person."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from typing import Annotated, Any

from pydantic_core import to_json
from rich.text import Text
from typer import Argument, Option

from connector.admin.person.as_json import as_json, side_by_side
from connector.admin.person.calls import part_in_words
from connector.admin.person.gather import gather, held_now
from connector.admin.person.timeline import in_words
from connector.admin.preview.explanation import shown
from connector.cli.opening import opened
from connector.cli.options import SETTINGS_TOML, AsJson, SettingsFile, day_and_time, out
from connector.cli.tables import table
from connector.model.visible import visible

Person = Annotated[str, Argument(help="Their key upstream, their id or e-mail in Customer.io, or an anonymous id.")]
ShownSync = Annotated[str, Option("--sync", help="Only in this sync.")]
_PLAIN: dict[str, Any] = {"box": None, "pad_edge": False}


WithHistory = Annotated[bool, Option("--history", help="What happened to them, the latest first.")]
HistoryLimit = Annotated[int, Option("--limit", min=1, help="How much of their history, at the most.")]


def show(
    user: Person,
    settings: SettingsFile = SETTINGS_TOML,
    sync: ShownSync = "",
    history: WithHistory = False,
    limit: HistoryLimit = 100,
    json: AsJson = False,
) -> None:
    """Show all that is known of a person: what upstream said, what Customer.io should hold, and why.

    Beside it stands what Customer.io holds, where the connection has an App API key: one request for each sync.
    Exit code 1 where nobody is known so.
    """
    with closing(opened(settings)) as runtime:
        person = gather(runtime, user, sync, limit if history else 0)
        asked = [replace(each, held=held_now(runtime, each)) for each in person.syncs]
        found = as_json(replace(person, syncs=asked))
    if json:
        out.out(to_json(found).decode(), highlight=False)
    else:
        _show(found)


def _show(found: Mapping[str, Any]) -> None:
    """Shows a person, as `as_json` has them."""
    out.print(Text(visible(found["key"]), style="bold"), soft_wrap=True)
    for each in found["syncs"]:
        _show_sync(each)
    if not found["syncs"]:
        _line("no sync has a row of them", "upstream has said nothing of them, or they were forgotten")
    for each in found["problems"]:
        times = f" ({each['times']:,} times)" if each["times"] > 1 else ""
        _line(f"problem {each['id'][:8]}", f"{day_and_time(each['last_at'])}, {each['kind']}: {each['reason']}{times}")
    for each in found["profiles"]:
        _line(f"reported by {each['connection']}", f"last at {day_and_time(each['updated_at'])}")
        out.print(table(("field", "value"), [(visible(k), _cell(v)) for k, v in each["fields"].items()], **_PLAIN))


def _show_sync(person: Mapping[str, Any]) -> None:
    out.print()
    name, connection = person["sync"], person["connection"]
    place = name if connection in (None, name) else f"{name} to {connection}"
    out.print(Text(visible(place), style="bold"), soft_wrap=True)
    for what, text in _sentences(person):
        _line(what, text)
    rows = [(visible(name), *map(_cell, values)) for name, *values in side_by_side(person)]
    if rows:
        columns = ("attribute", "should be", "was confirmed", "is held now")
        out.print(table(columns, rows, whole=(), **_PLAIN))
    for each in person["events"]["latest"]:
        name = each["name"] or "an event whose body is gone"
        _line(f"event {each['state']}", f"{name}, taken in at {day_and_time(each['accepted_at'])} ({each['id']})")
    for each in person["calls"]:
        answer = f"{each['status'] or 'no answer'}, {each['milliseconds']:,} ms, {each['verdict']}"
        reason = f": {each['reason']}" if each["reason"] else ""
        _line(f"call {each['id']}", f"{day_and_time(each['at'])}, {each['items']:,} items, {answer}{reason}")
        for part in each["theirs"]:
            _line("  theirs", part_in_words(part))
    _show_history(person["history"])


def _show_history(entries: Sequence[Mapping[str, Any]]) -> None:
    for each in entries:
        _line(f"{day_and_time(each['at'])} {each['what']}", in_words(each))


def _sentences(person: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    said, held = person["said"], person["held"]
    yield "known as", _pairs(person["identifiers"]) or "nothing that Customer.io knows"
    for each in person["anonymous_ids"]:
        yield "visitor", each
    if person["standing"] is not None:
        yield "stands", f"{person['standing']}: {person['why']}"
    for each in person["waits"]:
        yield "now", each
    if person["also_in"]:
        yield "also in", f"{', '.join(person['also_in'])}, so leaving this sync takes nothing away that those send"
    for each in person["reported"]:
        yield each["mark"], f"at {day_and_time(each['at'])} UTC, {each['reason']}"
    if said["at"] is not None:
        version = f", version {said['version']}" if said["version"] is not None else ""
        yield "upstream's last news", f"{day_and_time(said['at'])} UTC{version}"
    yield "segments", ", ".join(said["segments"]) or "none"
    yield "should be", _somebody(person["should"])
    yield "was confirmed", _somebody(person["confirmed"])
    if held is not None:
        yield "is held now", f"{held['state']}: {held['reason']}" if held["reason"] else held["state"]
    counts = person["events"]["counts"]
    yield "events", ", ".join(f"{count:,} {state}" for state, count in counts.items()) or "none"
    if not person["calls"]:
        yield "calls", "none that is kept is about them"


def _somebody(profile: Mapping[str, Any] | None) -> str:
    if profile is None:
        return "nobody"
    beside = [f"{len(profile[each])} {each}" for each in ("devices", "relationships") if profile[each]]
    blocked = ["suppressed"] if profile["suppressed"] else []
    return ", ".join((_pairs([profile["identifier"]]), *beside, *blocked))


def _pairs(identifiers: list[dict[str, str]]) -> str:
    return ", ".join(f"{type} {value}" for each in identifiers for type, value in each.items())


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return visible(shown(value if isinstance(value, str) else to_json(value).decode()))


def _line(what: str, text: str) -> None:
    out.print(Text(f"  {what}: {visible(text)}"), soft_wrap=True)
