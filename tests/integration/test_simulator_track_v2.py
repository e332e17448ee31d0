"""Track v2 over HTTP (docs/customerio.md#batches and #the-simulator, points 1 to 5 and 9)."""

import json

import httpx
import pytest

from connector.simulator import Options, running

KEYS = ("site-id", "api-key")
ULID = "01HF7YAT00QWERTYWXCVBNMQWE"


@pytest.fixture(scope="module")
def url():
    with running() as url:
        yield url


@pytest.fixture
def track(url):
    with httpx.Client(base_url=url, auth=KEYS) as client:
        client.post("/_simulator/reset")
        yield client


def person(number, action="identify", **rest):
    return {"type": "person", "identifiers": {"id": str(number)}, "action": action, **rest}


def batch(client, *items):
    return client.post("/api/v2/batch", json={"batch": items})


def ids(client):
    lines = client.get("/_simulator/people").text.splitlines()
    return [json.loads(line)["identifiers"]["id"] for line in lines]


@pytest.mark.parametrize("auth", [None, ("site-id", "wrong"), ("wrong", "api-key"), ("", "")])
@pytest.mark.parametrize("path", ["/api/v2/batch", "/api/v2/entity"])
def test_wrong_credentials_are_unauthorized(url, path, auth):
    answer = httpx.post(url + path, auth=auth, json={"batch": [person(1)]})

    assert (answer.status_code, answer.json()) == (401, {"meta": {"error": "Unauthorized request"}})


def test_success_is_three_bytes_of_json_without_rate_headers(track):
    answer = batch(track, person(1, attributes={}))

    assert (answer.status_code, answer.content) == (200, b"{}\n")
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    assert not [name for name in answer.headers if "rate" in name or "retry" in name or "request-id" in name]


def test_a_batch_mixes_people_objects_and_deliveries(track):
    answer = batch(
        track,
        person(1, attributes={"plan": "free"}),
        person(1, "event", name="signed up", id=ULID, attributes={"a": 1}),
        {"type": "object", "action": "identify", "identifiers": {"object_type_id": "1", "object_id": "acme"}},
        {"type": "delivery", "action": "event", "identifiers": {"id": "d"}, "name": "opened", "attributes": {}},
    )

    assert answer.status_code == 200
    summary = track.get("/_simulator/summary").json()
    assert [summary[name] for name in ("people", "events", "objects", "metrics")] == [1, 1, 1, 1]


def test_a_batch_lists_its_failures_by_index_and_field_and_applies_the_rest(track):
    answer = batch(
        track,
        person(1),
        person(2, "event", name="", timestamp="soon"),
        person(3),
        person(4, attributes={"plan": "x" * 1001}),
    )

    assert answer.status_code == 207
    errors = answer.json()["errors"]
    assert [(error["batch_index"], error["field"]) for error in errors] == [
        (1, "name"),
        (1, "timestamp"),
        (3, "attributes.plan"),
    ]
    assert all(error["reason"] and error["message"] for error in errors)
    assert ids(track) == ["1", "3"]


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"{}", b'{"batch":[]}', b'{"batch":{}}', b'{"batch":[NaN]}', b'{"batch":["\xff"]}'],
)
def test_a_batch_that_cannot_be_used_is_refused_whole(track, body):
    answer = track.post("/api/v2/batch", content=body)

    assert answer.status_code == 400
    assert answer.json()["errors"][0].keys() == {"reason", "field", "message"}


def test_an_entity_is_one_operation(track):
    assert track.post("/api/v2/entity", json=person(1)).content == b"{}\n"
    assert ids(track) == ["1"]


@pytest.mark.parametrize("content", [b"{", json.dumps(person(2, "event")).encode()])
def test_a_wrong_entity_is_refused_without_an_index(track, content):
    answer = track.post("/api/v2/entity", content=content)

    assert answer.status_code == 400
    assert answer.json()["errors"][0].keys() == {"reason", "field", "message"}


def item_of(size):
    """An event whose compact form takes so many bytes."""
    item = person(1, "event", name="x", attributes={"a": ""})
    item["attributes"]["a"] = "x" * (size - len(json.dumps(item, separators=(",", ":"))))
    return item


def body_of(size):
    """A batch body of so many bytes, each item small."""
    body = json.dumps({"batch": [item_of(25_000)] * 19}, separators=(",", ":")).encode()
    return body + b" " * (size - len(body))


@pytest.mark.parametrize(("size", "status"), [(32_000, 200), (32_001, 400)])
def test_an_item_may_have_32000_bytes(track, size, status):
    answer = batch(track, person(2), item_of(size))

    assert answer.status_code == status
    assert ids(track) == (["2", "1"] if status == 200 else [])


@pytest.mark.parametrize(("size", "status"), [(500_000, 200), (500_001, 400)])
def test_a_batch_may_have_500000_bytes(track, size, status):
    assert track.post("/api/v2/batch", content=body_of(size)).status_code == status


@pytest.mark.parametrize(("size", "status"), [(32_000, 200), (32_001, 400)])
def test_an_entity_may_have_32000_bytes(track, size, status):
    content = json.dumps(item_of(size), separators=(",", ":"))

    assert track.post("/api/v2/entity", content=content).status_code == status


def test_an_oversize_body_is_a_413_without_json_where_the_option_says_so():
    with running(Options(oversize=413)) as url:
        for answer in (
            httpx.post(f"{url}/api/v2/batch", auth=KEYS, content=body_of(500_001)),
            httpx.post(f"{url}/api/v2/batch", auth=KEYS, json={"batch": [item_of(32_001)]}),
        ):
            assert (answer.status_code, answer.headers["content-type"]) == (413, "text/html; charset=utf-8")


def test_a_repeated_event_is_accepted_once(track):
    event = person(1, "event", name="signed up", id=ULID)

    assert [batch(track, event, event).status_code, batch(track, event).status_code] == [200, 200]
    summary = track.get("/_simulator/summary").json()
    assert (summary["events"], summary["activity"]["duplicate_event"]) == (1, 2)


def test_only_posts_are_answered(track):
    assert track.get("/api/v2/batch").status_code == 405
    assert track.post("/api/v2/batch/").status_code == 404
