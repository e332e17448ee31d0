"""Which store a test runs on whose claim does not depend on it: SQLite and PostgreSQL in turn, instead of both."""

from collections.abc import Iterable, Sequence
from itertools import cycle
from typing import Any

import pytest


def in_turn(
    names: Sequence[str], values: Iterable[Sequence[Any]], ids: Iterable[str] | None = None
) -> pytest.MarkDecorator:
    """Parametrizes a test that uses `store_url`, be it through other fixtures: one store for each of the values.

    Args:
        names: The names of the parameters.
        values: A value for each of them, once for each time that the test runs.
        ids: How the values are called; nothing is made up from them where this is not given.
    """
    on = [(store, *given) for store, given in zip(cycle(("sqlite", "postgresql")), values, strict=False)]
    called = None if ids is None else [f"{store}-{name}" for (store, *_), name in zip(on, ids, strict=True)]
    return pytest.mark.parametrize(("store_url", *names), on, indirect=["store_url"], ids=called)
