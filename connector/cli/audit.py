"""`connector audit`: does Customer.io hold what it confirmed?"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import typer
from pydantic_core import to_json
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from typer import Argument, Option

from connector.admin.audit.audit import SECOND_LOOK_SECONDS, Audit, Drifted, Findings
from connector.admin.audit.drift import Difference
from connector.cli.opening import opened
from connector.cli.operator_acts import operator
from connector.cli.options import SETTINGS_TOML, AsJson, SettingsFile, err, out
from connector.cli.tables import table
from connector.errors import SettingsError

_EXAMPLES = 5
_SHOWN_CHARACTERS = 40

Sample = Annotated[int, Option(min=1, help="How many people to look at, chosen at random; and as many deleted ones.")]
Repair = Annotated[bool, Option("--repair", help="Send the people whole again who drifted.")]
Delete = Annotated[bool, Option("--delete", help="With --repair: delete again those who should be absent.")]
Wait = Annotated[float, Option(min=0, help="Seconds before the second look at those who seem to have drifted.")]


def audit(
    sync: Annotated[str, Argument(help="The sync, as the settings name it.")],
    settings: SettingsFile = SETTINGS_TOML,
    sample: Sample = 1000,
    repair: Repair = False,
    delete: Delete = False,
    wait: Wait = SECOND_LOOK_SECONDS,
    json: AsJson = False,
) -> None:
    """Compare what Customer.io holds with what was delivered. Exit code 1 where drift was found and not repaired."""
    if delete and not repair:
        raise SettingsError("--delete says how to repair: give --repair too")
    runtime = opened(settings)
    one = Audit.of(runtime, sync, wait)
    findings = _watched(one, sample, silent=json)
    repaired = one.repair(findings.drifted, delete=delete) if repair else 0
    one.record(findings, repaired, operator())
    runtime.close()
    if json:
        _print_lines(sync, findings, repaired)
    else:
        _show(sync, findings, repaired, repair=repair)
        if one.rules.objects:
            err.print(f"Objects and relationships are not read back: `connector resync {sync}` sends them again.")
    if repaired < len(findings.drifted):
        raise typer.Exit(1)


def _watched(one: Audit, sample: int, *, silent: bool) -> Findings:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err, transient=True, disable=silent or not err.is_terminal) as bar:
        task = bar.add_task("choosing people", total=None)

        def on_progress(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total, description="reading people back")

        return one.look(sample, on_progress)


def _print_lines(sync: str, findings: Findings, repaired: int) -> None:
    for one, difference in _pairs(findings):
        out.out(to_json(_as_json(one, difference), fallback=str).decode(), highlight=False)
    summary = {
        "sync": sync,
        "sampled": findings.sampled,
        "compared": findings.compared,
        "drifted": len(findings.drifted),
        "repaired": repaired,
        "drift": findings.kinds(),
    }
    out.out(to_json(summary).decode(), highlight=False)


def _as_json(one: Drifted, difference: Difference) -> Mapping[str, Any]:
    identifier = one.expected.identifier
    return {
        "user": one.expected.key,
        "identifier": {identifier.type: identifier.value},
        "drift": difference.kind,
        "attribute": difference.name or None,
        "delivered": difference.delivered,
        "held": difference.held,
    }


def _show(sync: str, findings: Findings, repaired: int, *, repair: bool) -> None:
    if findings.drifted:
        out.print(_table(findings))
    out.print(
        f"{sync}: {findings.compared:,} of {findings.sampled:,} people compared, {len(findings.drifted):,} drifted, "
        f"{repaired:,} due again",
        highlight=False,
        soft_wrap=True,
    )
    if not findings.sampled:
        err.print("Nobody is held yet, or everybody is still due: `connector status` tells.")
    elif repaired < len(findings.drifted):
        err.print(_advice(findings, repair=repair), soft_wrap=True)


def _advice(findings: Findings, *, repair: bool) -> str:
    if not repair:
        return "`connector audit --repair` makes those due again who drifted."
    if any(one.expected.person is None for one in findings.drifted):
        return "Who should be absent is deleted with --repair --delete, as far as the deletion guard lets it pass."
    return "Who is not due again has moved since: audit again to see how they fare."


def _table(findings: Findings) -> Table:
    """The kinds of drift, how often each was found, and some examples."""
    rows: list[tuple[str, ...]] = []
    examples: dict[str, list[tuple[Drifted, Difference]]] = {}
    for one, difference in _pairs(findings):
        examples.setdefault(difference.kind, []).append((one, difference))
    for kind, found in examples.items():
        for place, (one, difference) in enumerate(found[:_EXAMPLES]):
            first = (kind, f"{len(found):,}") if place == 0 else ("", "")
            shown = (_shortened(difference.delivered), _shortened(difference.held))
            rows.append((*first, one.expected.key, difference.name, *shown))
    return table(("drift", "times", "user", "attribute", "delivered", "held"), rows)


def _pairs(findings: Findings) -> Iterator[tuple[Drifted, Difference]]:
    return ((one, difference) for one in findings.drifted for difference in one.differences)


def _shortened(value: Any) -> str:
    """A value as JSON, cut; nothing for nothing."""
    text = "" if value is None else to_json(value, fallback=str).decode()
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}..."
