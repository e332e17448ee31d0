"""What the simulator shows of itself, and how it starts and stops."""

import asyncio
import json
import subprocess
import sys

import httpx
import pytest

from connector.errors import ConnectorError, SettingsError
from connector.simulator import Options, create_app, running, serve

KEYS = ("site-id", "api-key")
EMAIL = "user-1@example.com"
COMPANY = {"object_type_id": "1", "object_id": "acme"}


@pytest.fixture
def track():
    with running() as url, httpx.Client(base_url=url, auth=KEYS) as client:
        yield client


def send(client, *items):
    return client.post("/api/v2/batch", json={"batch": items})


def identify(number, **attributes):
    return {"type": "person", "action": "identify", "identifiers": {"id": str(number)}, "attributes": attributes}


def lines(client, path):
    answer = client.get(path)
    assert answer.headers["content-type"].startswith("application/x-ndjson")
    return [json.loads(line) for line in answer.text.splitlines()]


def test_people_are_shown_exactly_in_the_order_of_their_creation(track):
    attributes = {"age": 30, "vip": True, "score": 1.5, "tags": ["a", {"b": None}], "text": "\u00fc", "empty": ""}
    send(track, identify(2, email=EMAIL, **attributes), identify(1))
    send(track, {"type": "person", "action": "event", "identifiers": {"id": "2"}, "name": "x", "timestamp": 5})

    first, second = lines(track, "/_simulator/people")
    assert first == {
        "identifiers": {"id": "2", "email": EMAIL, "phone": None, "cio_id": "a3000001"},
        "attributes": attributes,
        "events": [{"id": None, "name": "x", "type": "event", "timestamp": 5, "attributes": {}}],
        "devices": [],
        "relationships": [],
        "segments": [],
        "unsubscribed": False,
    }
    assert second["identifiers"]["id"] == "1"


def test_thousands_of_people_are_shown(track):
    send(track, *(identify(number) for number in range(2500)))

    assert [one["identifiers"]["id"] for one in lines(track, "/_simulator/people")] == [str(n) for n in range(2500)]


@pytest.mark.parametrize(("name", "status"), [("1", 200), (EMAIL, 200), ("cio_a3000001", 200), ("9", 404)])
def test_one_person_is_shown_by_any_name(track, name, status):
    send(track, identify(1, email=EMAIL))

    assert track.get(f"/_simulator/people/{name}").status_code == status


def test_objects_are_shown_with_who_is_related(track):
    related = [{"identifiers": {"id": "1"}, "relationship_attributes": {"role": "owner"}}]
    thing = {"type": "object", "action": "identify", "identifiers": COMPANY, "attributes": {"a": 1}}
    send(track, {**thing, "cio_relationships": related})

    (shown,) = lines(track, "/_simulator/objects")
    assert shown["identifiers"] == {**COMPANY, "cio_object_id": "0b000001"}
    assert shown["attributes"] == {"a": 1}
    assert shown["relationships"][0]["relationship_attributes"] == {"role": "owner"}


def test_calls_are_shown_with_their_size_and_status(track):
    send(track, identify(1), identify(2))
    send(track, {"type": "person"})
    track.get("/_simulator/people")

    first, second = lines(track, "/_simulator/calls")
    assert (first["endpoint"], first["method"], first["items"], first["status"]) == ("/api/v2/batch", "POST", 2, 200)
    assert first["bytes"] > 100
    assert first["milliseconds"] > 0
    assert (second["status"], second["items"]) == (207, 1)
    assert track.get("/_simulator/calls").headers["x-total-count"] == "2"


def test_the_activity_log_is_shown_whole_or_by_type(track):
    send(track, identify(1), identify(2, _update=True))

    assert [one["type"] for one in lines(track, "/_simulator/activity")] == [
        "profile_create",
        "failed_attribute_change",
    ]
    (failed,) = lines(track, "/_simulator/activity?type=failed_attribute_change")
    assert failed["identifiers"] == {"id": "2"}


def test_the_summary_counts(track):
    send(track, identify(1), identify(2), {"type": "person", "action": "delete", "identifiers": {"id": "2"}})
    summary = track.get("/_simulator/summary").json()

    counted = {name: summary[name] for name in ("people", "created", "deleted", "calls", "items", "calls_by_status")}
    assert counted == {
        "people": 1,
        "created": 2,
        "deleted": 1,
        "calls": 1,
        "items": 3,
        "calls_by_status": {"200": 1},
    }


def test_a_reset_forgets_and_keeps_or_changes_options(track):
    track.post("/_simulator/reset", json={"mode": "id_only"})
    track.post("/_simulator/faults", json=[{"status": 500}])
    track.post("/_simulator/reset")
    send(track, identify(1, email=EMAIL), identify(2, email=EMAIL))

    assert [one["attributes"] for one in lines(track, "/_simulator/people")] == [{"email": EMAIL}] * 2


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"mode":"x"}', b'{"api_key":"x"}'])
def test_a_wrong_reset_forgets_nothing(track, body):
    send(track, identify(1))

    assert track.post("/_simulator/reset", content=body).status_code == 400
    assert len(lines(track, "/_simulator/people")) == 1


def test_the_first_page_says_what_to_try(track):
    answer = track.get("/")

    assert answer.headers["content-type"].startswith("text/plain")
    assert "/_simulator/summary" in answer.text


def test_the_application_runs_without_a_server():
    app = create_app(Options(site_id="s", api_key="k"))

    async def call():
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://simulator", auth=("s", "k")) as client:
            answer = await client.put("/api/v1/customers/a%2Fb", json={})
            people = await client.get("/_simulator/people")
        return answer.status_code, people.json()["identifiers"]["id"]

    assert asyncio.run(call()) == (200, "a/b")


def test_serve_tells_its_url_once_it_listens_and_ends_when_interrupted():
    code = (
        "from connector.simulator import serve\n"
        "serve('127.0.0.1', 0, 's', 'k', 'a', on_ready=lambda url: print(url, flush=True))\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        assert httpx.get(f"{url}/auth", auth=("s", "k")).status_code == 200
    finally:
        process.terminate()
        rest, _ = process.communicate(timeout=10)
    assert rest == ""


def test_a_taken_port_is_told():
    with running() as url, pytest.raises(ConnectorError, match="cannot listen"):
        serve("127.0.0.1", int(url.rpartition(":")[2]), "s", "k", "a")


def test_an_unknown_region_is_told():
    with pytest.raises(SettingsError):
        serve("127.0.0.1", 0, "s", "k", "a", region="mars")
