"""Tables for people, at 80 columns too: ids and times stay whole, what is long goes on below, nothing is cut off."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from connector.model.visible import visible_lines


def table(
    columns: Sequence[str], rows: Iterable[Sequence[str]], whole: Collection[str] = ("id", "at"), **looks: Any
) -> Table:
    """A table of texts.

    Args:
        columns: the names above.
        rows: the cells of each row. A cell may have several lines.
        whole: columns that are never broken, however narrow the terminal is.
        looks: what rich's Table takes.

    Returns:
        What a console prints.
    """
    made = Table(**looks)
    for name in columns:
        made.add_column(name, overflow="fold", no_wrap=name in whole)
    for row in rows:
        made.add_row(*(Text(visible_lines(cell)) for cell in row))
    return made
