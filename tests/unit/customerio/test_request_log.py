"""What is logged of a request."""

import pytest

from connector.customerio import request_log, responses
from connector.customerio.request_log import Call, Exchange, Judged, KeptBodies
from connector.customerio.responses import Accepted, Pause, Rejected, Reply, ResponseAction, Retry, Settle, Split

NOW = 4_000_000_000.0
BODY = b'{"batch":[{"type":"person"},{"type":"person"}]}'
SETTLED = Settle((Accepted(), Accepted()))
REFUSED = Settle((Accepted(), Rejected("id is too long")))
SPLIT = Split("Customer.io answered 400")
PAUSE = Pause("Customer.io answered 503", "backoff", doubt=True)


def logged(
    verdict: ResponseAction, bodies: KeptBodies = "failed", body: bytes = BODY, reply: bytes = b'{"errors":[]}'
) -> Call:
    exchange = Exchange("batch", 2, body, Reply(207, reply), verdict, NOW, 12)
    return request_log.call_of("main", "people", exchange, bodies)


def test_a_call_says_what_was_sent_where_and_what_came_of_it() -> None:
    assert logged(SETTLED) == Call(NOW, "main", "people", "batch", 2, len(BODY), 207, 12, "settled")


@pytest.mark.parametrize(
    ("verdict", "judged", "reason"),
    [
        (SETTLED, "settled", ""),
        (REFUSED, "refused", "1 of 2 refused: id is too long"),
        (Settle((Retry("no word", doubt=True), Accepted())), "settled", ""),
        (SPLIT, "split", "Customer.io answered 400"),
        (PAUSE, "paused", "Customer.io answered 503"),
    ],
)
def test_a_verdict_in_a_word_and_its_reason(verdict: ResponseAction, judged: Judged, reason: str) -> None:
    assert (logged(verdict).verdict, logged(verdict).reason) == (judged, reason)


@pytest.mark.parametrize(
    ("bodies", "kept"),
    [("failed", [REFUSED, SPLIT, PAUSE]), ("all", [SETTLED, REFUSED, SPLIT, PAUSE]), ("none", [])],
)
def test_the_settings_say_whose_bodies_are_kept(bodies: KeptBodies, kept: list[ResponseAction]) -> None:
    calls = {id(verdict): logged(verdict, bodies) for verdict in (SETTLED, REFUSED, SPLIT, PAUSE)}

    assert [key for key, each in calls.items() if each.request is not None] == [id(each) for each in kept]
    assert [key for key, each in calls.items() if each.reply is not None] == [id(each) for each in kept]


def test_a_kept_body_is_small_and_comes_back_as_it_went() -> None:
    body = BODY * 1000
    kept = logged(PAUSE, body=body)

    assert kept.body == body
    assert kept.request is not None
    assert len(kept.request) < len(body) / 10
    assert kept.body_bytes == len(body)


def test_equal_calls_are_kept_equal() -> None:
    assert logged(PAUSE) == logged(PAUSE)


@pytest.mark.parametrize(("size", "kept"), [(request_log.REQUEST_BYTES, True), (request_log.REQUEST_BYTES + 1, False)])
def test_a_body_that_is_far_too_long_is_not_kept_at_all(size: int, kept: bool) -> None:
    found = logged(PAUSE, body=b"x" * size)

    assert (found.body is not None, found.body_bytes) == (kept, size)


def test_a_long_reply_is_cut() -> None:
    assert logged(PAUSE, reply=b"x" * 50_000).reply == "x" * request_log.REPLY_CHARACTERS


def test_a_long_reason_is_cut() -> None:
    assert len(logged(Split("x" * 50_000)).reason) == request_log.REASON_CHARACTERS


def test_no_reply_is_none() -> None:
    assert logged(PAUSE, reply=b"").reply is None


def test_a_reply_that_is_no_text_is_kept_as_far_as_it_is_one() -> None:
    assert logged(PAUSE, reply=b"caf\xe9 \xff").reply == "caf\ufffd \ufffd"


def test_no_store_must_keep_a_nul() -> None:
    verdict = responses.read(Reply(400, b'{"errors":[{"reason":"a\\u0000b"}]}'), "batch", 2)
    found = logged(verdict, reply=b"a\0b")

    assert (found.reply, "\0" in found.reason) == ("a\ufffdb", False)
