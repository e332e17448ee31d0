"""`connector demo`: the sample through the real doors into a simulated Customer.io, and a look at what came of it."""

import gzip
import sys
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from typer import Option

from connector import demo as sample
from connector.cli.options import SETTINGS_TOML, SettingsFile, err, out
from connector.cli.sigterm import end_on_sigterm
from connector.demo import embedded, expected, fleet
from connector.demo.stage import Stage
from connector.intake import bodies
from connector.settings.schema import Settings, load
from connector.stop_signal import StopSignal

_SETTLE_SECONDS = 120.0
_SHOWN_DIFFERENCES = 20
_SAMPLE_FORMAT = "hull"

Once = Annotated[bool, Option("--once", help="Stop when done; exit code 1 where Customer.io holds anything else.")]
Fleet = Annotated[bool, Option("--fleet", help="Workers on a private RabbitMQ and PostgreSQL instead of one process.")]
Folder = Annotated[
    Path | None,
    Option(help=f"For store and logs, emptied at the start: {embedded.FOLDER}, or {fleet.FOLDER}, unless given."),
]


def demo(
    settings: SettingsFile = SETTINGS_TOML, once: Once = False, fleet_mode: Fleet = False, folder: Folder = None
) -> None:
    """Send 1,000 sample notifications through the product into the simulator, and show what it holds then."""
    settings = _settings_file(settings)
    loaded = load(settings)
    end_on_sigterm()
    notifications = _notifications()
    mode = fleet if fleet_mode else embedded
    with mode.staged(settings, folder or mode.FOLDER) as stage:
        for name, url in stage.places.items():
            err.print(f"{name + ':':23} {url}", highlight=False)
        _send(stage, notifications)
        status = stage.settled(_messages(notifications, loaded), _SETTLE_SECONDS)
        differences = expected.differences(expected.load(), stage.people())
        _show(status, stage.summary(), differences)
        if not once:
            _stay(stage)
    if differences:
        raise typer.Exit(1)


def _settings_file(given: Path) -> Path:
    """The file that was asked for; where nobody asked, and there is none, the shipped one that the package brings."""
    shipped = Path(__file__).parents[1] / "demo" / "settings.toml"
    return shipped if given == SETTINGS_TOML and not given.exists() and shipped.exists() else given


def _notifications() -> list[bytes]:
    packed = resources.files(sample).joinpath("sample.ndjson.gz").read_bytes()
    return gzip.decompress(packed).splitlines()


def _messages(notifications: Sequence[bytes], settings: Settings) -> int:
    """How many messages stand in the notifications."""
    limit = settings.intake.max_message_bytes
    return sum(len(bodies.read(_SAMPLE_FORMAT, notification, limit)) for notification in notifications)


def _send(stage: Stage, notifications: Sequence[bytes]) -> None:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err) as progress:
        task = progress.add_task("Notifications", total=len(notifications))
        stage.send(notifications, lambda sent: progress.update(task, completed=sent))


def _show(status: dict[str, Any], summary: dict[str, Any], differences: list[str]) -> None:
    table = Table("what", "count", "why", title="What came of 1,000 notifications")
    table.columns[1].justify = "right"
    for sync, numbers in status["syncs"].items():
        table.add_row(f"people in Customer.io ({sync})", f"{summary['people']:,}", "in the audience at the end")
        for row in _rows(numbers["tallies"]):
            table.add_row(*row)
    table.add_section()
    for name, count in status["messages"].items():
        table.add_row(name, f"{count:,}", _OF_MESSAGES.get(name, ""))
    for kind, count in status["problems"].items():
        table.add_row(f"problems: {kind}", f"{count:,}", "for a human: each with its reason")
    out.print(table)
    if not differences:
        out.print("Customer.io holds exactly what it must.", style="green")
        return
    out.print(f"Customer.io does not hold what it must: {len(differences)} differences", style="red")
    for line in differences[:_SHOWN_DIFFERENCES]:
        out.print(f"  {line}", highlight=False)


_OF_MESSAGES = {"messages": "everything that came in", "unreadable": "kept as problems, their neighbours went on"}
_WHY = {
    "created": "entered the audience",
    "updated": "an attribute or a segment changed",
    "deleted": "left every whitelisted segment (on_exit)",
    "merged": "the identifier changed: one person of two",
    "unchanged": "Customer.io held it already: nothing was sent",
    "stale": "older than what was known: events taken, attributes not",
    "events accepted": "named in the list of events",
    "events repeated": "had been accepted before",
    "events sent": "each once, with its own time",
    "events dropped": "of people who left before their turn came",
    "refused": "Customer.io refused them: see the problems",
}


def _rows(tallies: dict[str, int]) -> list[tuple[str, str, str]]:
    known = [(name, f"{tallies[name]:,}", why) for name, why in _WHY.items() if tallies.get(name)]
    skips = [(*name.partition(": "), count) for name, count in tallies.items() if "skipped: " in name]
    return known + [(what, f"{count:,}", why) for what, _, why, count in skips]


def _stay(stage: Stage) -> None:
    out.print(
        f"\nStill running; stop with Ctrl-C. Try next, in another terminal:\n"
        f"  . {stage.environment}                      # the demo's addresses and keys\n"
        f"  curl -s {stage.simulator}/_simulator/people | head -3\n"
        f"  curl -s {stage.simulator}/_simulator/activity | tail -3\n"
        f"  {sys.argv[0]} status\n"
        f"  {sys.argv[0]} check\n"
        f"  {sys.argv[0]} plan {stage.sample}\n"
        f"  {sys.argv[0]} {stage.sender} {stage.sample}   # once more: nothing changes\n"
        f"  {stage.connector}/docs                     # the HTTP doors\n"
        f"Logs: {stage.folder}/*.log\n\n"
        f"Look at it in a browser: {stage.connector}/",
        highlight=False,
        soft_wrap=True,
    )
    stop = StopSignal()
    while not stop.wait(1.0):
        stage.check_alive()
