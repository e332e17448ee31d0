"""The bar that shows how far a file has been read."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from connector.cli.options import err


@contextmanager
def bar(name: str, size: int | None, *, silent: bool) -> Iterator[Callable[[int], None]]:
    """Shows a bar on a terminal as long as the block lasts; what it gives moves the bar to a position."""
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True, disable=silent or not err.is_terminal) as progress:
        task = progress.add_task(name, total=size)
        yield lambda position: progress.update(task, completed=position)
