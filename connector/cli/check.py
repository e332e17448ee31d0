"""`connector check`: is everything set so that it can work?"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import typer
from pydantic_core import to_json
from rich.markup import escape

from connector.at_hand import AtHand
from connector.cli.options import SETTINGS_TOML, AsJson, SettingsFile, out, settings_of
from connector.errors import ConnectorError, StoreError
from connector.settings import Settings, Sync, missing_credentials
from connector.settings_rows import WarehouseSource
from connector.sources import query

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
    findings += [_of_source(source) for source in loaded.sources.values()]
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
    targets = {attribute.target for attribute in sync.attributes}
    if sync.identify_by != "email" and "email" not in targets:
        yield 'no attribute is sent as "email": Customer.io will have no address to mail these people at'


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


def _of_source(source: WarehouseSource) -> Finding:
    what = f"sources.{source.name}"
    try:
        database = query.reach(source)
    except ConnectorError as error:
        return Finding("failed", what, str(error).removeprefix(f"{what}: "))
    by_hand = "" if source.times else "; no schedule: it runs only by `connector sources run`"
    return Finding("ok", what, f"{source.kind} from {database}{by_hand}")


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
