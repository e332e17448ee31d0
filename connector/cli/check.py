"""`connector check`: is everything set so that it can work?"""

from collections.abc import Iterable, Iterator

import typer
from pydantic_core import to_json
from rich.text import Text

from connector.admin import check_workspaces
from connector.admin.check_actions import doubts
from connector.audience.rules import Rules
from connector.bulk.tabular import unheard_segments
from connector.bulk.warehouse import query
from connector.cli import check_services as services
from connector.cli.check_console import of_console
from connector.cli.finding import Finding, Level
from connector.cli.opening import settings_of
from connector.cli.options import SETTINGS_TOML, AsJson, SettingsFile, out
from connector.customerio import region
from connector.customerio import segments as manual_segment
from connector.customerio.region import Unknown, Workspace
from connector.customerio.segments import Absent, SegmentFault
from connector.errors import ConnectorError, StoreError
from connector.formats.relationships import DEFAULT_TYPE
from connector.model.attribute_names import EVERYTHING
from connector.runtime import Runtime
from connector.settings.connection import Connection
from connector.settings.manual_segments import Target
from connector.settings.schema import Settings, Sync, missing_credentials
from connector.settings.warehouse import WarehouseSource

_STYLES: dict[Level, str] = {"ok": "green", "warning": "yellow", "failed": "red"}


def check(settings: SettingsFile = SETTINGS_TOML, json: AsJson = False) -> None:
    """Check the settings, the store and the credentials: one line each. Exit code 1 where something failed."""
    loaded = settings_of(settings)
    runtime = Runtime.open(loaded)
    size = f"{len(loaded.syncs)} sync(s), {len(loaded.connections)} connection(s)"
    findings = [Finding("ok", "settings", f"{settings}: {size}")]
    for sync in loaded.syncs.values():
        findings += _of_sync(sync)
    findings += [services.of_store(runtime), *services.of_store_clock(runtime)]
    findings += [*services.of_broker(loaded), *services.of_doors(loaded), *of_console(loaded)]
    findings += _of_credentials(loaded, runtime)
    findings += [finding for rules in runtime.syncs for finding in _of_mirrors(rules, runtime)]
    findings += _shared_segments(runtime.syncs)
    findings += [Finding("warning", f"syncs.{name}", text) for name, text in check_workspaces.doubts(loaded)]
    findings += [_of_source(source, runtime.syncs) for source in loaded.sources.values()]
    findings += _unheard(runtime)
    runtime.close()
    for each in findings:
        if json:
            out.out(to_json({"level": each.level, "what": each.what, "text": each.text}).decode(), highlight=False)
        else:
            line = Text.assemble((f"{each.level:<7}", _STYLES[each.level]), f" {each.what}: {each.text}")
            out.print(line, soft_wrap=True)
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
    addressed = any(
        each.target == "email" or (each.source == EVERYTHING and "email" not in each.left_out)
        for each in sync.attributes
    )
    if sync.identify_by in ("id", "cio_id") and not addressed:
        yield 'no attribute is sent as "email": Customer.io will have no address to mail these people at'
    yield from doubts(Rules.of(sync))


def _of_credentials(settings: Settings, runtime: Runtime) -> Iterator[Finding]:
    for name in missing_credentials(settings):
        yield Finding("failed", "credentials", f"{name} is not set")
    numbers: dict[str, int] = {}
    for name, connection in settings.connections.items():
        if connection.site_id is not None and connection.api_key is not None:
            yield from _of_workspace(name, runtime, numbers)
    for name, text in check_workspaces.alike(numbers, settings):
        yield Finding("warning", f"connections.{name}", text)


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


def _unheard(runtime: Runtime) -> Iterator[Finding]:
    """Warnings of sources with a segment that nobody has heard of. A store that is away has a finding of its own."""
    for source in runtime.settings.sources.values():
        try:
            text = unheard_segments.warning(runtime.store, runtime.syncs, source)
        except StoreError:
            return
        if text is not None:
            yield Finding("warning", f"sources.{source.name}", text)


def _takes(rules: Rules, type: str) -> bool:
    """Whether the sync takes in what messages say about objects of a type."""
    return type in rules.objects and "object" in rules.objects[type].sources


def _of_workspace(name: str, runtime: Runtime, numbers: dict[str, int]) -> Iterator[Finding]:
    """Whose credentials these are. The workspace's number is added to `numbers`."""
    what = f"connections.{name}"
    reply = runtime.track(name).region()
    found = region.read(reply)
    if isinstance(found, Workspace):
        numbers[name] = found.number
    yield _whose(what, runtime.settings.connections[name], found)
    yield from services.of_workspace_clock(what, reply)


def _whose(what: str, connection: Connection, found: Workspace | Unknown) -> Finding:
    match found:
        case Workspace(region=its) if its != connection.region:
            return Finding("failed", what, f'the workspace is in region "{its}": set region = "{its}"')
        case Workspace(number, its):
            return Finding("ok", what, f"workspace {number} in region {its} at {connection.track_base}")
        case Unknown(reason, credentials=True):
            return Finding("failed", what, f"{reason}: check this connection's SITE_ID, API_KEY and region")
        case Unknown(reason):
            return Finding("failed", what, reason)


def _of_mirrors(rules: Rules, runtime: Runtime) -> Iterator[Finding]:
    """Whether the manual segments of a sync can be filled."""
    if not rules.mirrors:
        return
    what = f"syncs.{rules.name}.manual_segments"
    if runtime.settings.connections[rules.connection].app_api_key is None:
        for mirror, target in rules.mirrors.items():
            yield _unseen(what, mirror, target, rules.connection)
        return
    reply = runtime.app_api(rules.connection).segments()
    for mirror, target in rules.mirrors.items():
        into = f"{mirror!r} into {manual_segment.text_of(target)}"
        match manual_segment.looked_up(reply, target):
            case SegmentFault(reason):
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
