"""`connector publish`: a file of messages onto the intake queue."""

from collections.abc import Iterator
from pathlib import Path
from time import monotonic
from typing import Annotated

from pydantic_core import to_json
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from typer import Option

from connector.bulk import files
from connector.cli.options import SETTINGS_TOML, AsJson, File, SettingsFile, err, out, settings_of
from connector.errors import SettingsError, UnreadableError
from connector.bulk.files import MessageFile
from connector.broker.publisher import Outbox, Publisher
from connector.settings.sections import Intake

Queue = Annotated[str | None, Option("--queue", "-q", help="Another queue than the one of [intake].")]
Backfill = Annotated[bool, Option("--backfill", help="The queue for bulk loads, which waits behind live changes.")]


def publish(
    file: File,
    settings: SettingsFile = SETTINGS_TOML,
    queue: Queue = None,
    backfill: Backfill = False,
    json: AsJson = False,
) -> None:
    """Publish a file of messages to the queue, as upstream does. Done when RabbitMQ has confirmed each."""
    loaded = settings_of(settings)
    name = _name(loaded.intake, queue, backfill=backfill)
    publisher = Publisher(loaded.broker.url, name)
    started = monotonic()
    with files.opened(file) as opened:
        bodies = _Bodies(opened, loaded.intake.max_message_bytes)
        done = _publish(publisher, opened, bodies, file, silent=json)
    publisher.close()
    seconds = monotonic() - started
    if json:
        numbers = {"queue": name, "messages": done.confirmed, "repeated": done.repeated, "seconds": round(seconds, 3)}
        out.out(to_json(numbers).decode(), highlight=False)
    else:
        again = f", {done.repeated:,} of them more than once" if done.repeated else ""
        rate = f"{done.confirmed / seconds:,.0f} a second"
        out.print(f"{done.confirmed:,} messages published to {name} ({rate}){again}", highlight=False)
    if bodies.broken:
        raise UnreadableError(f"{file}: {bodies.broken}; what stands before that place is published")


def _name(intake: Intake, queue: str | None, *, backfill: bool) -> str:
    if queue and backfill:
        raise SettingsError("--queue and --backfill: give one of them")
    return queue or (intake.backfill_queue if backfill else intake.queue)


def _publish(publisher: Publisher, opened: MessageFile, bodies: "_Bodies", file: Path, *, silent: bool) -> Outbox:
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True, disable=silent or not err.is_terminal) as progress:
        task = progress.add_task(file.name, total=opened.size)
        return publisher.publish(bodies, lambda _: progress.update(task, completed=opened.position))


class _Bodies:
    """The messages of a file as JSON texts, up to where the file breaks off, if it does."""

    def __init__(self, opened: MessageFile, max_bytes: int) -> None:
        self._opened = opened
        self._max_bytes = max_bytes
        self.broken: UnreadableError | None = None

    def __iter__(self) -> Iterator[bytes]:
        try:
            for document in self._opened.documents(self._max_bytes):
                yield document if isinstance(document, bytes) else to_json(document)
        except UnreadableError as error:
            self.broken = error
