"""Fuzzer of the AMQP door: whatever lies on the queues, in whatever envelope, its neighbours go through.

Messages that nobody could want, with properties of any kind, stand between healthy ones. At the end Customer.io holds
what the healthy ones say, the queues are empty, every worker lives and has told of no exception.
"""

import bz2
import gzip
import json
import lzma
import tempfile
import zlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from random import Random
from time import monotonic
from typing import Any

from amqp import Message as Envelope
from amqp.exceptions import AMQPError
from kombu import Connection

from tests.fleet import STARVED, Fleet, Servers, children
from tests.lives import RULES, Message, lives
from tests.oracle import differences, expected
from tests.servers import eventually

QUEUES = ("segment-changes", "segment-changes-backfill", "changes", "changes-backfill")
DEAD = "dead-letters"
HEALTHY, STRANGE = 30, 60
"""Users of a round, of five changes each; and strange messages among them."""
_CHANGES = 5
_SETTLED_SECONDS, _CONFIRM_SECONDS = 90.0, 10.0
PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress, "application/x-gzip": gzip.compress, "application/gzip": gzip.compress,
    "zlib": zlib.compress, "application/zlib": zlib.compress, "deflate": zlib.compress,
    "bzip2": bz2.compress, "application/x-bz2": bz2.compress,
    "lzma": lzma.compress, "application/x-lzma": lzma.compress,
}  # fmt: skip
NAMES = (*PACKERS, "zstd", "application/zstd", "brotli", "bogus", "", "\u00e9", 5, None, True, ["gzip"], {"gzip": 1})
KINDS = (
    None, "application/json", "text/plain", "application/x-python-serialize", "application/data", "application/x-yaml",
    "application/x-msgpack", "application/vnd.nothing", "", "x" * 255,
)  # fmt: skip
ENCODINGS = (
    None,
    "utf-8",
    "utf-16",
    "utf-32-le",
    "latin-1",
    "ascii",
    "binary",
    "gzip",
    "bogus",
    "idna",
    "rot13",
    "",
    "x" * 255,
)
TASKS = (
    "tasks.changes.apply",
    "tasks.delivery.deliver",
    "tasks.upkeep.sweep",
    "os.system",
    "",
    "\u00e9",
    7,
    None,
    ["a"],
)


def envelope(random: Random) -> Envelope:
    """A message that nobody could want. It may name users, but nobody who is in the audience."""
    body = _body(random)
    headers = {name: value(random) for name, value in random.sample(sorted(HEADERS.items()), random.randint(0, 5))}
    packing = random.choice(NAMES) if random.random() < 0.4 else None
    if packing is not None or random.random() < 0.1:
        headers["compression"] = packing
        if isinstance(packing, str) and packing in PACKERS and random.random() < 0.7:
            body = PACKERS[packing](body)
    given = {
        "content_type": random.choice(KINDS),
        "content_encoding": random.choice(ENCODINGS),
        "priority": random.choice([None, 0, 9, 255]),
        "correlation_id": random.choice([None, "", "c" * 255]),
        "reply_to": random.choice([None, "", "nobody"]),
        "message_id": random.choice([None, "m-1", "\u00e9"]),
        "timestamp": random.choice([None, 0, 1_790_000_000, 1_790_000_000_123, 2**63]),
        "type": random.choice([None, "event"]),
        "app_id": random.choice([None, "x"]),
    }
    properties = {name: value for name, value in given.items() if value is not None}
    return Envelope(body, delivery_mode=random.choice([1, 2]), application_headers=headers, **properties)


def _value(random: Random) -> Any:
    """Anything that a header can hold."""
    simple = (
        None, True, -1, 0, 2**40, "text", "", "\u00e9", "x" * 3000, b"\xff\x00", Decimal("1.5"), datetime.now(UTC),
        "2026-13-45", "1e400", float("nan"),
    )  # fmt: skip
    chance = random.random()
    if chance < 0.7:
        return random.choice(simple)
    if chance < 0.85:
        return [_value(random) for _ in range(random.randint(0, 3))]
    return {name: _value(random) for name in random.sample(["a", "task", "id"], random.randint(0, 3))}


HEADERS: dict[str, Callable[[Random], Any]] = {
    "task": lambda random: random.choice(TASKS),
    "lang": lambda random: random.choice(["py", "rust", 1]),
    "timestamp_in_ms": lambda random: random.choice([1_790_000_000_123, -1, "now"]),
    **dict.fromkeys(
        ("id", "root_id", "parent_id", "group", "shadow", "eta", "expires", "retries", "timelimit", "argsrepr",
         "origin",
         "ignore_result", "replaced_task_nesting", "stamps", "stamped_headers", "x-death", "x-delivery-count", "z"),
        _value,
    ),
}  # fmt: skip


def _body(random: Random) -> bytes:
    makers: Sequence[Callable[[], bytes]] = (
        lambda: b"",
        lambda: random.randbytes(random.randint(1, 300)),
        lambda: json.dumps(_json(random, 4)).encode(),
        lambda: json.dumps(_outsider(random)).encode(),
        lambda: json.dumps(_outsider(random)).encode("utf-16"),
        lambda: json.dumps({"messages": [_outsider(random), _json(random, 2)]}).encode(),
        lambda: json.dumps([[random.choice(["hull", "native", "x", None]), [_outsider(random)]], {}, {}]).encode(),
        lambda: json.dumps([_json(random, 2), _json(random, 1), None]).encode(),
        lambda: json.dumps({"task": "tasks.changes.apply", "id": "1", "args": _json(random, 2)}).encode(),
        lambda: json.dumps(_outsider(random)).encode()[: random.randint(0, 80)],
        lambda: b"[" * random.randint(1, 30_000),
        lambda: b'{"user":' * random.randint(1, 3000),
        lambda: b"\x80\x04\x95" + random.randbytes(20),
        lambda: b"{" + b'"a":1,' * random.randint(1, 20_000) + b'"a":1}',
    )
    return random.choice(makers)()


def _outsider(random: Random) -> dict[str, Any]:
    said = {"id": f"nobody-{random.randrange(50)}", "external_id": _json(random, 1), "plan": _json(random, 2)}
    return {"user": said, "segments": [], "events": _json(random, 2)}


def _json(random: Random, depth: int) -> Any:
    simple = [None, True, 0, -1.5, 2**70, "", "a\u0000b", "\ud800", "2026-01-01", [], {}]
    if depth == 0 or random.random() < 0.4:
        return random.choice(simple)
    inner = [_json(random, depth - 1) for _ in range(random.randint(0, 3))]
    return inner if random.random() < 0.5 else dict(zip(("user", "segments", "messages"), inner, strict=False))


# --- a round ---------------------------------------------------------------------------------------------------------


def play(fleet: Fleet, random: Random, number: int) -> int:
    """Publishes a round and waits for its end; how many strange messages were in it that RabbitMQ took."""
    told = lives(f"s{number}", users=HEALTHY, changes=_CHANGES, seed=number)
    strange = [envelope(random) for _ in range(STRANGE)]
    before = [(worker.popen.pid, len(worker.children)) for worker in fleet.workers]
    taken = _publish(fleet, random, told, strange)
    eventually(lambda: _done(fleet, told) == [], _SETTLED_SECONDS, every=0.5)
    assert all(worker.alive for worker in fleet.workers), "a worker has ended"
    assert [(worker.popen.pid, len(children(worker.popen.pid))) for worker in fleet.workers] == before
    assert fleet.tracebacks() - {STARVED} == set()
    fleet.connector("dead-letters", "--json")
    fleet.status()
    return taken


def _publish(fleet: Fleet, random: Random, told: Sequence[Message], strange: Sequence[Envelope]) -> int:
    """The healthy ones keep their order; the strange ones come meanwhile. How many of these RabbitMQ took."""
    taken = 0
    with fleet.flowing(told):
        for each in strange:
            taken += _published(fleet.servers.rabbitmq.url, each, random.choice(QUEUES))
    return taken


def _published(broker: str, each: Envelope, queue: str) -> bool:
    """Whether RabbitMQ took it: it closes the connection on what breaks its own protocol, and nobody gets that."""
    try:
        with Connection(broker, confirm_publish=True) as connection, connection.channel() as channel:
            channel.basic_publish(each, exchange="", routing_key=queue, confirm_timeout=_CONFIRM_SECONDS)
    except (AMQPError, OSError):
        return False
    return True


def _done(fleet: Fleet, told: Sequence[Message]) -> list[str]:
    """What is not as it must be, or not yet."""
    mine = {message["user"]["id"] for message in told}
    people = [row for row in fleet.simulator.whole_people() if row["identifiers"]["id"] in mine]
    left = [f"{name}: {count} messages" for name, count in fleet.servers.queues().items() if name in QUEUES and count]
    return left + differences(expected(told, RULES), people)


def run(seconds: float, seed: int) -> int:
    """Plays rounds for so long on a fleet of its own; how many strange messages there were."""
    random, count, number = Random(seed), 0, 0
    with tempfile.TemporaryDirectory(prefix="soak-") as folder, Servers(Path(folder)).running() as servers:
        fleet = Fleet(servers)
        try:
            fleet.make_ready(2)
            end = monotonic() + seconds
            while monotonic() < end or not count:
                number += 1
                count += _told(fleet, random, number)
        finally:
            with suppress(Exception):
                fleet.close()
    return count


def _told(fleet: Fleet, random: Random, number: int) -> int:
    """A round; where it fails, what the workers said last is told with it."""
    try:
        return play(fleet, random, number)
    except AssertionError as error:
        said = "\n".join(line[:300] for worker in fleet.workers for line in worker.said.splitlines()[-15:])
        raise AssertionError(f"round {number}: {error}\n{said}") from error
