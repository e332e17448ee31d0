"""What lies on an intake queue: understood where it can be, else a problem with its payload. Never an error."""

import bz2
import gzip
import json
import lzma
import resource
import zlib
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import brotli
import pytest
from celery import Celery
from hypothesis import given
from hypothesis import strategies as some
from kombu import compression

from connector.broker import envelope
from connector.broker.envelope import APPLY, Body, Door
from connector.broker.properties import Properties
from connector.model.change import Unreadable

MOST = 1_000_000
PLAIN = Door("native", backfill=False, celery=False, max_bytes=MOST)
TASKS = Door("native", backfill=False, celery=True, max_bytes=MOST)
MESSAGE = {"user": {"id": "user-1"}, "version": 1}
BODY = json.dumps(MESSAGE).encode()
TASK = {"task": APPLY, "id": "1"}


def read(body: bytes, door: Door = PLAIN, encoding: str = "utf-8", **headers: Any) -> list[Body]:
    return door.bodies(Properties("application/json", encoding, headers), body)


def refused(found: list[Body], body: bytes) -> str:
    """The reason for which the body as a whole is a problem that holds it."""
    ((_, problem, _),) = found
    assert isinstance(problem, Unreadable)
    assert problem.message == body.decode(errors="replace")
    return problem.reason


# ---- Plain messages --------------------------------------------------------------------------------------------------


def test_a_plain_body_is_what_it_is() -> None:
    assert read(BODY) == [Body("native", BODY, backfill=False)]


@pytest.mark.parametrize("name", sorted({*compression.encoders(), "gzip", "zlib", "bzip2", "brotli", "zstd", "lzma"}))
def test_what_kombu_packs_is_unpacked(name: str) -> None:
    try:
        packed, content_type = compression.compress(BODY, name)
    except KeyError:
        pytest.skip(f"kombu cannot pack {name} here")
    assert read(packed, compression=content_type)[0].value == BODY


@pytest.mark.parametrize(
    ("encoding", "packed"),
    [
        ("gzip", gzip.compress(BODY)),
        ("x-gzip", gzip.compress(BODY)),
        ("deflate", zlib.compress(BODY)),
        ("deflate", zlib.compress(BODY)[2:-4]),
        ("bzip2", bz2.compress(BODY)),
        ("lzma", lzma.compress(BODY)),
        ("br", brotli.compress(BODY)),
        ("UTF-16", BODY.decode().encode("utf-16")),
        ("latin-1", BODY),
        ("binary", BODY),
        ("", BODY),
    ],
    ids=lambda given: given if isinstance(given, str) else "",  # a packed body may have the time in it
)
def test_what_the_content_encoding_says_is_understood(encoding: str, packed: bytes) -> None:
    assert read(packed, encoding=encoding)[0].value == BODY


@pytest.mark.parametrize("name", ["snappy", "application/x-nothing", "7"])
def test_a_compression_that_is_not_known_is_a_problem(name: str) -> None:
    assert "is packed as" in refused(read(BODY, compression=name), BODY)


@pytest.mark.parametrize("name", ["gzip", "bzip2", "brotli", "zstd", "lzma", "deflate"])
def test_what_is_not_packed_as_it_says_is_a_problem(name: str) -> None:
    assert "is packed as" in refused(read(BODY, compression=name), BODY)


@pytest.mark.parametrize("encoding", ["klingon", "rot13", "idna", "punycode", "base64", "\0"])
def test_an_encoding_that_is_not_known_is_a_problem(encoding: str) -> None:
    assert "encoding" in refused(read(BODY, encoding=encoding), BODY)


@pytest.mark.parametrize(
    ("name", "pack"),
    [
        ("gzip", gzip.compress),
        ("bzip2", partial(bz2.compress, compresslevel=1)),
        ("lzma", partial(lzma.compress, preset=0)),
        ("brotli", partial(brotli.compress, quality=3)),
    ],
    ids=lambda given: given if isinstance(given, str) else "",
)
def test_a_bomb_takes_no_more_memory_than_a_message_may(name: str, pack: Callable[[bytes], bytes]) -> None:
    packed = pack(bytes(50 * MOST))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert "larger than" in refused(read(packed, compression=name), packed)[:200]
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # kilobytes


@given(some.binary(max_size=100), some.text(max_size=20), some.dictionaries(some.text(max_size=12), some.text()))
def test_nothing_is_an_error(body: bytes, encoding: str, headers: Mapping[str, Any]) -> None:
    for door in (PLAIN, TASKS):
        for said in (headers, {**headers, "compression": encoding}, {**headers, **TASK}):
            assert all(isinstance(each, Body) for each in door.bodies(Properties("", encoding, said), body))


def test_of_a_large_body_the_problem_holds_the_beginning() -> None:
    body = b"x" * (envelope.SHOWN_CHARACTERS + 1)
    ((_, problem, _),) = read(body, compression="gzip")
    assert len(problem.message) == envelope.SHOWN_CHARACTERS


# ---- Celery's tasks --------------------------------------------------------------------------------------------------


def second(*args: Any, **kwargs: Any) -> bytes:
    return json.dumps([list(args), kwargs, {"callbacks": None}]).encode()


@pytest.mark.parametrize("protocol", [1, 2])
def test_a_task_is_what_celery_makes_it(protocol: int) -> None:
    """Through Celery's own code, with what may stand beside it."""
    app = Celery("upstream", broker="memory://", set_as_current=False)
    app.conf.task_protocol = protocol
    sent: list[Any] = []
    app.amqp._send_task_message = lambda _, __, message, **options: sent.append(message)
    with app.connection() as connection:
        task = app.amqp.task_protocols[protocol](
            "1", APPLY, args=("native", [MESSAGE, BODY.decode()]), kwargs={"backfill": True},
            eta="2024-01-01T00:00:00+00:00", expires="2099-01-01T00:00:00+00:00", retries=3, time_limit=(1, 2),
        )  # fmt: skip
        assert connection is not None
    found = read(json.dumps(task.body).encode(), TASKS, **task.headers)

    assert found == [Body("native", MESSAGE, backfill=True), Body("native", BODY.decode(), backfill=True)]
    app.close()


@pytest.mark.parametrize(
    "eta", ["2099-01-01T00:00:00+00:00", "2099-01-01T00:00:00", "soon", 4_070_908_800, {"in": 3600}]
)
@pytest.mark.parametrize("protocol", [1, 2])
def test_a_task_that_is_to_wait_is_a_problem_for_each_of_its_messages(eta: Any, protocol: int) -> None:
    args = ["native", [MESSAGE, BODY.decode()]]
    first = json.dumps({"task": APPLY, "args": args, "kwargs": {}, "eta": eta}).encode()
    found = read(first, TASKS) if protocol == 1 else read(second(*args), TASKS, **TASK, eta=eta)

    assert [(format, problem.message) for format, problem, _ in found] == [
        ("native", MESSAGE),
        ("native", BODY.decode()),
    ]
    assert all("is to wait until" in problem.reason for _, problem, _ in found)


@pytest.mark.parametrize("eta", ["2024-01-01T00:00:00+00:00", "", None])
def test_a_task_that_need_not_wait_any_more_is_taken_in(eta: Any) -> None:
    assert read(second("native", [MESSAGE]), TASKS, **TASK, eta=eta) == [Body("native", MESSAGE, backfill=False)]


def test_arguments_may_come_by_name() -> None:
    assert read(second(format="native", messages=[MESSAGE]), TASKS, **TASK) == [Body("native", MESSAGE, backfill=False)]


def test_a_task_without_messages_says_nothing() -> None:
    assert read(second("native", []), TASKS, **TASK) == []


@pytest.mark.parametrize(
    ("body", "headers", "reason"),
    [
        (second("klingon", [MESSAGE]), TASK, "is no format"),
        (second(["native"], [MESSAGE]), TASK, "is no format"),
        (second("native", {"user": {}}), TASK, "not a list"),
        (second("native", "text"), TASK, "not a list"),
        (second("native"), TASK, "not a list"),
        (second(), TASK, "is no format"),
        (second("native", [], True, 1), TASK, "no other arguments"),
        (second("native", [], other=1), TASK, "no other arguments"),
        (second("native", []), {**TASK, "task": "tasks.other"}, "does not belong"),
        (second("native", []), {**TASK, "task": 7}, "does not belong"),
        (second("native", []), {}, "no task of Celery"),
        (b'{"a": 1}', {}, "no task of Celery"),
        (b'{"a": 1}', TASK, "no task of Celery"),
        (b"[[]]", TASK, "no task of Celery"),
        (b"[[]]", {}, "no task of Celery"),
        (b'{"task": "tasks.other", "args": []}', {}, "does not belong"),
        (b"\x80\x04\x95\x00pickle.", TASK, "not JSON"),
        (b"", TASK, "not JSON"),
        (b"[" * 100_000, TASK, "deep"),
    ],
)
def test_what_is_no_such_task_is_a_problem_with_its_payload(
    body: bytes, headers: Mapping[str, Any], reason: str
) -> None:
    assert reason in refused(read(body, TASKS, **headers), body)


def test_one_message_nested_too_deep_is_its_own_problem() -> None:
    deep: Any = "x"
    for _ in range(250):
        deep = [deep]
    found = read(second("native", [MESSAGE, {"user": {"id": "user-2", "deep": deep}}]), TASKS, **TASK)

    assert len(found) in (1, 2)


@pytest.mark.parametrize("expires", ["2020-01-01T00:00:00+00:00", 0, "never"])
def test_a_task_that_has_expired_is_taken_in_all_the_same(expires: object) -> None:
    """It is upstream's word until upstream says something else, and RabbitMQ has confirmed it."""
    second = json.dumps([["native", [MESSAGE]], {}, {}]).encode()
    first = json.dumps({**TASK, "args": ["native", [MESSAGE]], "expires": expires}).encode()
    taken = [Body("native", MESSAGE, backfill=False)]
    assert read(second, TASKS, **TASK, expires=expires) == taken
    assert read(first, TASKS) == taken
