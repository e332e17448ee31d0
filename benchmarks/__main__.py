"""`python -m benchmarks`: all of them, or one by name."""

import signal
import sys
from typing import Annotated

import typer

from benchmarks import parts, report
from benchmarks.fleet import Size
from benchmarks.input import Input
from connector.errors import ConnectorError

app = typer.Typer(add_completion=False, no_args_is_help=True)
Changes = Annotated[int, typer.Option(help="How many changes.")]
People = Annotated[int, typer.Option(help="Over how many people; 0 is half as many as changes.")]
Workers = Annotated[int, typer.Option(help="How many workers.")]
Concurrency = Annotated[int, typer.Option(help="Pool processes of each worker.")]
Batched = Annotated[int, typer.Option(help="How many by the clients that send batches.")]
Save = Annotated[bool, typer.Option("--save", help="Write it into results.json and docs/performance.md.")]


@app.command()
def fleet(
    changes: Changes = 20_000,
    people: People = 0,
    workers: Workers = 2,
    concurrency: Concurrency = 2,
    live: Annotated[bool, typer.Option("--live", help="Publish while the workers work, not before.")] = False,
    statements: Annotated[bool, typer.Option("--statements", help="List PostgreSQL's costliest statements.")] = False,
    before: Annotated[int, typer.Option(help="How many people the store has already.")] = 0,
    save: Save = False,
) -> None:
    """End to end on RabbitMQ and PostgreSQL: how many changes a second."""
    given = Input(changes, people or changes // 2)
    part = parts.Fleet(given, Size(workers, concurrency), preloaded=not live, before=before, statements=statements)
    _finish(part.name, part.measure(), save=save)


@app.command()
def instead(changes: Changes = 5_000, batched: Batched = 50_000, save: Save = False) -> None:
    """What people use instead, on the same changes and the same simulator."""
    _finish("instead", parts.instead(changes, batched), save=save)


@app.command()
def latency(
    per_second: Annotated[float, typer.Option(help="Changes a second.")] = 200.0,
    seconds: Annotated[float, typer.Option(help="For how long.")] = 30.0,
    answer: Annotated[float, typer.Option(help="Seconds after which Customer.io answers.")] = 0.05,
    workers: Workers = 2,
    concurrency: Concurrency = 2,
    save: Save = False,
) -> None:
    """From publish to confirmed, at a steady pace."""
    _finish("latency", parts.latency(Size(workers, concurrency), per_second, seconds, answer), save=save)


@app.command()
def memory(
    changes: Changes = 1_000_000,
    people: People = 50_000,
    workers: Workers = 2,
    concurrency: Concurrency = 2,
    save: Save = False,
) -> None:
    """What the workers hold in memory over many changes."""
    _finish("memory", parts.memory(Input(changes, people), Size(workers, concurrency)), save=save)


@app.command()
def all(changes: Changes = 100_000, memory_changes: Changes = 200_000) -> None:
    """Everything, into results.json and docs/performance.md."""
    for name, measure in parts.everything(changes, memory_changes):
        typer.echo(f"{name} ...")
        _finish(name, measure(), save=True)


@app.command("report")
def write_report() -> None:
    """Writes docs/performance.md and its chart from results.json."""
    report.write()


def _finish(name: str, found: report.Figures, *, save: bool) -> None:
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
