"""`connector audit`: what somebody changed in Customer.io is told, to people and to scripts, and mended."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from tests.delivered import deliver
from tests.processes import API_KEY, SITE_ID, Ended, connector, environment, people

PAYING = {"id": "s-1", "name": "Paying"}
NAMES = ("1", "2", "3", "4")


def message(name: str, *segments: dict[str, str], at: str = "2026-09-01T10:00:00Z") -> bytes:
    user = {"id": f"u-{name}", "external_id": name, "traits_plan": "gold", "indexed_at": at}
    return json.dumps({"user": user, "segments": segments}).encode()


def behind(customerio: str, name: str, **attributes: Any) -> None:
    """Changes a person as somebody else would; without attributes they are deleted."""
    url, keys = f"{customerio}/api/v1/customers/{quote(name)}", httpx.BasicAuth(SITE_ID, API_KEY)
    answer = httpx.put(url, json=attributes, auth=keys) if attributes else httpx.delete(url, auth=keys)
    answer.raise_for_status()


def plans(customerio: str) -> dict[str, Any]:
    return {one["identifiers"]["id"]: one["attributes"].get("plan") for one in people(customerio)}


@pytest.fixture
def environ(tmp_path: Path, customerio: str) -> dict[str, str]:
    quick = {"CONNECTOR__DELIVERY__BACKOFF_SECONDS": "0.01", "CONNECTOR__DELIVERY__BACKOFF_MAX_SECONDS": "0.01"}
    return environment(tmp_path, customerio) | quick


@pytest.fixture
def delivered(environ: dict[str, str]) -> None:
    """Four people are delivered, and one more has been deleted."""
    deliver(environ, *(message(name, PAYING) for name in (*NAMES, "5")))
    deliver(environ, message("5", at="2026-09-02T10:00:00Z"))


def audit(environ: dict[str, str], *options: str) -> Ended:
    return connector("audit", "main", "--wait", "0", *options, environ=environ)


@pytest.mark.usefixtures("delivered")
def test_an_audit_that_finds_nothing_says_how_many_it_compared_and_is_listed(environ: dict[str, str]) -> None:
    ended = audit(environ)
    assert (ended.code, ended.err) == (0, "")
    assert ended.out == "main: 5 of 5 people compared, 0 drifted, 0 due again\n"
    [job] = connector("jobs", "--json", environ=environ).rows()
    assert (job["kind"], job["state"], job["done"], job["counts"]["drifted"]) == ("audit", "done", 5, 0)


@pytest.mark.usefixtures("delivered")
def test_drift_is_told_and_repaired(environ: dict[str, str], customerio: str) -> None:
    behind(customerio, "1", plan="silver")
    behind(customerio, "2")
    behind(customerio, "5", plan="free")

    shown = audit(environ)
    assert shown.code == 1
    for cells in (("attribute other", "1", "u-1", "plan", '"gold"', '"silver"'), ("missing", "1", "u-2")):
        assert any(all(cell in line for cell in cells) for line in shown.out.splitlines()), shown.out
    assert "main: 5 of 5 people compared, 3 drifted, 0 due again\n" in shown.out
    assert "connector audit --repair" in shown.err

    told = audit(environ, "--json")
    assert (told.code, told.err) == (1, "")
    *drift, summary = told.rows()
    assert sorted(drift, key=lambda each: each["user"]) == [
        {
            "user": "u-1",
            "identifier": {"id": "1"},
            "drift": "attribute other",
            "attribute": "plan",
            "delivered": "gold",
            "held": "silver",
        },
        {
            "user": "u-2",
            "identifier": {"id": "2"},
            "drift": "missing",
            "attribute": None,
            "delivered": None,
            "held": None,
        },
        {
            "user": "u-5",
            "identifier": {"id": "5"},
            "drift": "should be absent",
            "attribute": None,
            "delivered": None,
            "held": None,
        },
    ]
    kinds = {"attribute other": 1, "missing": 1, "should be absent": 1}
    assert summary == {"sync": "main", "sampled": 5, "compared": 5, "drifted": 3, "repaired": 0, "drift": kinds}

    partly = audit(environ, "--repair")
    assert (partly.code, "2 due again" in partly.out, "--repair --delete" in partly.err) == (1, True, True)
    assert audit(environ, "--repair", "--delete").code == 0
    deliver(environ)
    assert plans(customerio) == dict.fromkeys(NAMES, "gold")
    assert audit(environ).code == 0


@pytest.mark.usefixtures("delivered")
def test_a_sample_is_no_larger_than_asked(environ: dict[str, str]) -> None:
    [summary] = audit(environ, "--sample", "1", "--json").rows()
    assert (summary["sampled"], summary["compared"]) == (2, 2)


@pytest.mark.usefixtures("delivered")
def test_an_app_api_that_does_not_answer_is_told_in_a_line(environ: dict[str, str], customerio: str) -> None:
    faults = [{"path": "/v1/customers", "status": 503, "body": "<html>down</html>"}]
    httpx.post(f"{customerio}/_simulator/faults", json=faults).raise_for_status()
    ended = audit(environ)
    assert (ended.code, ended.out, len(ended.err.splitlines())) == (1, "", 1)
    assert ended.err.endswith("tries in a row, at last: Customer.io answered 503; audit again later\n")


def test_an_audit_before_anything_was_delivered_says_so(environ: dict[str, str]) -> None:
    connector("migrate", environ=environ)
    ended = audit(environ)
    assert (ended.code, ended.out) == (0, "main: 0 of 0 people compared, 0 drifted, 0 due again\n")
    assert "connector status" in ended.err


@pytest.mark.parametrize(
    ("without", "arguments", "says"),
    [
        (
            "CONNECTOR__CONNECTIONS__MAIN__APP_API_KEY",
            ["main"],
            "CONNECTOR__CONNECTIONS__MAIN__APP_API_KEY is not set: Customer.io's App API asks for it\n",
        ),
        ("", ["other"], "there is no sync 'other': the settings name main\n"),
        ("", ["main", "--delete"], "--delete says how to repair: give --repair too\n"),
    ],
    ids=["no key", "no such sync", "delete without repair"],
)
def test_what_is_wrong_with_an_order_is_told_in_a_line(
    environ: dict[str, str], without: str, arguments: list[str], says: str
) -> None:
    connector("migrate", environ=environ)
    given = {name: value for name, value in environ.items() if name != without}
    ended = connector("audit", *arguments, environ=given)
    assert (ended.code, ended.out, ended.err) == (2, "", says)
