"""Fuzzer: whatever answers in Customer.io's place, Customer.io ends up right once it answers itself again.

Between the courier and the simulator stands somebody who lies: a proxy, a firewall, a Customer.io that fails. A request
may have been applied before the lie, or not. Only what Customer.io itself would say of a request that it took is told
of none that it did not take: that lie nobody could find out.
"""

import gzip
import json
import tempfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from time import monotonic, sleep
from typing import Any

import httpx
from sqlalchemy import delete, text

from connector.admin import problems
from connector.audience.rules import Rules
from connector.customerio.track import Track
from connector.errors import ConnectorError
from connector.intake import bodies
from connector.simulator import Options, running
from connector.store import claims, connection_health, named_leases
from connector.store import problems as kept_problems
from connector.store.engine import Store
from connector.store.migrate import migrate
from connector.store.tables import metadata
from tests.lives import RULES, lives
from tests.oracle import differences, expected
from tests.simulated import Simulated
from tests.world import World

STATUSES = (
    *(200,) * 4, *(207,) * 6, *(400,) * 3, 201, 202, 204, 206, 301, 302, 304, 307, 401, 402, 403, 404, 405, 408, 409,
    410, 411, 413, 414, 418, 421, 422, 425, 429, 451, 500, 501, 502, 503, 504, 520, 599,
)  # fmt: skip
NOT_TAKEN = (301, 302, 307, 401, 403, 404, 405, 408, 410, 425, 429)
REFUSING = (400, 413, 422)
KINDS = ("application/json", "text/html", "text/plain; charset=utf-16", "application/octet-stream", "", "\x7f")
PAUSES = (
    "0", "1", "-5", "0.001", "1e308", "99999999999999999999", "soon", "", " 3 ", "NaN", "inf",
    "Wed, 21 Oct 2015 07:28:00 GMT", "Fri, 31 Dec 9999 23:59:59 GMT", "Thu, 01 Jan 0001 00:00:00 GMT",
    "Mon, 99 Foo 2026",
)  # fmt: skip
ERRORS: tuple[Callable[[], httpx.RequestError], ...] = (
    lambda: httpx.ReadTimeout("no answer"),
    lambda: httpx.ConnectTimeout("no connection"),
    lambda: httpx.ConnectError("nobody listens"),
    lambda: httpx.RemoteProtocolError("that is not HTTP"),
    lambda: httpx.ReadError("cut"),
    lambda: httpx.WriteError("cut"),
    lambda: httpx.DecodingError("that is not gzip"),
)
BEFORE_IT_IS_READ = (httpx.ConnectTimeout, httpx.ConnectError)
USERS, CHANGES = 6, 3
EXAMPLES_A_STORE = 25
_SETTLED_SECONDS = 30.0
_ALONE_SECONDS = 0.05
"""Whoever fails alone is sent for with a pace of their own, however often it is tried."""


@dataclass(frozen=True)
class Lie:
    """An answer. `error`: none came, but this; `applied`: the request reached Customer.io all the same."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes
    applied: bool
    error: httpx.RequestError | None = None


# --- what is said ----------------------------------------------------------------------------------------------------


def lie(random: Random, items: int) -> Lie:
    """Some answer to a request of so many items."""
    if random.random() < 0.12:
        error = random.choice(ERRORS)()
        return Lie(0, [], b"", not isinstance(error, BEFORE_IT_IS_READ) and random.random() < 0.5, error)
    status, body = random.choice(STATUSES), _body(random, items)
    headers = [("content-type", random.choice(KINDS))]
    if random.random() < 0.4:
        headers.append(("retry-after", random.choice(PAUSES)))
    encoded, encoding = _encoded(random, body)
    applied = believable(status, body, items) or (random.random() < 0.4 and not denied(status, body))
    return Lie(status, [*headers, *encoding], encoded, applied)


def denied(status: int, body: bytes) -> bool:
    """Whether that is said of a request which was not taken: to go elsewhere, to come again, or why it is refused."""
    return status in NOT_TAKEN or (status in REFUSING and isinstance(_decoded(body), dict))


def believable(status: int, body: bytes, items: int) -> bool:
    """Whether that is what Customer.io says of a request which it took, at least in part."""
    said = _decoded(body)
    if not isinstance(said, dict):
        return False
    errors = said.get("errors")
    if status == 200 and (not said or said == {"errors": []}):
        return True
    return status in (200, 207) and isinstance(errors, list) and bool(errors) and _of_items(errors, items)


def _decoded(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _of_items(errors: list[Any], items: int) -> bool:
    indexes = [each.get("batch_index") if isinstance(each, dict) else None for each in errors]
    return all(isinstance(index, int) and not isinstance(index, bool) and 0 <= index < items for index in indexes)


def _body(random: Random, items: int) -> bytes:
    makers: tuple[Callable[[], bytes], ...] = (
        lambda: b"{}",
        lambda: json.dumps({"errors": _errors(random, items)}).encode(),
        lambda: json.dumps({"errors": _errors(random, items)}).encode(),
        lambda: json.dumps(_json(random, 3)).encode(),
        lambda: json.dumps({"meta": {"error": _json(random, 1)}}).encode(),
        lambda: json.dumps({"error": "maintenance"}).encode(),
        lambda: b"<html><body>" + b"Bad gateway " * random.randint(1, 50) + b"</body></html>",
        lambda: random.randbytes(random.randint(0, 200)),
        lambda: b"",
        lambda: b"[" * random.randint(1, 5000),
        lambda: b'{"a":' * 300 + b"1" + b"}" * 300,
        lambda: b"\xef\xbb\xbf{}",
        lambda: json.dumps({"errors": _errors(random, items)}).encode()[: random.randint(1, 40)],
        lambda: b'{"errors": ' + b" " * random.randint(1, 100_000) + b"[]}",
    )
    return random.choice(makers)()


def _errors(random: Random, items: int) -> Any:
    if random.random() < 0.15:
        return _json(random, 2)
    return [_error(random, items) for _ in range(random.choice([1, 1, 2, items, 50]))]


def _error(random: Random, items: int) -> Any:
    index = random.choice([*range(items)] * 3 + [-1, items, 10**9, 2**70, "0", "one", None, True, 0.0, 1.5, [0], {}])
    error = {
        "batch_index": index,
        "reason": random.choice(["invalid", "required", None, 5]),
        "field": "id",
        "message": "no",
    }
    for name in random.sample(sorted(error), random.choice([0, 0, 0, 1, 2])):
        del error[name]
    return error


def _json(random: Random, depth: int) -> Any:
    simple = [None, True, 0, -1.5, 2**70, "", "errors", "\ud7ff", [], {}]
    if depth == 0 or random.random() < 0.4:
        return random.choice(simple)
    inner = [_json(random, depth - 1) for _ in range(random.randint(0, 3))]
    return inner if random.random() < 0.5 else dict(zip(("errors", "meta", "batch_index"), inner, strict=False))


def _encoded(random: Random, body: bytes) -> tuple[bytes, list[tuple[str, str]]]:
    chance = random.random()
    if chance < 0.8:
        return body, []
    if chance < 0.86:
        return gzip.compress(body), [("content-encoding", "gzip")]
    if chance < 0.9:
        return zlib.compress(body), [("content-encoding", "deflate")]
    if chance < 0.92:
        return gzip.compress(bytes(random.randint(1, 20) * 1_000_000)), [("content-encoding", "gzip")]
    return body, [("content-encoding", random.choice(["gzip", "deflate", "br", "zstd", "bogus", "gzip, gzip"]))]


# --- who says it -----------------------------------------------------------------------------------------------------


class Liar(httpx.BaseTransport):
    """Answers truly, or lies: then the request goes through first, or not at all."""

    def __init__(self) -> None:
        self.random: Random | None = None
        self.told: list[Lie] = []
        self._way = httpx.HTTPTransport()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if self.random is None or self.random.random() < 0.2:
            return self._way.handle_request(request)
        items = len(json.loads(request.read()).get("batch", ())) or 1
        said = lie(self.random, items)
        self.told.append(said)
        if said.applied:
            answer = self._way.handle_request(request)
            answer.read()
            answer.close()
        if said.error is not None:
            raise said.error
        return httpx.Response(said.status, headers=said.headers, stream=_Chunks(said.body))

    def close(self) -> None:
        self._way.close()


class _Chunks(httpx.SyncByteStream):
    def __init__(self, body: bytes) -> None:
        self._body = body

    def __iter__(self) -> Iterator[bytes]:
        yield from (self._body[at : at + 65_536] for at in range(0, len(self._body), 65_536))


# --- one example -----------------------------------------------------------------------------------------------------


@dataclass
class Stand:
    """A store, a simulator, and the liar between them."""

    world: World
    liar: Liar
    rules: Rules
    numbers: Iterator[int] = field(default_factory=lambda: iter(range(10**9)))

    def empty(self) -> None:
        with self.world.store.writing() as tx:
            for table in metadata.sorted_tables:
                tx.execute(delete(table))
        self.world.simulated.reset()

    def play(self, random: Random) -> int:
        """Users change while lies are told, then the truth comes out; how many lies were told."""
        told = lives(f"r{next(self.numbers)}", users=USERS, changes=CHANGES, seed=random.randrange(10**6))
        self.liar.told, self.liar.random = [], random
        for first in range(0, len(told), USERS):
            self._take(told[first : first + USERS])
            for _ in range(random.randint(1, 3)):
                self._cycle()
        self.liar.random = None
        self._settle()
        wrong = differences(expected(told, RULES), self._mine(told))
        assert wrong == [], "\n".join([*wrong[:10], *map(str, self.liar.told)])
        return len(self.liar.told)

    def _take(self, messages: Any) -> None:
        bodies.take(
            self.world.store, [self.rules], "hull", [json.dumps({"messages": [each]}) for each in messages], 10**6
        )

    def _cycle(self) -> None:
        before = len(self.world.simulated.calls()) + len(self.liar.told)
        self._deliver()
        asked = len(self.world.simulated.calls()) + len(self.liar.told) - before
        assert asked <= 20 * USERS, f"{asked} requests for {USERS} users"
        self._resume()

    def _deliver(self) -> None:
        rounds = iter([False] * 3)
        self.world.runtime.courier("main").deliver(until=lambda: next(rounds, True))

    def _resume(self) -> None:
        """What an operator and the time do: pauses end, whoever waits is due, what a lost claim held is free."""
        with self.world.store.writing() as tx:
            connection_health.resume(tx, "main")
            claims.release_all(tx)
            named_leases.release_all(tx)
            tx.execute(text("UPDATE entity SET due_at = 0 WHERE due_at IS NOT NULL"))

    def _settle(self) -> None:
        end = monotonic() + _SETTLED_SECONDS
        while monotonic() < end:
            self._replay()
            self._resume()
            self._deliver()
            if not self.world.due() and not self._replay():
                return
            sleep(_ALONE_SECONDS)
        raise AssertionError(f"{self.world.due()} people are still due: {self.world.health()} {self.liar.told}")

    def _replay(self) -> int:
        """An operator has everything that was refused sent again; how much that was."""
        with self.world.store.reading() as tx:
            found = [kept for kept in kept_problems.kept(tx, limit=1000) if kept.problem.kind == "refused"]
        for kept in found:
            problems.replay(self.world.runtime, kept, "hull")
        return len(found)

    def _mine(self, told: Any) -> list[dict[str, Any]]:
        mine = {message["user"]["id"] for message in told}
        return [row for row in self.world.simulated.whole_people() if row["identifiers"]["id"] in mine]


@contextmanager
def standing() -> Iterator[Stand]:
    """A simulator and a store on SQLite, until the block ends."""
    with tempfile.TemporaryDirectory(prefix="soak-") as folder, running(Options()) as url:
        store = Store(f"sqlite:///{Path(folder) / 'connector.db'}")
        migrate(store)
        simulated = Simulated(url)
        world = World(store, simulated, sync={"segments": ["Paying"]}, intake={"format": "hull"})
        liar = Liar()
        world.runtime._tracks["main"] = Track(world.settings.connections["main"], 5.0, liar)
        stand = Stand(world, liar, world.rules[0])
        try:
            yield stand
        finally:
            world.close()
            simulated.close()
            store.close()


def run(seconds: float, seed: int) -> int:
    """Plays examples for so long; how many answers were made up. AssertionError says what was wrong, after which."""
    random, end, count, examples = Random(seed), monotonic() + seconds, 0, 0
    with standing() as stand:
        while monotonic() < end or not count:
            if examples % EXAMPLES_A_STORE == 0:
                stand.empty()
            try:
                count += stand.play(random)
            except ConnectorError as error:
                raise AssertionError(f"{error}\n{stand.liar.told}") from error
            examples += 1
    return count
