"""What an answer of the App API says."""

import json
from typing import Any

import pytest

from connector.customerio import people as lookup
from connector.customerio.people import FoundPerson
from connector.customerio.responses import Pause, Reply
from connector.model.entity import Identifier
from tests.build import ident


def customer(**identifiers: Any) -> dict[str, Any]:
    return {"id": identifiers.get("id") or "", "identifiers": identifiers, "attributes": {"plan": "gold"}}


def answer(*customers: Any) -> Reply:
    return Reply(200, json.dumps({"customers": customers}).encode())


def people(reply: Reply, kind: str = "id") -> lookup.HeldPeople:
    found = lookup.read(reply, kind)
    assert isinstance(found, FoundPerson)
    return found.people


def pause(status: int, body: bytes = b"", **given: Any) -> Pause:
    found = lookup.read(Reply(status, body, **given), "email")
    assert isinstance(found, Pause)
    return found


HELD = {"plan": "gold"}


@pytest.mark.parametrize(
    ("kind", "identifiers", "name"),
    [
        ("id", {"id": "1", "email": None, "cio_id": "a1"}, ident("1")),
        ("email", {"id": None, "email": "User-1@Example.com", "cio_id": "a1"}, ident("user-1@example.com", "email")),
        ("cio_id", {"id": None, "email": None, "cio_id": "a1"}, ident("a1", "cio_id")),
    ],
)
def test_people_are_found_by_the_identifier_asked_for(kind: str, identifiers: dict[str, Any], name: Identifier) -> None:
    assert people(answer(customer(**identifiers)), kind) == {name: HELD}


def test_people_may_be_wrapped_once_more() -> None:
    assert people(answer({"customer": customer(id="1")}, customer(id="2"))) == {ident("1"): HELD, ident("2"): HELD}


def test_without_a_list_of_identifiers_the_id_itself_counts() -> None:
    assert people(answer({"id": "1", "attributes": HELD})) == {ident("1"): HELD}
    assert people(answer({"id": "1", "attributes": {"email": "a@example.com"}}), "email") == {
        ident("a@example.com", "email"): {"email": "a@example.com"}
    }


def test_nobody_is_an_answer() -> None:
    assert people(answer()) == {}


@pytest.mark.parametrize("odd", [{}, {"customer": None}, {"id": ""}, {"identifiers": {"id": None}}])
def test_an_entry_that_names_nobody_is_passed_over(odd: Any) -> None:
    assert people(answer(odd, customer(id="1"))) == {ident("1"): HELD}


@pytest.mark.parametrize(
    "body", [b"", b"<html>log in</html>", b"[]", b"{}", b'{"customers": null}', b'{"customers": [null]}']
)
def test_an_answer_that_lists_no_people_is_asked_for_again(body: bytes) -> None:
    assert pause(200, body).until == "backoff"


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 524])
def test_a_failure_is_asked_for_again_when_the_reply_says(status: int) -> None:
    assert pause(status, retry_after=7.0) == Pause(f"Customer.io answered {status}", "backoff", False, 7.0)


REFUSAL = b'{"errors":[{"detail":"no","status":"400"}]}'


@pytest.mark.parametrize("status", [400, 403, 404, 422])
@pytest.mark.parametrize("body", [b"", b"<html>", b"{}", b'{"error":"no"}', b'{"errors":{}}', b'{"errors":["x"]}'])
def test_a_refusal_in_anybody_elses_words_is_asked_for_again(status: int, body: bytes) -> None:
    found = pause(status, body)
    assert (found.until, found.doubt, found.cause) == ("backoff", False, "foreign")


def test_no_answer_is_asked_for_again() -> None:
    assert pause(0, fault="no answer from 127.0.0.1: timed out").reason == "no answer from 127.0.0.1: timed out"
    assert pause(0).until == "backoff"


@pytest.mark.parametrize(
    ("status", "says"),
    [(401, "app_api_key"), (403, "app_api_key"), (400, "look up people by email"), (404, "app_url"), (302, "app_url")],
)
def test_what_asking_again_cannot_mend_waits_for_a_human_and_says_what_to_look_at(status: int, says: str) -> None:
    found = pause(status, REFUSAL)
    assert found.until == "human"
    assert says in found.reason


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b'{"errors":[{"detail":"id_type is wrong","status":"400"}]}', ": id_type is wrong"),
        (b'{"meta":{"error":"no such id_type"}}', ": no such id_type"),
    ],
)
def test_a_refusal_is_told_in_its_own_words(body: bytes, says: str) -> None:
    assert pause(400, body).reason == f"Customer.io answered 400{says}: it cannot look up people by email"


def test_two_spellings_of_an_address_are_one() -> None:
    assert lookup.normal(ident("A@Example.com", "email")) == ident("a@example.com", "email")
    assert lookup.normal(ident("A")) == ident("A")
