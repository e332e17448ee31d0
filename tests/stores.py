"""Which store a test runs on whose claim does not depend on it: SQLite and PostgreSQL in turn, instead of both."""

from collections.abc import Iterable, Sequence
from itertools import cycle
from typing import Any
from zlib import crc32

import pytest

from tests.budget import SAME_ONES

_STORES = ("sqlite", "postgresql")


def in_turn(
    names: Sequence[str], values: Iterable[Sequence[Any]], ids: Iterable[str] | None = None
) -> pytest.MarkDecorator:
    """Parametrizes a test that uses `store_url`, be it through other fixtures: one store for each of the values.

    Args:
        names: The names of the parameters.
        values: A value for each of them, once for each time that the test runs.
        ids: How the values are called; nothing is made up from them where this is not given.
    """
    on = [(store, *given) for store, given in zip(cycle(_STORES), values, strict=False)]
    called = None if ids is None else [f"{store}-{name}" for (store, *_), name in zip(on, ids, strict=True)]
    return pytest.mark.parametrize(("store_url", *names), on, indirect=["store_url"], ids=called)


def split(items: Sequence[pytest.Item]) -> tuple[list[pytest.Item], list[pytest.Item]]:
    """The tests to run, and those to leave out: of a module marked `in_turn`, each test runs on one of the stores.

    On which one its name says, so each run of the suite chooses alike, whatever else it runs. `make soak`, and whoever
    asks for more with SEARCH_TIMES, runs them on both.
    """
    left_out = {item for item in items if SAME_ONES and item.get_closest_marker("in_turn") and _is_for_another(item)}
    twins = {_claim(item): set[pytest.Item]() for item in left_out}
    for item in items:
        twins.get(_claim(item), set()).add(item)
    left_out = {item for item in left_out if len(twins[_claim(item)]) > 1}
    return [item for item in items if item not in left_out], list(left_out)


def _is_for_another(item: pytest.Item) -> bool:
    chosen = _STORES[crc32(_claim(item).encode()) % len(_STORES)]
    return _store(item) not in (chosen, None)


def _claim(item: pytest.Item) -> str:
    """The name of a test without that of its store."""
    store = _store(item)
    return f"{item.path.name} {item.name.replace(store, '', 1) if store else item.name}"


def _store(item: pytest.Item) -> str | None:
    found: str | None = getattr(item, "callspec", None) and item.callspec.params.get("store_url")  # type: ignore[attr-defined]
    return found
