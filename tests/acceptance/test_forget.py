"""`connector forget`, `suppress` and `unsuppress`: a privacy request, as an operator meets it."""

import json
import os
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.delivered import deliver
from tests.processes import connector, environment, people

NAMES = ("u1", "u2")
EMAIL = "u1@example.com"
NOTHING = dict.fromkeys(
    ("people", "events", "identifiers", "problems", "call_bodies", "webhooks", "profiles", "history"), 0
)


def message(name: str, at: str = "2026-09-01T10:00:00Z", **user: Any) -> bytes:
    said = {"id": f"key-of-{name}", "external_id": name, "email": f"{name}@example.com", "indexed_at": at, **user}
    return json.dumps({"user": said, "segments": [{"id": "s-1", "name": "Paying"}]}).encode()


@pytest.fixture
def environ(tmp_path: Path, customerio: str) -> dict[str, str]:
    return environment(tmp_path, customerio)


@pytest.fixture
def delivered(environ: dict[str, str]) -> None:
    deliver(environ, *(message(name) for name in NAMES))


def held(customerio: str) -> list[str]:
    return sorted(each["identifiers"]["id"] for each in people(customerio))


@pytest.mark.usefixtures("delivered")
def test_a_receipt_for_machines_has_all_that_was_done(environ: dict[str, str], customerio: str) -> None:
    ended = connector("forget", EMAIL, "--yes", "--json", environ=environ)
    assert (ended.code, ended.err) == (0, "")
    [receipt] = ended.rows()
    [sync] = receipt.pop("syncs")
    told = sync.pop("customerio")
    ended_at = receipt.pop("at")
    assert all(0 < each.pop("at") <= ended_at for each in told)
    asked = {"action": "delete", "outcome": "confirmed", "status": 200, "reason": "", "read_back": "gone"}
    assert told == [{**asked, "identifier": {"id": "u1"}}, {**asked, "identifier": {"email": EMAIL}}]
    assert sync == {
        "sync": "main",
        "forgotten": True,
        "reason": "",
        "read_back": "gone",
        "read_back_reason": "",
        "erased": {**NOTHING, "people": 1, "identifiers": 2, "history": 2},
        "handed_on": [],
        "not_proved": [],
        "left": [],
        "others": [],
    }
    found = {
        "user": EMAIL,
        "key": "key-of-u1",
        "complete": True,
        "proved": True,
        "suppressed": False,
        "elsewhere": NOTHING,
    }
    assert receipt == found
    assert held(customerio) == ["u2"]


@pytest.mark.usefixtures("delivered")
def test_a_receipt_for_people_names_what_may_bring_them_back(environ: dict[str, str], customerio: str) -> None:
    ended = connector("forget", "u1", "--yes", "--suppress", environ=environ)
    assert ended.code == 0
    for cell in ("main", "suppress id u1", "confirmed (200)", "gone", "1 person, 2 identifiers"):
        assert cell in ended.out
    assert "key-of-u1: is forgotten\n" in ended.out
    assert "key-of-u1: Customer.io refuses them until `connector unsuppress`\n" in ended.out
    assert "upstream may send them again: then they come back" in ended.err
    deliver(environ, message("u1", "2026-09-02T10:00:00Z"))
    assert held(customerio) == ["u2"]


@pytest.mark.usefixtures("delivered")
def test_without_a_terminal_and_without_yes_nothing_is_done(environ: dict[str, str], customerio: str) -> None:
    for command in (("forget", "u1"), ("suppress", "u1", "--sync", "main")):
        ended = connector(*command, environ=environ, stdin=b"y\n")
        assert (ended.code, ended.out, len(ended.err.splitlines())) == (2, "", 1)
        assert ended.err.endswith("Nobody is at a terminal to be asked: give --yes\n")
    assert held(customerio) == ["u1", "u2"]


@pytest.mark.usefixtures("delivered")
@pytest.mark.parametrize(("answer", "code", "left"), [(b"n\n", 1, ["u1", "u2"]), (b"y\n", 0, ["u2"])])
def test_at_a_terminal_it_shows_what_it_found_and_asks(
    environ: dict[str, str], customerio: str, answer: bytes, code: int, left: list[str]
) -> None:
    terminal, stdin = os.openpty()
    os.write(terminal, answer)
    with os.fdopen(stdin, "rb") as file:
        done = connector("forget", "u1", environ=environ, stdin=file)
    os.close(terminal)
    assert "The user 'key-of-u1' is in main (held by Customer.io). Delete them in Customer.io" in done.err
    assert (done.code, held(customerio)) == (code, left)


@pytest.mark.usefixtures("delivered")
def test_what_customer_io_does_not_confirm_is_left_to_do(environ: dict[str, str], customerio: str) -> None:
    fault = {"path": "/api/v2/batch", "status": 429, "retry_after": 0, "times": 1}
    httpx.post(f"{customerio}/_simulator/faults", json=[fault]).raise_for_status()
    ended = connector("forget", "key-of-u1", "--yes", environ=environ)
    assert ended.code == 1
    assert "main: not confirmed by Customer.io: Customer.io answered 429\n" in ended.out
    assert "key-of-u1: is not forgotten yet\n" in ended.out
    assert "What is left is still here: run it again." in ended.err
    assert connector("forget", "key-of-u1", "--yes", environ=environ).code == 0
    assert held(customerio) == ["u2"]


@pytest.mark.usefixtures("delivered")
def test_suppress_and_unsuppress_say_what_was_done(environ: dict[str, str], customerio: str) -> None:
    suppressed = connector("suppress", "u1", "--sync", "main", "--yes", environ=environ)
    assert (suppressed.code, suppressed.err) == (0, "")
    assert suppressed.out == "main: u1 is suppressed: Customer.io has deleted them and ignores them\n"
    assert held(customerio) == ["u2"]

    freed = connector("unsuppress", "u1", "--sync", "main", environ=environ)
    assert (freed.code, freed.out) == (0, "main: u1 is free again: Customer.io takes what comes next\n")
    deliver(environ, message("u1", "2026-09-02T10:00:00Z", traits_plan="gold"))
    assert held(customerio) == ["u1", "u2"]


@pytest.mark.usefixtures("delivered")
@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (
            ["forget", "u9", "--yes"],
            1,
            "nobody is known as 'u9' in any sync: give the user's key upstream, id or e-mail",
        ),
        (["forget", "u1", "--yes", "--by", "name"], 2, "--by: 'name' is not accepted; give key or identifier"),
        (["forget", "u1", "--yes", "--sync", "other"], 2, "there is no sync 'other': the settings name main"),
        (["suppress", "u1", "--yes", "--sync", "other"], 2, "there is no sync 'other': the settings name main"),
        (["unsuppress", "u1", "--sync", "other"], 2, "there is no sync 'other': the settings name main"),
    ],
)
def test_what_is_wrong_with_an_order_is_told_in_a_line(
    environ: dict[str, str], arguments: list[str], code: int, says: str
) -> None:
    ended = connector(*arguments, environ=environ)
    assert (ended.code, ended.out, ended.err) == (code, "", f"{says}\n")
