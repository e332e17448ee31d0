"""Markdown, as far as the figures need it."""

from collections.abc import Iterable, Sequence


def table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Returns a table: its first column stands to the left, the others to the right, and numbers read in thousands."""
    filled = [[_cell(value) for value in row] for row in rows]
    rule = ["---", *["---:"] * (len(heads) - 1)]
    return "\n".join(f"| {' | '.join(row)} |" for row in [heads, rule, *filled])


def _cell(value: object) -> str:
    return f"{value:,}" if isinstance(value, int | float) else str(value)
