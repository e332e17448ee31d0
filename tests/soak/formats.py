"""Messages of every form, changed at random, through intake and delivery on SQLite and PostgreSQL side by side.

Whatever comes: no exception; people beside it arrive, each with their newest value; both stores keep the same; and in
the end nothing is due.

    python -m tests.soak.fuzz formats SECONDS SEED
    python -m tests.soak.formats SEED:ROUND    plays one round again
"""

import json
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from sqlalchemy import text

from connector.intake import bodies
from connector.simulator import running
from connector.simulator.server.strict import violations
from connector.store.engine import Store
from connector.store.entities import entity_of
from connector.store.migrate import migrate
from tests.servers import Postgres
from tests.simulated import Simulated
from tests.soak import mutations
from tests.soak.mutations import FORMS, Json
from tests.world import World, message

AT_ONCE = 30
"""Messages of one batch, each of which must harm only itself."""
BESIDE = 3
ROUNDS = 8
"""Batches between two looks at what came of them."""
_MAX_BYTES = 1_000_000
_SETTINGS: Sequence[dict[str, Any]] = (
    {"identify_by": "id", "identifier": "external_id"},
    {"identify_by": "email", "identifier": "email"},
    {"identify_by": "id_or_email", "identifier": "id", "anonymous_events": True},
    {
        "identify_by": "id",
        "identifier": "id",
        "on_exit": "keep",
        "attributes": ["plan", "account", "list", "created_at"],
    },
    {"identify_by": "id", "identifier": "external_id", "objects": [{"type": "1", "attributes": ["name"]}]},
)
_COMMON = {
    "events": ["*"],
    "segments": ["Paying"],
    "attributes": ["email", "plan", "list", "account.name", "created_at"],
}
_TABLES = ("entity", "identity", "event", "problem", "tally", "relation", "call", "connection")


@dataclass(frozen=True)
class Side:
    """A store, and a Customer.io of its own."""

    store: Store
    simulated: Simulated


def run(seconds: float, seed: int) -> int:
    """Looks for so long, and gives how many messages were taken in. Raises AssertionError, with how to see it again."""
    rounds = 0
    with _sides() as sides:
        end = time.monotonic() + seconds
        while time.monotonic() < end or not rounds:
            _checked(sides, f"{seed}:{rounds}")
            rounds += 1
    return rounds * ROUNDS * AT_ONCE


def _checked(sides: Sequence[Side], seed: str) -> None:
    try:
        _round(sides, Random(seed))
    except Exception as error:
        raise AssertionError(f"python -m tests.soak.formats {seed}: {error!r}") from error


@contextmanager
def _sides() -> Iterator[tuple[Side, Side]]:
    """An empty SQLite and an empty PostgreSQL, each migrated."""
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        server = stack.enter_context(Postgres())
        yield (_side(stack, f"sqlite:///{Path(folder) / 'soak.db'}"), _side(stack, server.url))


def _side(stack: ExitStack, url: str) -> Side:
    store, simulated = Store(url), Simulated(stack.enter_context(running(inspect=violations)))
    stack.callback(store.close)
    stack.callback(simulated.close)
    migrate(store)
    return Side(store, simulated)


def _round(sides: Sequence[Side], random: Random) -> None:
    settings = {**_COMMON, **random.choice(_SETTINGS)}
    batches = [_batch(random, number) for number in range(ROUNDS)]
    kept = [_played(side, settings, batches) for side in sides]
    assert kept[0] == kept[1], _difference(*kept)


def _batch(random: Random, number: int) -> tuple[str, list[Any]]:
    """One form, and its bodies: decoded values and bytes, and among those of our own form people who must arrive."""
    form = random.choice(FORMS)
    sample = mutations.samples() if form == "hull" else []
    made: list[Any] = []
    for _ in range(AT_ONCE):
        value = mutations.changed(random, mutations.message(random, form, sample))
        as_bytes = json.dumps(value).encode()
        made.append(random.choice([value, as_bytes, mutations.broken(random, as_bytes)]))
    if form == "native":
        made += [_beside(who, number) for who in range(BESIDE)]
        random.shuffle(made)
    return form, made


def _played(side: Side, settings: dict[str, Any], batches: Sequence[tuple[str, list[Any]]]) -> dict[str, Any]:
    """What one store keeps after these batches, with people beside them who must arrive."""
    _empty(side.store)
    side.simulated.reset(app_rate_limit=0)
    world = World(side.store, side.simulated, sync=settings)
    for number, (form, made) in enumerate(batches):
        bodies.take(side.store, world.rules, form, made, _MAX_BYTES)
        if form != "native":
            world.take(*(_beside(who, number) for who in range(BESIDE)))
        if number % 3 == 2:
            world.settle()
            assert side.simulated.violations() == []
    world.settle()
    _check_people_beside(side.simulated, len(batches) - 1)
    world.close()
    return _kept(side.store)


def _beside(who: int, number: int) -> Json:
    return message(f"beside-{who}", number, email=f"beside-{who}@example.com", plan=str(number))


def _check_people_beside(simulated: Simulated, number: int) -> None:
    found = [person for person in simulated.whole_people() if "beside-" in json.dumps(person["identifiers"])]
    assert [person["attributes"]["plan"] for person in found] == [str(number)] * BESIDE, found


def _kept(store: Store) -> dict[str, Any]:
    """What the store keeps, but for times, which differ between two that are filled one after the other."""
    with store.reading() as tx:
        # PostgreSQL locks who is new by a row that says nothing yet (standing ""), which SQLite has no need of.
        people = tx.execute(text("SELECT * FROM entity WHERE standing <> '' ORDER BY kind, key")).all()
        events = tx.execute(text("SELECT key, substr(id, 11), state FROM event ORDER BY 1, 2")).all()
        told = tx.execute(text("SELECT kind, subject, reason, count FROM problem ORDER BY 1, 2, 3, 4")).all()
        held = tx.execute(text("SELECT identifier, key FROM identity ORDER BY 1")).all()
    entities = {(row.kind, row.key): entity_of(row, row.doubt, row.kind) for row in people}
    assert [each for each in entities.values() if each.unreadable] == []
    return {
        "people": {key: (each.facts.attributes.values, each.facts.segments.values) for key, each in entities.items()},
        "delivered": {key: each.delivered for key, each in entities.items()},
        "standings": {(row.kind, row.key): row.standing for row in people},
        "events": sorted(map(tuple, events)),
        "problems": sorted(map(tuple, told)),
        "identities": sorted(map(tuple, held)),
    }


def _difference(one: dict[str, Any], other: dict[str, Any]) -> str:
    """What the two do not share, of each kind."""
    told = []
    for name in one:
        mine, theirs = (each[name].items() if isinstance(each[name], dict) else each[name] for each in (one, other))
        told.append(f"{name}: {[e for e in mine if e not in theirs]} != {[e for e in theirs if e not in mine]}")
    return "\n".join(told)[:5000]


def _empty(store: Store) -> None:
    with store.writing() as tx:
        for name in _TABLES:
            tx.execute(text(f'DELETE FROM "{name}"'))


if __name__ == "__main__":
    with _sides() as opened:
        _checked(opened, sys.argv[1])
