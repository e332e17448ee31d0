"""`python -m benchmarks`: all of them, or one by name."""

import signal
import sys
import time
from typing import Annotated

import typer

from benchmarks import million, report
from benchmarks.fleet import measure, working
from benchmarks.notifications import Notifications
from benchmarks.parts import PARTS
from benchmarks.stage import Size, staged
from connector.errors import ConnectorError

app = typer.Typer(add_completion=False, no_args_is_help=True)
Scale = Annotated[float, typer.Option(help="1 is the real run; 0.05 is a twentieth of the notifications.")]
Save = Annotated[bool, typer.Option("--save", help="Write it into results.json and docs/performance.md.")]


@app.command("list")
def list_parts() -> None:
    """The benchmarks by name."""
    for name, part in PARTS.items():
        typer.echo(f"{name:26} {part.about}")


@app.command()
def run(
    names: Annotated[list[str], typer.Argument(help="Names that `list` shows.")], scale: Scale = 1.0, save: Save = False
) -> None:
    """One benchmark, or some."""
    unknown = [name for name in names if name not in PARTS]
    if unknown:
        raise ConnectorError(f"there is no benchmark {unknown[0]!r}: there are {', '.join(PARTS)}")
    for name in names:
        _run(name, scale, save=save)


@app.command()
def all(scale: Scale = 1.0) -> None:
    """Everything, into results.json and docs/performance.md as it is found."""
    failed = {}
    for name in PARTS:
        try:
            _run(name, scale, save=True)
        except ConnectorError as error:  # the others are still worth measuring
            typer.echo(str(error), err=True)
            failed[name] = error
    if failed:
        raise ConnectorError(f"not measured: {', '.join(failed)}")


@app.command()
def fleet(
    changes: Annotated[int, typer.Option(help="How many notifications.")] = 20_000,
    people: Annotated[int, typer.Option(help="Over how many people; 0 is half as many as notifications.")] = 0,
    workers: Annotated[int, typer.Option(help="How many workers.")] = 2,
    concurrency: Annotated[int, typer.Option(help="Pool processes of each worker.")] = 2,
    live: Annotated[bool, typer.Option("--live", help="Publish while the workers work, not before.")] = False,
    statements: Annotated[bool, typer.Option("--statements", help="List PostgreSQL's costliest statements.")] = False,
    before: Annotated[int, typer.Option(help="How many people the store has already.")] = 0,
) -> None:
    """One run of the fleet as you want it; nothing is kept."""
    options = {"shared_preload_libraries": "pg_stat_statements"} if statements else {}
    size = Size(workers, concurrency)
    with staged(postgres=options) as stage:
        database = stage.database("fleet")
        if before:
            with working(stage, database, size):
                pass
            million.fill(stage, stage.postgres.database(database), before)
        with working(stage, database, size) as working_fleet:
            found = measure(working_fleet, Notifications(changes, people), preloaded=not live)
            found["storage"] = million.storage(working_fleet.store)
        for row in stage.statements(database) if statements else ():
            typer.echo(" ".join(map(str, row)))
    typer.echo(report.shown(found))


@app.command("report")
def write_report() -> None:
    """Writes docs/performance.md and its chart from results.json."""
    report.write()


def _run(name: str, scale: float, *, save: bool) -> None:
    typer.echo(f"{name} ...")
    began = time.monotonic()
    found = {**PARTS[name].measure(scale), "took_seconds": round(time.monotonic() - began)}
    typer.echo(report.shown(found))
    if save:
        report.save(name, found)


def main() -> None:
    """The command: what goes wrong is said in a line, and nothing that was started outlives it."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        app()
    except ConnectorError as error:
        typer.echo(str(error), err=True)
        raise SystemExit(error.exit_code) from error


if __name__ == "__main__":
    main()
