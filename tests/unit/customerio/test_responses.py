"""What a reply means, and when to try again."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.customerio import backoff, envelopes, responses
from connector.customerio.responses import ACCEPTED, Pause, Rejected, Reply, ResponseAction, Settle, Split
from tests.build import thorough

EMPTY = b"{}\n"
SEGMENT = "segments/7/add_customers?id_type=id"
ENDPOINTS = st.sampled_from(["batch", "v1_event", SEGMENT])
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 9) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["errors", "meta", "error", "batch_index", "message", "x"]), inner, max_size=3
        )
    ),
)
JSON = _VALUES.map(lambda value: json.dumps(value).encode())
HTML = b"<html><body>Bad gateway</body></html>"


def body(*errors: Any) -> bytes:
    return json.dumps({"errors": list(errors)}).encode()


def error(index: int | None = None, message: str = "too long", field: str = "attributes.plan") -> dict[str, Any]:
    said = {"reason": "invalid", "field": field, "message": message}
    return said if index is None else {"batch_index": index, **said}


TOO_LONG = Rejected("attributes.plan too long")


# --- taken -----------------------------------------------------------------------------------------------------------


def read(reply: Reply, items: int, endpoint: str = "batch") -> ResponseAction:
    return responses.read(reply, endpoint, items)


@pytest.mark.parametrize("endpoint", ["batch", "v1_event", SEGMENT])
@pytest.mark.parametrize("answer", [b"{}", EMPTY, b" { }\n", b'{"errors":[]}'])
def test_200_with_an_empty_object_means_that_all_was_taken(answer: bytes, endpoint: str) -> None:
    assert read(Reply(200, answer), 3, endpoint) == Settle((ACCEPTED, ACCEPTED, ACCEPTED))


@pytest.mark.parametrize("status", [200, 207])
@pytest.mark.parametrize(
    ("errors", "results"),
    [
        ([error(1)], (ACCEPTED, TOO_LONG, ACCEPTED)),
        ([error(0), error(2)], (TOO_LONG, ACCEPTED, TOO_LONG)),
        ([error(2), error(0)], (TOO_LONG, ACCEPTED, TOO_LONG)),
        (
            [error(1), error(1, "is blank", "name")],
            (ACCEPTED, Rejected("attributes.plan too long; name is blank"), ACCEPTED),
        ),
        ([error(0), error(1), error(2)], (TOO_LONG, TOO_LONG, TOO_LONG)),
        ([{"batch_index": 1}], (ACCEPTED, Rejected("no reason given"), ACCEPTED)),
        ([{"batch_index": 1, "reason": "required"}], (ACCEPTED, Rejected("required"), ACCEPTED)),
    ],
    ids=["one", "two", "in any order", "several of one", "all", "without words", "a reason alone"],
)
def test_errors_refuse_the_items_that_they_name(status: int, errors: list[Any], results: Any) -> None:
    assert read(Reply(status, body(*errors)), 3) == Settle(results)


NOT_ANY_OBJECT = [b"", HTML, b"[]", b"null", b"ok", b'{"errors":', b"\xff\xfe", b"0", b'"{}"', b"{}{}", b"[" * 10_000]
NOT_AN_ACCEPTANCE = [
    b'{"error":"maintenance"}',
    b'{"status":"ok"}',
    b'{"meta":{}}',
    b'{"meta":{"error":"id is missing"}}',
    b'{"errors":null}',
    b'{"errors":{}}',
    b'{"errors":"too long"}',
    b'{"errors":[],"page":1}',
]
NO_INDEX = [
    [error()],
    [error(), error(0)],
    [error(3)],
    [error(-1)],
    [error(10**30)],
    [{**error(), "batch_index": "1"}],
    [{**error(), "batch_index": None}],
    [{**error(), "batch_index": True}],
    [{**error(), "batch_index": 1.0}],
    ["too long"],
    [None],
]


def is_foreign(action: ResponseAction) -> bool:
    """Nothing is settled by it: not taken, not refused, and what was sent may be the cause."""
    return isinstance(action, Pause) and (action.until, action.doubt, action.cause) == ("backoff", True, "foreign")


@pytest.mark.parametrize("items", [1, 3])
@pytest.mark.parametrize("endpoint", ["batch", "v1_event", SEGMENT])
@pytest.mark.parametrize("answer", [*NOT_ANY_OBJECT, *NOT_AN_ACCEPTANCE])
def test_a_200_in_any_other_form_confirms_nothing(answer: bytes, endpoint: str, items: int) -> None:
    assert is_foreign(read(Reply(200, answer), items, endpoint))


@pytest.mark.parametrize("items", [1, 3])
@pytest.mark.parametrize("answer", [*NOT_ANY_OBJECT, *NOT_AN_ACCEPTANCE, EMPTY, b'{"errors":[]}'])
def test_a_207_without_errors_confirms_nothing(answer: bytes, items: int) -> None:
    assert is_foreign(read(Reply(207, answer), items))


@pytest.mark.parametrize("items", [1, 3])
@pytest.mark.parametrize("errors", NO_INDEX)
@pytest.mark.parametrize("status", [200, 207])
def test_errors_that_name_no_item_refuse_nobody(status: int, errors: list[Any], items: int) -> None:
    assert is_foreign(read(Reply(status, body(*errors)), items))


@pytest.mark.parametrize("endpoint", ["v1_event", SEGMENT])
def test_only_a_batch_is_answered_item_by_item(endpoint: str) -> None:
    for status in (200, 207):
        action = read(Reply(status, body(error(0))), 1, endpoint)
        assert isinstance(action, Pause)
        assert action.doubt


def test_an_answer_that_went_on_for_too_long_is_not_customer_ios() -> None:
    assert is_foreign(read(Reply(200, EMPTY, whole=False), 2))
    assert is_foreign(read(Reply(400, body(error()), whole=False), 2))


@thorough
@given(st.integers(0, 599), st.binary(max_size=60) | st.just(EMPTY) | JSON, st.integers(1, 5), ENDPOINTS)
def test_every_reply_means_something_and_only_customer_ios_words_settle(
    status: int, answer: bytes, items: int, endpoint: str
) -> None:
    action = read(Reply(status, answer), items, endpoint)
    match action:
        case Settle(results):
            assert len(results) == items
            assert status in (200, 207) or envelopes.refusal(answer) is not None
            assert status not in (200, 207) or envelopes.json_object(answer) is not None
        case Split(reason):
            assert items > 1
            assert reason
            assert envelopes.refusal(answer) is not None
        case Pause(reason):
            assert reason


@thorough
@given(st.lists(st.integers(0, 9), min_size=1, max_size=12))
def test_an_item_is_refused_if_and_only_if_it_is_named(indices: list[int]) -> None:
    action = read(Reply(207, body(*map(error, indices))), 10)
    assert isinstance(action, Settle)
    assert [isinstance(each, Rejected) for each in action.results] == [index in indices for index in range(10)]


# --- refused as a whole ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"meta": {"error": "id is missing"}}, "id is missing"),
        ({"meta": {"errors": ["id is missing", "name is blank"]}}, "id is missing; name is blank"),
        ({"errors": [error()]}, "attributes.plan too long"),
        ({"errors": [{"detail": "rate limited", "status": "429"}]}, "rate limited"),
    ],
)
@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_request_refused_whole_is_split_until_one_item_is_left(status: int, answer: Any, words: str) -> None:
    reply = Reply(status, json.dumps(answer).encode())
    assert read(reply, 2) == Split(f"Customer.io answered {status}: {words}")
    assert read(reply, 1) == Settle((Rejected(f"Customer.io answered {status}: {words}"),))


@pytest.mark.parametrize(
    "answer",
    [
        *NOT_ANY_OBJECT,
        EMPTY,
        b'{"error":"no"}',
        b'{"meta":{}}',
        b'{"meta":{"error":{}}}',
        b'{"meta":{"errors":[]}}',
        b'{"meta":{"errors":[1]}}',
        b'{"errors":[]}',
        b'{"errors":["no"]}',
        b'{"errors":[{"code":1}]}',
        b'{"errors":{"message":"no"}}',
    ],
)
@pytest.mark.parametrize("items", [1, 2])
@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_refusal_counts_only_in_customer_ios_own_words(status: int, items: int, answer: bytes) -> None:
    assert is_foreign(read(Reply(status, answer), items))


def test_a_403_of_a_firewall_is_not_about_credentials() -> None:
    assert is_foreign(read(Reply(403, HTML), 2))


def test_a_segment_that_is_not_there_is_refused_and_a_404_of_anybody_else_is_not() -> None:
    gone = Reply(404, b'{"meta":{"error":"segment not found"}}')
    assert isinstance(read(gone, 2, SEGMENT), Split)
    assert isinstance(read(gone, 2), Pause)
    assert is_foreign(read(Reply(404, HTML), 2, SEGMENT))


def test_long_words_are_cut() -> None:
    action = read(Reply(400, json.dumps({"meta": {"error": "x" * 5000}}).encode()), 2)
    assert isinstance(action, Split)
    assert len(action.reason) < 400


# --- refused to the connection, or not answered ----------------------------------------------------------------------


@pytest.mark.parametrize("items", [1, 3])
@pytest.mark.parametrize(
    ("status", "until", "doubt"),
    [
        (401, "human", False),
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
    verdict = read(Reply(status, HTML), items)
    assert isinstance(verdict, Pause)
    assert (verdict.until, verdict.doubt) == (until, doubt)
    assert str(status) in verdict.reason


@pytest.mark.parametrize(
    ("status", "body", "says"),
    [
        (400, b'{"message":"No workspace here"}', "the answer 400 (No workspace here) is not Customer.io's"),
        (400, b"<html><title>Blocked</title></html>", "the answer 400 (Blocked) is not Customer.io's"),
        (
            401,
            b'{"meta":{"error":"Unauthorized request"}}',
            "answered 401: Unauthorized request: site_id and api_key are",
        ),
        (
            403,
            b'{"meta":{"error":"May not write"}}',
            "answered 403: May not write: site_id and api_key may not do this",
        ),
        (403, b'{"message":"Forbidden for you"}', "the answer 403 (Forbidden for you) is not Customer.io's"),
        (429, b'{"errors":[{"detail":"slow down (request id 01J)"}]}', "Customer.io answered 429: slow down|"),
        (500, b'{"meta":{"error":"database is away"}}', "Customer.io answered 500: database is away|"),
        (500, b'{"message":"try a1b2c3d4e5f6a7b8c9d0 later"}', "Customer.io answered 500: try later|"),
        (502, b"<html><title>502 Bad Gateway</title></html>", "Customer.io answered 502|"),
        (503, b'{"meta":{"error":"Service Unavailable"}}', "Customer.io answered 503|"),
        (500, b"no \x1b[31mred\nsecond line", "Customer.io answered 500: no \\u001b[31mred|"),
        (500, b"\xff\xfe", "Customer.io answered 500|"),
    ],
)
def test_what_goes_wrong_is_told_in_its_own_words_in_one_line(status: int, body: bytes, says: str) -> None:
    verdict = read(Reply(status, body), 1)
    assert isinstance(verdict, Pause)
    assert says in f"{verdict.reason}|"


@pytest.mark.parametrize("status", [429, 500, 503])
@pytest.mark.parametrize("seconds", [None, 0.0, 17.0])
def test_the_wait_that_was_asked_for_is_kept_to(status: int, seconds: float | None) -> None:
    verdict = read(Reply(status, retry_after=seconds), 1)
    assert isinstance(verdict, Pause)
    assert verdict.seconds == seconds


@pytest.mark.parametrize(
    ("reply", "verdict"),
    [
        (Reply(0, fault="could not reach", reached=False), Pause("could not reach", "backoff", doubt=False)),
        (Reply(0, fault="timed out"), Pause("timed out", "backoff", doubt=True, cause="unknown")),
        (Reply(0), Pause("no answer", "backoff", doubt=True, cause="unknown")),
    ],
)
def test_without_an_answer_doubt_depends_on_whether_it_got_there(reply: Reply, verdict: Pause) -> None:
    assert read(reply, 2) == verdict


# --- when to try again -----------------------------------------------------------------------------------------------

JITTER = st.floats(0, 1)


@thorough
@given(st.integers(-5, 10_000), st.floats(0.1, 60), st.floats(60, 3600), JITTER)
def test_a_delay_is_between_half_and_all_of_its_step(failures: int, base: float, longest: float, jitter: float) -> None:
    full = backoff.delay(failures, base, longest, 0.0)
    assert base <= full <= longest
    assert full / 2 <= backoff.delay(failures, base, longest, jitter) <= full


@thorough
@given(st.integers(0, 100), st.floats(0.1, 60), st.floats(60, 3600), JITTER)
def test_a_delay_grows_with_failures(failures: int, base: float, longest: float, jitter: float) -> None:
    one, next_one = (backoff.delay(failures + more, base, longest, jitter) for more in (0, 1))
    assert next_one >= one


@pytest.mark.parametrize(
    ("failures", "seconds"), [(0, 1), (1, 1), (2, 2), (3, 4), (4, 8), (9, 256), (10, 300), (1_000_000, 300)]
)
def test_delays_double_up_to_the_longest(failures: int, seconds: float) -> None:
    assert backoff.delay(failures, 1, 300, 0) == seconds


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
    assert backoff.retry_after(value, 1000.0, date) == seconds


@thorough
@given(st.text(st.characters(max_codepoint=127), max_size=12), st.none() | st.floats(0, 1e12))
def test_whatever_retry_after_says_it_is_no_wait_beyond_an_hour(value: str, date: float | None) -> None:
    seconds = backoff.retry_after(value, 1000.0, date)
    assert seconds is None or 0 <= seconds <= 3600


@pytest.mark.parametrize("value", ["²", "1²", "①"])
def test_a_figure_that_is_no_number_asks_for_nothing(value: str) -> None:
    assert backoff.retry_after(value, 1000.0) is None
