"""What a reply means, and when to try again."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector import outcome
from connector.outcome import SENT, Pause, Refused, Reply, Settled, Split
from tests.build import thorough

EMPTY = b"{}\n"
HTML = b"<html><body>Bad gateway</body></html>"


def body(*errors: Any) -> bytes:
    return json.dumps({"errors": list(errors)}).encode()


def error(index: int | None = None, message: str = "too long", field: str = "attributes.plan") -> dict[str, Any]:
    said = {"reason": "invalid", "field": field, "message": message}
    return said if index is None else {"batch_index": index, **said}


TOO_LONG = Refused("attributes.plan too long")


# --- taken -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [200, 207])
@pytest.mark.parametrize("answer", [EMPTY, b'{"errors":[]}', b'{"errors":null}', b'{"status":"ok"}'])
def test_no_errors_means_that_all_was_taken(status: int, answer: bytes) -> None:
    assert outcome.read(Reply(status, answer), 3) == Settled((SENT, SENT, SENT))


@pytest.mark.parametrize("status", [200, 207])
@pytest.mark.parametrize(
    ("errors", "outcomes"),
    [
        ([error(1)], (SENT, TOO_LONG, SENT)),
        ([error(0), error(2)], (TOO_LONG, SENT, TOO_LONG)),
        ([error(2), error(0)], (TOO_LONG, SENT, TOO_LONG)),
        ([error(1), error(1, "is blank", "name")], (SENT, Refused("attributes.plan too long; name is blank"), SENT)),
        ([error(0), error(1), error(2)], (TOO_LONG, TOO_LONG, TOO_LONG)),
        ([{"batch_index": 1}], (SENT, Refused("no reason given"), SENT)),
    ],
    ids=["one", "two", "in any order", "several of one", "all", "without words"],
)
def test_errors_refuse_the_items_that_they_name(status: int, errors: list[Any], outcomes: Any) -> None:
    assert outcome.read(Reply(status, body(*errors)), 3) == Settled(outcomes)


@pytest.mark.parametrize(
    "errors",
    [
        [error()],
        [error(), error(0)],
        [error(3)],
        [error(-1)],
        [{**error(), "batch_index": "1"}],
        [{**error(), "batch_index": True}],
        [{**error(), "batch_index": 1.0}],
        ["too long"],
    ],
    ids=["no index", "one without", "beyond", "negative", "text", "boolean", "float", "no object"],
)
@pytest.mark.parametrize("status", [200, 207])
def test_errors_that_name_no_item_split_the_request(status: int, errors: list[Any]) -> None:
    assert isinstance(outcome.read(Reply(status, body(*errors)), 3), Split)
    alone = outcome.read(Reply(status, body(*errors)), 1)
    assert isinstance(alone, Settled)
    assert isinstance(alone.outcomes[0], Refused)


def test_a_single_error_need_not_stand_in_a_list() -> None:
    answer = json.dumps({"errors": error(1)}).encode()
    assert outcome.read(Reply(207, answer), 2) == Settled((SENT, TOO_LONG))


def test_a_reason_alone_is_told() -> None:
    assert outcome.read(Reply(207, body({"batch_index": 0, "reason": "required"})), 1) == Settled(
        (Refused("required"),)
    )


@pytest.mark.parametrize("answer", [b"", HTML, b"[]", b"null", b"ok", b'{"errors":', b"\xff\xfe"])
@pytest.mark.parametrize("status", [200, 207])
def test_an_answer_that_is_not_customer_ios_confirms_nothing(status: int, answer: bytes) -> None:
    verdict = outcome.read(Reply(status, answer), 3)
    assert isinstance(verdict, Pause)
    assert (verdict.until, verdict.doubt) == ("backoff", True)


@thorough
@given(st.integers(0, 599), st.binary(max_size=60) | st.just(EMPTY), st.integers(1, 5))
def test_every_reply_means_something(status: int, answer: bytes, items: int) -> None:
    verdict = outcome.read(Reply(status, answer), items)
    match verdict:
        case Settled(outcomes):
            assert len(outcomes) == items
            assert items == 1 or status in (200, 207)
        case Split(reason):
            assert items > 1
            assert reason
        case Pause(reason):
            assert reason


@thorough
@given(st.lists(st.integers(0, 9), max_size=12))
def test_an_item_is_refused_if_and_only_if_it_is_named(indices: list[int]) -> None:
    verdict = outcome.read(Reply(207, body(*map(error, indices))), 10)
    assert isinstance(verdict, Settled)
    assert [isinstance(each, Refused) for each in verdict.outcomes] == [index in indices for index in range(10)]


# --- refused as a whole ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_request_refused_whole_is_split_until_one_item_is_left(status: int) -> None:
    assert isinstance(outcome.read(Reply(status, EMPTY), 2), Split)
    assert outcome.read(Reply(status, HTML), 1) == Settled((Refused(f"Customer.io answered {status}"),))


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"meta": {"error": "id is missing"}}, "id is missing"),
        ({"meta": {"errors": ["id is missing", "name is blank"]}}, "id is missing; name is blank"),
        ({"errors": [error()]}, "attributes.plan too long"),
        ({"errors": [{"detail": "rate limited", "status": "429"}]}, "rate limited"),
        ({"error": "no"}, "no"),
        ({}, "no reason given"),
        ({"meta": {}}, "no reason given"),
    ],
)
def test_both_envelopes_of_errors_are_read(answer: dict[str, Any], words: str) -> None:
    verdict = outcome.read(Reply(400, json.dumps(answer).encode()), 1)
    assert verdict == Settled((Refused(f"Customer.io answered 400: {words}"),))


def test_long_words_are_cut() -> None:
    verdict = outcome.read(Reply(400, json.dumps({"meta": {"error": "x" * 5000}}).encode()), 2)
    assert isinstance(verdict, Split)
    assert len(verdict.reason) < 400


# --- refused to the connection, or not answered ----------------------------------------------------------------------


@pytest.mark.parametrize("items", [1, 3])
@pytest.mark.parametrize(
    ("status", "until", "doubt"),
    [
        (401, "human", False),
        (403, "human", False),
        (301, "backoff", False),
        (307, "backoff", False),
        (404, "backoff", False),
        (405, "backoff", False),
        (408, "backoff", False),
        (425, "backoff", False),
        (429, "backoff", False),
        (500, "backoff", True),
        (502, "backoff", True),
        (503, "backoff", True),
        (504, "backoff", True),
        (522, "backoff", True),
        (599, "backoff", True),
        (100, "backoff", True),
        (418, "backoff", True),
    ],
)
def test_other_answers_pause_and_refuse_nobody(status: int, until: str, doubt: bool, items: int) -> None:
    verdict = outcome.read(Reply(status, HTML), items)
    assert isinstance(verdict, Pause)
    assert (verdict.until, verdict.doubt) == (until, doubt)
    assert str(status) in verdict.reason


@pytest.mark.parametrize("status", [429, 500, 503])
@pytest.mark.parametrize("seconds", [None, 0.0, 17.0])
def test_the_wait_that_was_asked_for_is_kept_to(status: int, seconds: float | None) -> None:
    verdict = outcome.read(Reply(status, retry_after=seconds), 1)
    assert isinstance(verdict, Pause)
    assert verdict.seconds == seconds


@pytest.mark.parametrize(
    ("reply", "verdict"),
    [
        (Reply(0, fault="could not reach", reached=False), Pause("could not reach", "backoff", doubt=False)),
        (Reply(0, fault="timed out"), Pause("timed out", "backoff", doubt=True)),
        (Reply(0), Pause("no answer", "backoff", doubt=True)),
    ],
)
def test_without_an_answer_doubt_depends_on_whether_it_got_there(reply: Reply, verdict: Pause) -> None:
    assert outcome.read(reply, 2) == verdict


# --- when to try again -----------------------------------------------------------------------------------------------

JITTER = st.floats(0, 1)


@thorough
@given(st.integers(-5, 10_000), st.floats(0.1, 60), st.floats(60, 3600), JITTER)
def test_a_delay_is_between_half_and_all_of_its_step(failures: int, base: float, longest: float, jitter: float) -> None:
    full = outcome.delay(failures, base, longest, 0.0)
    assert base <= full <= longest
    assert full / 2 <= outcome.delay(failures, base, longest, jitter) <= full


@thorough
@given(st.integers(0, 100), st.floats(0.1, 60), st.floats(60, 3600), JITTER)
def test_a_delay_grows_with_failures(failures: int, base: float, longest: float, jitter: float) -> None:
    one, next_one = (outcome.delay(failures + more, base, longest, jitter) for more in (0, 1))
    assert next_one >= one


@pytest.mark.parametrize(
    ("failures", "seconds"), [(0, 1), (1, 1), (2, 2), (3, 4), (4, 8), (9, 256), (10, 300), (1_000_000, 300)]
)
def test_delays_double_up_to_the_longest(failures: int, seconds: float) -> None:
    assert outcome.delay(failures, 1, 300, 0) == seconds


@pytest.mark.parametrize(
    ("value", "date", "seconds"),
    [
        (None, None, None),
        (None, 1060.0, None),
        ("17", None, 17.0),
        (" 17 ", None, 17.0),
        ("1.5", None, 1.5),
        ("0", None, 0.0),
        ("999999", None, 3600.0),
        ("Thu, 01 Oct 2026 00:00:00 GMT", 1060.0, 60.0),
        ("Thu, 01 Oct 2026 00:00:00 GMT", 900.0, 0.0),
        ("Thu, 01 Oct 2026 00:00:00 GMT", 9e9, 3600.0),
        ("soon", None, None),
        ("-5", None, None),
        ("", None, None),
        (".", None, None),
        ("1e9", None, None),
        ("nan", None, None),
        ("inf", None, None),
        ("1.2.3", None, None),
    ],
)
def test_what_retry_after_asks_for(value: str | None, date: float | None, seconds: float | None) -> None:
    assert outcome.retry_after(value, 1000.0, date) == seconds


@thorough
@given(st.text(st.characters(max_codepoint=127), max_size=12), st.none() | st.floats(0, 1e12))
def test_whatever_retry_after_says_it_is_no_wait_beyond_an_hour(value: str, date: float | None) -> None:
    seconds = outcome.retry_after(value, 1000.0, date)
    assert seconds is None or 0 <= seconds <= 3600


@pytest.mark.parametrize("value", ["²", "1²", "①"])
def test_a_figure_that_is_no_number_asks_for_nothing(value: str) -> None:
    assert outcome.retry_after(value, 1000.0) is None
