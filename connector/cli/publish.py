"""`connector publish`: a file of messages onto the intake queue."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from time import monotonic
from typing import Annotated

from pydantic_core import to_json
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from typer import Option

from connector.broker import queues, sharding
from connector.broker.publisher import ConfirmWindow, Outgoing, Publisher
from connector.bulk import files
from connector.bulk.files import MessageFile
from connector.bulk.tabular import table
from connector.cli.opening import settings_of
from connector.cli.options import SETTINGS_TOML, AsJson, File, SettingsFile, err, out
from connector.errors import SettingsError, UnreadableError
from connector.settings.sections import IntakeSettings

Queue = Annotated[str | None, Option("--queue", "-q", help="Another queue than the one of [intake].")]
BackfillQueueOption = Annotated[
    bool, Option("--backfill", help="The queue for bulk loads, which waits behind live changes.")
]


def publish(
    file: File,
    settings: SettingsFile = SETTINGS_TOML,
    queue: Queue = None,
    backfill: BackfillQueueOption = False,
    json: AsJson = False,
) -> None:
    """Publish a file of messages to the queue, as upstream does. Done when RabbitMQ has confirmed each."""
    if table.kind_of(file, ""):
        raise SettingsError(f"{file} is a table of users, and messages are published: `connector send` takes tables in")
    loaded = settings_of(settings)
    names = _names(loaded.intake, queue, backfill=backfill)
    publisher = Publisher(loaded.broker, *names)
    started = monotonic()
    with files.opened(file) as opened:
        bodies = _Bodies(opened, loaded.intake.max_message_bytes)
        done = _publish(publisher, opened, _routed(bodies, names, loaded.intake.format), file, silent=json)
    name = ", ".join(names)
    publisher.close()
    seconds = monotonic() - started
    if json:
        numbers = {"queue": name, "messages": done.confirmed, "repeated": done.repeated, "seconds": round(seconds, 3)}
        out.out(to_json(numbers).decode(), highlight=False)
    else:
        again = f", {done.repeated:,} of them more than once" if done.repeated else ""
        rate = f"{done.confirmed / seconds:,.0f} a second"
        out.print(f"{done.confirmed:,} messages published to {name} ({rate}){again}", highlight=False)
    if bodies.refused:
        raise UnreadableError(f"{file}: {bodies.refused}. What is no message is not published, the rest is")
    if bodies.broken:
        raise UnreadableError(f"{file}: {bodies.broken}; what stands before that place is published")


def _names(intake: IntakeSettings, queue: str | None, *, backfill: bool) -> list[str]:
    if queue and backfill:
        raise SettingsError("--queue and --backfill: give one of them")
    if queue:
        return [queue]
    return queues.loads(intake) if backfill else queues.live(intake)


def _routed(bodies: "_Bodies", names: Sequence[str], format: str) -> Iterator[Outgoing]:
    """Each to the shard of its user."""
    for body in bodies:
        parts = sharding.split(format, body, len(names)) if len(names) > 1 else [(0, body)]
        for shard, part in parts:
            yield Outgoing(names[shard], part)


def _publish(
    publisher: Publisher, opened: MessageFile, bodies: Iterable[Outgoing], file: Path, *, silent: bool
) -> ConfirmWindow:
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
        self._refused = ""
        self._passed_over = 0

    def __iter__(self) -> Iterator[bytes]:
        try:
            for document in self._opened.documents(self._max_bytes):
                if self._is_message(document):
                    yield document.body
        except UnreadableError as error:
            self.broken = error

    @property
    def refused(self) -> str:
        """What was passed over since it is no message: the first one, and how many more."""
        more = f" (and {self._passed_over - 1:,} more)" if self._passed_over > 1 else ""
        return f"{self._refused}{more}" if self._refused else ""

    def _is_message(self, document: files.Document) -> bool:
        if reason := files.no_message(document, self._max_bytes):
            self._refused = self._refused or reason
            self._passed_over += 1
        return not reason
