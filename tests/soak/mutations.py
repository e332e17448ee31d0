"""Messages of every form, and what may happen to them on their way: values, names and bytes nobody thought of."""

import gzip
import json
from collections.abc import Callable, Sequence
from math import inf, nan
from random import Random
from typing import Any

from tests.processes import SAMPLE
from tests.world import LATELY

Json = Any
FORMS = ("native", "hull", "lytics", "segment")
_TOKENS = (
    b"\\u0000", b"\\ud800", b"\xff", b"\xed\xa0\x80", b"NaN", b"-Infinity", b"1e999", b"9" * 400, b"9" * 5000,
    b"[" * 300, b"]" * 3, b'{"a":1,"a":2}', b'"', b"\\", b",", b":", b"{", b"}", b"\0", b"null", b"\n",
    b"18446744073709551616",     b"\xef\xbb\xbf", b'"\\u2028"', b"1E400", b"-0", b"0.1e-5000",
)  # fmt: skip


def nested(depth: int) -> Json:
    """A list in a list, and so on."""
    value: Json = 1
    for _ in range(depth):
        value = [value]
    return value


def odd(random: Random) -> Json:
    """A value that something on the way may stumble over."""
    return random.choice(_ODD)(random)


_ODD: Sequence[Callable[[Random], Json]] = (
    lambda _: None,
    lambda random: random.choice([True, False]),
    lambda random: random.choice([0, -1, 2**31, 2**53 + 1, 2**63, 2**64, -(2**63) - 1, 10**400]),
    lambda random: random.choice([0.0, -0.0, 0.1, 1e300, 5e-324, nan, inf, -inf, 1e22, 1001.0]),
    lambda random: random.choice(["", " ", "a\0b", "\ud800", "\udfff", "\u2028", "😀" * 300, "x" * 5000, "n/a"]),
    lambda random: random.choice(["2014", "20140501", "soon", "2026-01-31 10:00:00 -0800", "0000-00-00", "9999-12-31"]),
    lambda random: random.choice(
        ["fuzz@example.com", "FUZZ@example.com", " a@b ", "@", "undefined", "[object Object]"]
    ),
    lambda random: nested(random.choice([1, 49, 51, 198, 255, 400])),
    lambda random: {random.choice(["a", "", "a\0", "\ud800", "x" * 300]): odd(random)},
    lambda random: [odd(random) for _ in range(random.randrange(4))],
    lambda random: [{"id": odd(random), "name": odd(random)}],
)


def message(random: Random, form: str, sample: Sequence[Json]) -> Json:
    """A message of a form as it should be."""
    return _FORMS[form](random, sample)


def samples() -> list[Json]:
    """Notifications of Hull's as the demo has them."""
    with gzip.open(SAMPLE) as lines:
        return [json.loads(line) for _, line in zip(range(200), lines, strict=False)]


def _native(random: Random, _: Sequence[Json]) -> Json:
    who = f"fuzz-{random.randrange(8)}"
    did = {"name": "Did", "id": f"e-{random.randrange(50)}", "time": LATELY, "properties": {"x": 1, "y": ["z"]}}
    user = {"id": who, "external_id": who, "email": f"{who}@example.com", "plan": "gold", "list": [1, {"a": "b"}]}
    device = {"token": f"t-{random.randrange(9)}", "platform": "ios", "attributes": {"app_version": "1"}}
    related = {"type": "1", "id": f"o-{random.randrange(5)}", "attributes": {"role": "owner"}}
    rest = {"account": {"name": "A"}, "segments": ["Paying"], "events": [did], "devices": [device]}
    about = {"object": {"type": "1", "id": "o-1", "attributes": {"name": "O"}}, "version": random.randrange(9)}
    return random.choice(
        [{"user": user, **rest, "relationships": [related]}, {"user": user, **rest, "whole": True}, about]
    )


def _hull(random: Random, sample: Sequence[Json]) -> Json:
    return random.choice(sample)


def _lytics(random: Random, _: Sequence[Json]) -> Json:
    who = f"fuzz-{random.randrange(8)}"
    happened = {"event": random.choice(["enter", "exit", "update"]), "audience": {"slug": "Paying", "name": "Paying"}}
    return {"data": {"user_id": who, "email": f"{who}@example.com", "plan": "gold"}, "meta": {**happened, "ts": LATELY}}


def _segment(random: Random, _: Sequence[Json]) -> Json:
    who = f"fuzz-{random.randrange(8)}"
    call = {"userId": who, "messageId": f"m-{random.randrange(99)}", "timestamp": "2026-01-31T10:00:00Z"}
    entered = {"type": "track", "event": "Audience Entered", "properties": {"audience_key": "Paying"}}
    installed = {"type": "track", "event": "Application Installed", "properties": {"device_token": "t"}}
    calls: list[Json] = [
        {"type": "identify", "traits": {"plan": "gold", "email": f"{who}@example.com"}},
        {**entered, "context": {"traits": {"plan": "free"}, "device": {"token": "t", "type": "android"}}},
        installed,
        {"type": "page", "name": "Home", "properties": {"url": "https://example.com/"}},
        {"type": "group", "groupId": "g-1", "traits": {"name": "G"}},
        {"type": "alias", "previousId": f"fuzz-{random.randrange(8)}"},
    ]
    return {**random.choice(calls), **call}


_FORMS: dict[str, Callable[[Random, Sequence[Json]], Json]] = {
    "native": _native, "hull": _hull, "lytics": _lytics, "segment": _segment
}  # fmt: skip


def changed(random: Random, value: Json, chance: float = 0.08) -> Json:
    """A value of which some parts are other ones, are missing, or are named otherwise."""
    if random.random() < chance:
        return odd(random)
    if isinstance(value, list):
        return [changed(random, each, chance) for each in value if random.random() > chance / 4]
    if not isinstance(value, dict):
        return value
    kept = [(name, each) for name, each in value.items() if random.random() > chance / 4]
    return {_name(random, name, chance): changed(random, each, chance) for name, each in kept}


def _name(random: Random, name: str, chance: float) -> str:
    return random.choice(["", "a\0", "\ud800", "id", "email", "user"]) if random.random() < chance / 8 else name


def broken(random: Random, body: bytes) -> bytes:
    """Bytes of which some are others, are missing, come twice, or have something put between them."""
    for _ in range(random.choice([1, 1, 1, 2, 5])):
        at = random.randrange(len(body) + 1)
        rest = random.randrange(at, min(len(body), at + 40) + 1)
        match random.randrange(4):
            case 0:
                body = body[:at] + random.choice(_TOKENS) + body[at:]
            case 1:
                body = body[:at] + body[rest:]
            case 2:
                body = body[:at] + random.choice(_TOKENS) + body[rest:]
            case _:
                body = body[:rest] + body[at:]
    return body
