"""Track v1 over HTTP (docs/customerio.md#track-v1 and #the-simulator, points 1 to 4, 10, 13 to 15)."""

import json
from urllib.parse import quote

import httpx
import pytest

from connector.simulator import Options, running

KEYS = ("site-id", "api-key")
APP = {"authorization": "Bearer app-api-key"}
ULID = "01HF7YAT00QWERTYWXCVBNMQWE"
EMAIL = "user-1@example.com"


@pytest.fixture(scope="module")
def url():
    with running(Options(dynamic_segments=("Active",), app_rate_limit=0)) as url:
        yield url


@pytest.fixture
def track(url):
    with httpx.Client(base_url=url, auth=KEYS) as client:
        client.post("/_simulator/reset")
        yield client


def people(client):
    return [json.loads(line) for line in client.get("/_simulator/people").text.splitlines()]


def put(client, identifier, **attributes):
    return client.put(f"/api/v1/customers/{quote(identifier, safe='')}", json=attributes)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "/api/v1/customers/1"),
        ("DELETE", "/api/v1/customers/1"),
        ("POST", "/api/v1/customers/1/events"),
        ("POST", "/api/v1/events"),
        ("PUT", "/api/v1/customers/1/devices"),
        ("DELETE", "/api/v1/customers/1/devices/t"),
        ("POST", "/api/v1/customers/1/suppress"),
        ("POST", "/api/v1/customers/1/unsuppress"),
        ("POST", "/api/v1/merge_customers"),
        ("POST", "/api/v1/segments/1/add_customers"),
        ("POST", "/api/v1/segments/1/remove_customers"),
        ("POST", "/api/v1/forms/f/submit"),
        ("GET", "/auth"),
        ("GET", "/api/v1/accounts/region"),
    ],
)
def test_wrong_credentials_are_unauthorized(url, method, path):
    answer = httpx.request(method, url + path, auth=("site-id", "wrong"))

    assert (answer.status_code, answer.json()) == (401, {"meta": {"error": "Unauthorized request"}})


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/v1/metrics", {"delivery_id": "d", "metric": "bounced"}),
        ("/api/v1/push/events", {"delivery_id": "d", "event": "opened"}),
        ("/unsubscribe/d", {"unsubscribe": True}),
    ],
)
def test_metrics_need_no_credentials_but_a_right_body(url, path, body):
    answer = httpx.post(url + path, json=body)

    assert (answer.status_code, answer.content) == (200, b"{}\n")
    assert httpx.post(url + path, json={}).status_code == 400


def test_the_older_check_of_credentials_answers(track):
    assert track.get("/auth").json() == {"meta": {"message": "nice credentials."}}


@pytest.mark.parametrize(("region", "host"), [("us", "track.customer.io"), ("eu", "track-eu.customer.io")])
def test_the_region_is_told(region, host):
    with running(Options(region=region, environment_id=7)) as url:
        answer = httpx.get(f"{url}/api/v1/accounts/region", auth=KEYS)

    assert answer.json() == {"url": f"https://{host}", "region": region, "environment_id": 7}


def test_identify_creates_updates_and_delete_removes(track):
    answers = [
        put(track, "1"),
        put(track, "1", plan="free", _timestamp=5),
        put(track, EMAIL, id="1"),
        track.delete("/api/v1/customers/1"),
        track.delete("/api/v1/customers/1"),
    ]

    assert {(answer.status_code, answer.content) for answer in answers} == {(200, b"{}\n")}
    assert people(track) == []


@pytest.mark.parametrize("identifier", ["a+b", "a/b", "a b", "100%", "100%25", "\u00fc", "a?b#c", "+41791234567"])
def test_a_path_is_decoded_once(track, identifier):
    assert put(track, identifier).status_code == 200
    assert people(track)[0]["identifiers"]["id"] == identifier
    shown = track.get(f"/_simulator/people/{quote(identifier, safe='')}").json()
    assert shown["identifiers"]["id"] == identifier


def test_an_unencoded_plus_is_a_plus(track):
    track.put("/api/v1/customers/user+1@example.com", json={})

    assert people(track)[0]["identifiers"]["email"] == "user+1@example.com"


def test_the_cio_prefix_means_the_cio_id(track):
    put(track, "1")
    cio_id = people(track)[0]["identifiers"]["cio_id"]
    put(track, f"cio_{cio_id}", id="2", email=EMAIL)

    assert people(track)[0]["identifiers"] == {"id": "2", "email": EMAIL, "phone": None, "cio_id": cio_id}


def test_an_at_sign_is_part_of_an_id_in_an_id_only_workspace():
    with running(Options(mode="id_only")) as url, httpx.Client(base_url=url, auth=KEYS) as track:
        put(track, EMAIL)

        assert people(track)[0]["identifiers"]["id"] == EMAIL


@pytest.mark.parametrize(
    ("identifier", "body", "errors"),
    [
        ("1", {"id": "2"}, ["id attribute and identifier are not the same value"]),
        ("1", {"id": 1.5}, ["id must be a string or a number"]),
        ("1", {"id": ""}, ["id must be a string and cannot be empty"]),
        ("1", {str(n): 1 for n in range(301)}, ["attributes cannot have more than 300 attributes"]),
        ("1", {"plan": "x" * 1001}, ["plan attribute value cannot exceed 1000 bytes"]),
        ("1", {"cio_relationships": []},
         ["cio_relationships must be an object with an action and an array of relationships"]),
        ("1", {"a": "x" * 1001, "b": ["x" * 1000]},
         ["a attribute value cannot exceed 1000 bytes", "b attribute value cannot exceed 1000 bytes"]),
        ("x" * 151, {}, ["identifiers.id cannot exceed 150 bytes"]),
    ],
)  # fmt: skip
def test_what_is_wrong_with_an_identify_is_listed(track, identifier, body, errors):
    answer = put(track, identifier, **body)

    assert (answer.status_code, answer.json()) == (400, {"meta": {"errors": errors}})
    assert people(track) == []


@pytest.mark.parametrize("content", [b"", b"[]", b"{"])
def test_a_body_that_is_no_object_is_a_single_error(track, content):
    answer = track.put("/api/v1/customers/1", content=content)

    assert answer.status_code == 400
    assert "body" in answer.json()["meta"]["error"]


def test_a_malformed_cio_id_is_a_single_error(track):
    answer = put(track, "cio_a b")

    assert answer.status_code == 400
    assert "malformed" in answer.json()["meta"]["error"]


@pytest.mark.parametrize("type_", ["event", "page", "screen"])
def test_an_event_is_recorded_for_the_person(track, type_):
    body = {"name": " x ", "type": type_, "id": ULID, "timestamp": 5, "data": {"a": 1}}
    answer = track.post("/api/v1/customers/1/events", json=body)

    assert answer.content == b"{}\n"
    assert people(track)[0]["events"] == [
        {"id": ULID, "name": "x", "type": type_, "timestamp": 5, "attributes": {"a": 1}}
    ]


@pytest.mark.parametrize(
    ("body", "count"),
    [
        ({"name": ""}, 1),
        ({"name": "x" * 101}, 1),
        ({"name": "x", "data": []}, 1),
        ({"name": "x", "type": "dance"}, 1),
        ({"name": "x", "data": {"a": "x" * 100_000}}, 1),
        ({"data": "x", "timestamp": "soon"}, 3),
    ],
)
@pytest.mark.parametrize("path", ["/api/v1/customers/1/events", "/api/v1/events"])
def test_what_is_wrong_with_an_event_is_listed(track, path, body, count):
    answer = track.post(path, json=body)

    assert answer.status_code == 400
    assert len(answer.json()["meta"]["errors"]) == count


def test_event_data_may_have_100000_bytes(track):
    body = {"name": "x", "data": {"a": "x" * (100_000 - len('{"a":""}'))}}

    assert track.post("/api/v1/customers/1/events", json=body).status_code == 200


def test_anonymous_events_wait_and_invites_stay(track):
    track.post("/api/v1/events", json={"name": "viewed", "anonymous_id": "a"})
    track.post("/api/v1/events", json={"name": "invited", "data": {"recipient": EMAIL}})
    put(track, "1", anonymous_id="a")

    assert [event["name"] for event in people(track)[0]["events"]] == ["viewed"]
    (left,) = map(json.loads, track.get("/_simulator/anonymous").text.splitlines())
    assert (left["anonymous_id"], left["name"], left["attributes"]) == (None, "invited", {"recipient": EMAIL})


def test_devices_are_added_and_deleted(track):
    device = {"id": "t/1", "platform": "ios", "last_used": 5, "attributes": {"push_enabled": "true"}}
    assert track.put("/api/v1/customers/1/devices", json={"device": device}).status_code == 200
    (held,) = people(track)[0]["devices"]
    assert held == {"token": "t/1", "platform": "ios", "last_used": 5, "attributes": {"push_enabled": "true"}}

    assert track.delete("/api/v1/customers/1/devices/t%2F1").status_code == 200
    assert people(track)[0]["devices"] == []
    assert track.put("/api/v1/customers/1/devices", json={}).status_code == 400


def test_suppressed_people_are_gone_until_freed(track):
    put(track, "1", email=EMAIL)
    track.post("/api/v1/customers/1/suppress")
    assert put(track, EMAIL).status_code == 200
    assert people(track) == []

    track.post("/api/v1/customers/1/unsuppress")
    put(track, EMAIL)
    assert len(people(track)) == 1


def test_merge_joins_two_people(track):
    put(track, "1")
    put(track, "2", plan="free")
    answer = track.post("/api/v1/merge_customers", json={"primary": {"id": "1"}, "secondary": {"id": "2"}})

    assert answer.status_code == 200
    assert [one["attributes"] for one in people(track)] == [{"plan": "free"}]


def test_merge_refuses_two_names_in_the_single_envelope(track):
    body = {"primary": {"id": "1", "email": EMAIL}, "secondary": {"id": "2"}}
    answer = track.post("/api/v1/merge_customers", json=body)

    assert answer.status_code == 400
    assert answer.json()["meta"]["error"].startswith("primary")


def test_relationships_are_added_and_deleted(track):
    related = [{"identifiers": {"object_type_id": "1", "object_id": "acme"}, "relationship_attributes": {"a": 1}}]
    put(track, "1", cio_relationships={"action": "add_relationships", "relationships": related})
    (held,) = people(track)[0]["relationships"]
    assert (held["identifiers"]["object_id"], held["relationship_attributes"]) == ("acme", {"a": 1})

    answer = put(track, "1", plan="x", cio_relationships={"action": "delete_relationships", "relationships": related})
    assert answer.status_code == 200
    assert (people(track)[0]["relationships"], people(track)[0]["attributes"]) == ([], {"plan": "x"})


@pytest.mark.parametrize("data", [{"id": "1", "age": 5}, {"email": EMAIL, "age": 5}])
def test_a_form_creates_the_person_and_answers_204(track, data):
    answer = track.post("/api/v1/forms/f/submit", json={"data": data})

    assert (answer.status_code, answer.content) == (204, b"")
    assert people(track)[0]["attributes"] == {"age": "5"}


def test_a_form_needs_a_name(track):
    assert track.post("/api/v1/forms/f/submit", json={"data": {"age": "5"}}).status_code == 400


@pytest.fixture
def segment(track):
    answer = track.post("/v1/segments", headers=APP, auth=None, json={"segment": {"name": "Paying"}})
    return answer.json()["segment"]["id"]


def change(track, segment, ids, verb="add", query=""):
    return track.post(f"/api/v1/segments/{segment}/{verb}_customers{query}", json={"ids": ids})


def test_manual_segments_take_people_and_give_them_back(track, segment):
    put(track, "1", email=EMAIL)
    assert change(track, segment, ["1", "unknown"]).content == b"{}\n"
    assert people(track)[0]["segments"] == [{"id": segment, "name": "Paying"}]
    assert len(people(track)) == 1

    assert change(track, segment, [EMAIL], "remove", "?id_type=email").status_code == 200
    assert people(track)[0]["segments"] == []


@pytest.mark.parametrize(("count", "status"), [(0, 400), (1, 200), (1000, 200), (1001, 400)])
def test_a_segment_takes_one_to_a_thousand_ids(track, segment, count, status):
    assert change(track, segment, [str(n) for n in range(count)]).status_code == status


@pytest.mark.parametrize(
    ("number", "ids", "query"),
    [("1", ["1"], ""), ("99", ["1"], ""), ("x", ["1"], ""), ("2", [1], ""), ("2", "1", ""), ("2", ["1"], "?id_type=x")],
)
def test_dynamic_and_missing_segments_and_other_kinds_are_refused(track, segment, number, ids, query):
    assert segment == 2
    assert change(track, number, ids, query=query).status_code == 400
