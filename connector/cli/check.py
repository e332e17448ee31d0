"""`connector check`: is everything set so that it can work?"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

import typer
from pydantic_core import to_json
from rich.markup import escape

from connector.customerio import segments as manual_segment
from connector.admin.check_actions import doubts
from connector.runtime import AtHand
from connector.cli.options import SETTINGS_TOML, AsJson, SettingsFile, out, settings_of
from connector.errors import ConnectorError, StoreError
from connector.formats.relationships import DEFAULT_TYPE
from connector.customerio.segments import Absent, Fault
from connector.audience.rules import Rules
from connector.settings.schema import Settings, Sync, missing_credentials
from connector.settings.manual_segments import Target
from connector.settings.warehouse import WarehouseSource
from connector.bulk.warehouse import query

Level = Literal["ok", "warning", "failed"]
_MARKS: dict[Level, str] = {"ok": "[green]ok[/]     ", "warning": "[yellow]warning[/]", "failed": "[red]failed[/] "}


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: what was checked, how it came out, and what to do about it."""

    level: Level
    what: str
    text: str


def check(settings: SettingsFile = SETTINGS_TOML, json: AsJson = False) -> None:
    """Check the settings, the store and the credentials: one line each. Exit code 1 where something failed."""
    loaded = settings_of(settings)
    at_hand = AtHand.open(loaded)
    size = f"{len(loaded.syncs)} sync(s), {len(loaded.connections)} connection(s)"
    findings = [Finding("ok", "settings", f"{settings}: {size}")]
    for sync in loaded.syncs.values():
        findings += _of_sync(sync)
    findings.append(_of_store(at_hand))
    findings += _of_credentials(loaded, at_hand)
    findings += [finding for rules in at_hand.syncs for finding in _of_mirrors(rules, at_hand)]
    findings += _shared_segments(at_hand.syncs)
    findings += [_of_source(source, at_hand.syncs) for source in loaded.sources.values()]
    at_hand.close()
    for each in findings:
        if json:
            out.out(to_json({"level": each.level, "what": each.what, "text": each.text}).decode(), highlight=False)
        else:
            out.print(f"{_MARKS[each.level]} {escape(f'{each.what}: {each.text}')}", highlight=False, soft_wrap=True)
    if any(each.level == "failed" for each in findings):
        raise typer.Exit(1)


def _of_sync(sync: Sync) -> Iterator[Finding]:
    what = f"syncs.{sync.name}"
    warnings = list(_warnings(sync))
    for text in warnings:
        yield Finding("warning", what, text)
    if not warnings:
        segments = "everybody" if "*" in sync.segments else f"{len(sync.segments)} segment(s)"
        chosen = f"{len(sync.attributes)} attribute(s), {len(sync.events)} event(s)"
        yield Finding("ok", what, f"{segments} to {sync.connection}, {chosen}, on_exit = {sync.on_exit}")


def _warnings(sync: Sync) -> Iterator[str]:
    if not sync.segments:
        yield 'segments is empty: nobody will be synced. Name segments, or give ["*"] for everybody'
    if not sync.deliver:
        yield "deliver = false: messages are taken in, nothing is sent"
    if sync.suppress_when.attribute:
        rule = sync.suppress_when
        whom = f"{rule.attribute} is {str(rule.equals).lower()!r}"
        yield f"suppress_when: whose {whom} is deleted in Customer.io and blocked there; no data comes back"
    targets = {attribute.target for attribute in sync.attributes}
    if sync.identify_by in ("id", "cio_id") and "email" not in targets:
        yield 'no attribute is sent as "email": Customer.io will have no address to mail these people at'
    yield from doubts(Rules.of(sync))


def _of_store(at_hand: AtHand) -> Finding:
    place = at_hand.store.place
    try:
        version = at_hand.store.version()
    except StoreError as error:
        return Finding("failed", "store", str(error))
    if version is None and at_hand.settings.broker.url == "memory://":
        return Finding("ok", "store", f"{place}: empty, `connector run` makes the tables")
    if version is None:
        return Finding("warning", "store", f"{place}: empty, run `connector migrate`")
    return Finding("ok", "store", f"{place}: tables of version {version}")


def _of_credentials(settings: Settings, at_hand: AtHand) -> Iterator[Finding]:
    for name in missing_credentials(settings):
        yield Finding("failed", "credentials", f"{name} is not set")
    for name, connection in settings.connections.items():
        if connection.site_id is None or connection.api_key is None:
            continue
        yield _of_workspace(name, at_hand)


def _of_source(source: WarehouseSource, syncs: Iterable[Rules]) -> Finding:
    what = f"sources.{source.name}"
    try:
        database = query.reach(source)
    except ConnectorError as error:
        return Finding("failed", what, str(error).removeprefix(f"{what}: "))
    type = source.object_type or DEFAULT_TYPE
    if source.kind == "objects" and not any(_takes(rules, type) for rules in syncs):
        wanted = f'[[syncs.NAME.objects]] with type = "{type}" and from with "object"'
        return Finding("warning", what, f"no sync wants its objects, so nothing comes of its rows: add {wanted}")
    by_hand = "" if source.times else "; no schedule: it runs only by `connector sources run`"
    return Finding("ok", what, f"{source.kind} from {database}{by_hand}")


def _takes(rules: Rules, type: str) -> bool:
    """Whether the sync takes in what messages say of objects of a type."""
    return type in rules.objects and "object" in rules.objects[type].sources


def _of_workspace(name: str, at_hand: AtHand) -> Finding:
    connection = at_hand.settings.connections[name]
    what = f"connections.{name}"
    status, body, fault = at_hand.track(name).region()
    match status:
        case 200 if body.get("region") not in (None, connection.region):
            region = body["region"]
            return Finding("failed", what, f'the workspace is in region "{region}": set region = "{region}"')
        case 200:
            workspace = f"workspace {body.get('environment_id', '?')} in region {body.get('region')}"
            return Finding("ok", what, f"{workspace} at {connection.track_base}")
        case 401 | 403:
            text = (
                f"Customer.io refused the credentials ({status}): check this connection's SITE_ID, API_KEY and region"
            )
            return Finding("failed", what, text)
        case 0:
            return Finding("failed", what, fault)
        case _:
            return Finding("failed", what, f"{connection.track_base} answered {status}, which is not Customer.io's way")


def _of_mirrors(rules: Rules, at_hand: AtHand) -> Iterator[Finding]:
    """Whether the manual segments of a sync can be filled."""
    if not rules.mirrors:
        return
    what = f"syncs.{rules.name}.manual_segments"
    if at_hand.settings.connections[rules.connection].app_api_key is None:
        for mirror, target in rules.mirrors.items():
            yield _unseen(what, mirror, target, rules.connection)
        return
    reply = at_hand.app_api(rules.connection).segments()
    for mirror, target in rules.mirrors.items():
        into = f"{mirror!r} into {manual_segment.text_of(target)}"
        match manual_segment.looked_up(reply, target):
            case Fault(reason):
                yield Finding("failed", what, f"{into}: {reason}")
            case Absent() if isinstance(target, int):
                yield Finding("failed", what, f"{into}: Customer.io has no segment of this id")
            case Absent():
                yield Finding("ok", what, f"{into}: not there yet, it will be made")
            case found:
                yield Finding("ok", what, f"{into}: the manual segment {found.id}")


def _unseen(what: str, mirror: str, target: Target, connection: str) -> Finding:
    into = f"{mirror!r} into {manual_segment.text_of(target)}"
    if isinstance(target, int):
        return Finding("ok", what, f"{into}: not looked at, which takes the App API's key")
    return Finding("failed", what, f"{into}: {manual_segment.no_key(connection)}")


def _shared_segments(syncs: Iterable[Rules]) -> Iterator[Finding]:
    """Manual segments that two syncs fill: one may take out whom the other put in."""
    filled: dict[tuple[str, Target], str] = {}
    for rules in syncs:
        for target in rules.mirrors.values():
            other = filled.setdefault((rules.connection, target), rules.name)
            if other != rules.name:
                text = f"{manual_segment.text_of(target)} is filled by syncs.{other} too: give each its own"
                yield Finding("warning", f"syncs.{rules.name}.manual_segments", text)
