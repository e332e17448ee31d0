"""The App API over HTTP (docs/customerio.md#app-api and #the-simulator, points 7, 8, 12 and 13)."""

import httpx
import pytest

from connector.simulator import Options, running

APP = {"authorization": "Bearer app-api-key"}
EMAIL = "user-1@example.com"


@pytest.fixture(scope="module")
def url():
    with running(Options(app_rate_limit=0, dynamic_segments=("Active",))) as url:
        yield url


@pytest.fixture
def app(url):
    httpx.post(f"{url}/_simulator/reset")
    with httpx.Client(base_url=url, headers=APP) as client:
        yield client


def write(client, *items):
    keys = httpx.BasicAuth("site-id", "api-key")
    answer = client.post("/api/v2/batch", json={"batch": items}, auth=keys)
    assert answer.status_code == 200


def identify(client, number, **attributes):
    identifiers = {"id": str(number)}
    write(client, {"type": "person", "action": "identify", "identifiers": identifiers, "attributes": attributes})


def add_to_segment(client, segment, *ids):
    keys = httpx.BasicAuth("site-id", "api-key")
    client.post(f"/api/v1/segments/{segment}/add_customers", json={"ids": ids}, auth=keys)


def search(client, filter_, query=""):
    return client.post(f"/v1/customers{query}", json={"filter": filter_})


@pytest.mark.parametrize("key", ["", "Bearer wrong", "Basic app-api-key"])
def test_a_wrong_key_is_unauthorized(url, key):
    answer = httpx.get(f"{url}/v1/segments", headers={"authorization": key})

    assert answer.status_code == 401
    assert answer.json()["errors"][0]["status"] == "401"


def test_ten_requests_a_second_and_no_more():
    now = [100.0]
    with running(clock=lambda: now[0]) as url, httpx.Client(base_url=url, headers=APP) as app:
        answers = [app.get("/v1/segments") for _ in range(11)]
        now[0] += 1
        answers.append(app.get("/v1/segments"))

    assert [answer.status_code for answer in answers] == [200] * 10 + [429, 200]
    assert answers[10].headers["retry-after"] == "1"
    assert answers[10].json()["errors"][0]["status"] == "429"


def test_reads_lag_behind_writes_by_the_option():
    now = [100.0]
    with (
        running(Options(visibility_seconds=10), lambda: now[0]) as url,
        httpx.Client(base_url=url, headers=APP) as app,
    ):
        identify(app, 1)
        before = app.get("/v1/customers/1/attributes").status_code
        now[0] += 10
        assert (before, app.get("/v1/customers/1/attributes").status_code) == (404, 200)


def test_attributes_are_strings_with_names_and_times(app):
    identify(app, 1, email=EMAIL, age=30, vip=True, tags=["a"], plan="free")
    customer = app.get("/v1/customers/1/attributes").json()["customer"]

    cio_id = customer["identifiers"]["cio_id"]
    assert customer["identifiers"] == {"id": "1", "email": EMAIL, "cio_id": cio_id}
    given = {name: customer["attributes"][name] for name in ("id", "email", "age", "vip", "tags", "plan")}
    assert given == {"id": "1", "email": EMAIL, "age": "30", "vip": "true", "tags": '["a"]', "plan": "free"}
    assert customer["timestamps"].keys() == {"age", "vip", "tags", "plan"}
    assert (customer["unsubscribed"], customer["devices"]) == (False, [])


@pytest.mark.parametrize(("kind", "value"), [("email", "USER-1%40example.com"), ("cio_id", "a3000001")])
def test_a_person_is_found_by_any_identifier(app, kind, value):
    identify(app, 1, email=EMAIL)

    assert app.get(f"/v1/customers/{value}/attributes?id_type={kind}").json()["customer"]["id"] == "1"


@pytest.mark.parametrize(
    "path",
    ["attributes", "segments", "messages", "activities", "relationships", "subscription_preferences"],
)
def test_what_a_stranger_has_is_not_found(app, path):
    answer = app.get(f"/v1/customers/9/{path}")

    assert answer.status_code == 404
    (error,) = answer.json()["errors"]
    assert error["status"] == "404"
    assert error["detail"].startswith("not found (reference ")


def test_people_are_found_by_email(app):
    identify(app, 1, email=EMAIL)

    assert app.get("/v1/customers", params={"email": EMAIL.upper()}).json() == {
        "results": [{"id": "1", "email": EMAIL, "cio_id": "a3000001"}]
    }
    assert app.get("/v1/customers", params={"email": "nobody@example.com"}).json() == {"results": []}
    assert app.get("/v1/customers").status_code == 400


def test_an_email_may_be_several_peoples_in_an_id_only_workspace():
    with running(Options(mode="id_only")) as url, httpx.Client(base_url=url, headers=APP) as app:
        identify(app, 1, email=EMAIL)
        identify(app, 2, email=EMAIL)

        results = app.get("/v1/customers", params={"email": EMAIL}).json()["results"]
        assert [result["id"] for result in results] == ["1", "2"]


PLAN = {"attribute": {"field": "plan", "operator": "eq", "value": "paid"}}
AGE = {"attribute": {"field": "age", "operator": "exists"}}


@pytest.mark.parametrize(
    ("filter_", "ids"),
    [
        (PLAN, ["1", "3"]),
        (AGE, ["2", "3"]),
        ({"and": [PLAN, AGE]}, ["3"]),
        ({"or": [PLAN, AGE]}, ["1", "2", "3"]),
        ({"not": PLAN}, ["2"]),
        ({"segment": {"id": 2}}, ["2"]),
        ({"and": [{"not": {"segment": {"id": 2}}}, AGE]}, ["3"]),
        ({"attribute": {"field": "age", "operator": "eq", "value": 5}}, ["2"]),
    ],
)
def test_a_search_finds_whom_the_filter_matches(app, filter_, ids):
    identify(app, 1, plan="paid")
    identify(app, 2, plan="free", age=5)
    identify(app, 3, plan="paid", age=6)
    app.post("/v1/segments", json={"segment": {"name": "s"}})
    add_to_segment(app, 2, "2")

    assert search(app, filter_).json()["ids"] == ids


@pytest.mark.parametrize(
    "filter_",
    [None, {}, {"xor": []}, {"and": PLAN}, {"segment": {"id": "1"}}, {"attribute": {"field": "a", "operator": "gt"}}],
)
def test_an_unknown_filter_is_refused(app, filter_):
    assert search(app, filter_).status_code == 400


def test_a_search_comes_in_pages(app):
    for number in range(5):
        identify(app, number)

    first = search(app, {"not": PLAN}, "?limit=3").json()
    rest = search(app, {"not": PLAN}, f"?limit=3&start={first['next']}").json()
    assert (first["ids"], rest["ids"], rest["next"]) == (["0", "1", "2"], ["3", "4"], "")
    assert search(app, PLAN, "?limit=1001").status_code == 400


def test_attributes_come_in_bulk_for_up_to_a_hundred(app):
    identify(app, 1, plan="free")

    found = app.post("/v1/customers/attributes", json={"ids": ["1", "9"]}).json()["customers"]
    assert [customer["attributes"]["plan"] for customer in found] == ["free"]
    for ids in ([], ["1"] * 101, "1"):
        assert app.post("/v1/customers/attributes", json={"ids": ids}).status_code == 400


def test_segments_are_made_listed_and_deleted(app):
    made = app.post("/v1/segments", json={"segment": {"name": "Paying", "description": "who pays"}}).json()["segment"]

    assert (made["id"], made["name"], made["description"], made["type"]) == (2, "Paying", "who pays", "manual")
    listed = app.get("/v1/segments").json()["segments"]
    assert [(one["name"], one["type"]) for one in listed] == [("Active", "dynamic"), ("Paying", "manual")]
    assert app.get("/v1/segments/2").json()["segment"] == made
    assert app.delete("/v1/segments/2").status_code == 204
    assert app.get("/v1/segments/2").status_code == 404
    assert app.delete("/v1/segments/1").status_code == 400
    assert app.post("/v1/segments", json={"segment": {}}).status_code == 400


def test_a_segment_tells_its_members(app):
    app.post("/v1/segments", json={"segment": {"name": "s"}})
    for number in range(3):
        identify(app, number)
    add_to_segment(app, 2, "0", "1", "2")

    assert app.get("/v1/segments/2/customer_count").json() == {"segment_id": 2, "count": 3}
    page = app.get("/v1/segments/2/membership?limit=2").json()
    assert (page["segment_id"], page["ids"], page["next"]) == (2, ["0", "1"], "2")
    assert app.get("/v1/segments/2/membership?limit=2&start=2").json()["identifiers"] == [
        {"id": "2", "email": None, "cio_id": "a3000003"}
    ]
    assert app.get("/v1/segments/2/used_by").json()["used_by"]["campaigns"] == []
    assert [one["name"] for one in app.get("/v1/customers/1/segments").json()["segments"]] == ["s"]


def test_relationships_and_preferences_of_a_person_are_told(app):
    related = [{"identifiers": {"object_type_id": "1", "object_id": "acme"}, "relationship_attributes": {"since": 5}}]
    identify(app, 1, **{"cio_subscription_preferences.topics.topic_1": True})
    add = {"type": "person", "identifiers": {"id": "1"}, "action": "add_relationships", "cio_relationships": related}
    write(app, add)

    (row,) = app.get("/v1/customers/1/relationships").json()["cio_relationships"]
    assert (row["identifiers"]["object_id"], row["attributes"]) == ("acme", {"since": "5"})
    topics = app.get("/v1/customers/1/subscription_preferences").json()["customer"]["topics"]
    assert topics == [{"identifier": "topic_1", "subscribed": True}]
    assert app.get("/v1/customers/1/messages").json()["messages"] == []


def test_activities_tell_what_a_200_hid(app):
    identify(app, 1)
    identify(app, 2, email=EMAIL)
    identify(app, 1, email=EMAIL)

    (entry,) = app.get("/v1/activities?type=failed_attribute_change").json()["activities"]
    assert (entry["customer_id"], entry["data"]["attribute"]) == ("1", "email")
    newest_first = [one["type"] for one in app.get("/v1/activities").json()["activities"]]
    assert newest_first == ["failed_attribute_change", "profile_create", "profile_create"]
    about = app.get("/v1/customers/1/activities").json()["activities"]
    assert [one["type"] for one in about] == ["failed_attribute_change", "profile_create"]


def test_an_export_is_pending_then_done_then_downloaded(app):
    assert app.get("/v1/exports").json() == {"exports": None}
    identify(app, 1, email=EMAIL, plan="paid")
    identify(app, 2, plan="free")
    export = app.post("/v1/exports/customers", json={"filters": PLAN}).json()["export"]

    assert app.get("/v1/exports/1/download").status_code == 404
    seen = [app.get("/v1/exports/1").json()["export"]["status"] for _ in range(2)]
    assert (export["id"], seen) == (1, ["pending", "done"])
    text = httpx.get(app.get("/v1/exports/1/download").json()["url"]).text
    assert text == f"id,email,cio_id\n1,{EMAIL},a3000001\n"
    assert len(app.get("/v1/exports").json()["exports"]) == 1
    assert app.get("/v1/exports/9").status_code == 404


def test_an_export_of_deliveries_is_empty(app):
    app.post("/v1/exports/deliveries", json={})

    assert httpx.get(f"{app.base_url}/_simulator/exports/1").text == "delivery_id\n"


def test_reporting_webhooks_are_kept(app):
    hook = {"name": "hook", "endpoint": "https://hooks.example.com", "events": ["email_sent"]}
    made = app.post("/v1/reporting_webhooks", json=hook).json()

    assert (made["id"], made["disabled"]) == (1, False)
    assert app.put("/v1/reporting_webhooks/1", json={"disabled": True}).json()["disabled"] is True
    assert app.get("/v1/reporting_webhooks/1").json()["disabled"] is True
    assert len(app.get("/v1/reporting_webhooks").json()["reporting_webhooks"]) == 1
    assert app.delete("/v1/reporting_webhooks/1").status_code == 204
    assert app.get("/v1/reporting_webhooks/1").status_code == 404
    assert app.post("/v1/reporting_webhooks", json={"name": "x"}).status_code == 400


def test_addresses_and_the_workspace_are_told(app):
    identify(app, 1)

    assert app.get("/v1/info/ip_addresses").json()["ip_addresses"]
    (workspace,) = app.get("/v1/workspaces").json()["workspaces"]
    assert (workspace["id"], workspace["people"]) == (1, 1)
