"""The doors for the Segment spec, over HTTP, and what comes of their calls in Customer.io."""

import hmac
import json
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from connector.audience.rules import Rules
from connector.runtime import Runtime
from connector.store.engine import Store
from connector.web.app import create_app, served
from connector.web.server import serving
from tests.build_settings import TOKEN, build
from tests.simulated import Simulated
from tests.world import LATELY, World, problems

SECRET = "a-secret"
MAX_BODY = 100_000
WEB = {"token": TOKEN, "segment_secret": SECRET, "max_body_bytes": MAX_BODY}
BEARER = {"Authorization": f"Bearer {TOKEN}"}
TYPES = ("identify", "track", "page", "screen", "group", "alias", "batch")
PATHS = [f"/v1/segment/{inner}{type}" for inner in ("", "v1/") for type in TYPES]

Serve = Callable[..., httpx.Client]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Serves the doors over what a process has open, and gives a client that shows nothing by itself."""
    with ExitStack() as stack:

        def start(runtime: Runtime) -> httpx.Client:
            url = stack.enter_context(open_doors(runtime))
            return stack.enter_context(httpx.Client(base_url=url, timeout=30))

        yield start


@pytest.fixture
def store(emptied_store: Store) -> Store:
    """A store of which it does not matter in what database it is."""
    return emptied_store


def opened(store: Store, **web: Any) -> Runtime:
    settings = build(web={**WEB, **web}, sync={"segments": ["*"], "identifier": "id"})
    return Runtime(settings, store, tuple(map(Rules.of, settings.syncs.values())))


def open_doors(runtime: Runtime) -> AbstractContextManager[str]:
    """The doors over what a process has open, as long as the block lasts; their URL."""
    return serving(served(create_app(runtime, lambda _: None)), "127.0.0.1", 0)


@pytest.fixture(scope="module")
def _usual_doors(store_of_module: Store) -> Iterator[str]:
    with open_doors(opened(store_of_module)) as url:
        yield url


@pytest.fixture
def client(_usual_doors: str, store: Store) -> Iterator[httpx.Client]:
    """A client of doors by the usual settings, over the test's store."""
    with httpx.Client(base_url=_usual_doors, timeout=30) as client:
        yield client


def keys(store: Store) -> list[str]:
    with store.reading() as tx:
        return list(tx.execute(text("SELECT key FROM entity ORDER BY key")).scalars())


def identify(user: str, **fields: Any) -> dict[str, Any]:
    return {"type": "identify", "userId": user, "traits": {"plan": "pro"}, **fields}


def basic(user: str, password: str = "") -> dict[str, str]:
    return {"Authorization": f"Basic {b64encode(f'{user}:{password}'.encode()).decode()}"}


def signed(body: bytes, secret: str = SECRET) -> dict[str, str]:
    return {"X-Signature": hmac.digest(secret.encode(), body, "sha1").hex()}


# ---- Who may come in -------------------------------------------------------------------------------------------------


WRITE_KEY = basic(TOKEN)
SMALL = {name: value.replace("Basic", "basic") for name, value in WRITE_KEY.items()}


@pytest.mark.parametrize("headers", [BEARER, WRITE_KEY, SMALL], ids=["bearer", "write key", "scheme in small letters"])
def test_a_library_shows_the_token_as_bearer_or_as_write_key(
    client: httpx.Client, store: Store, headers: dict[str, str]
) -> None:
    answer = client.post("/v1/segment/v1/batch", json={"batch": [identify("u1")]}, headers=headers)
    assert (answer.status_code, answer.json(), keys(store)) == (200, {"success": True}, ["u1"])


@pytest.mark.parametrize("path", ["/v1/segment/v1/batch", "/v1/segment/identify"])
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer wrong"},
        {"Authorization": "Basic"},
        {"Authorization": f"Basic {TOKEN}"},
        {"Authorization": "Basic täken".encode("latin-1")},
        basic("wrong"),
        basic("", TOKEN),
        basic(TOKEN, TOKEN),
        basic(f"{TOKEN}x"),
    ],
)
def test_without_the_token_a_library_is_refused(
    client: httpx.Client, store: Store, path: str, headers: dict[str, Any]
) -> None:
    answer = client.post(path, json=identify("u1"), headers=headers)
    assert (answer.status_code, keys(store)) == (401, [])
    assert answer.headers["www-authenticate"] in ("Basic", "Bearer")


@pytest.mark.parametrize("headers", [{}, basic("wrong"), {"Authorization": "Bearer wrong"}, {"X-Write-Key": "wrong"}])
def test_the_door_for_calls_wants_the_token(client: httpx.Client, store: Store, headers: dict[str, str]) -> None:
    answer = client.post("/v1/segment", json=identify("u1"), headers=headers)
    assert (answer.status_code, keys(store)) == (401, [])


@pytest.mark.parametrize("path", ["/v1/segment", "/v1/segment/v1/identify", "/v1/segment/batch"])
@pytest.mark.parametrize("headers", [BEARER, basic(TOKEN)])
def test_without_a_token_in_the_settings_the_doors_are_closed(
    serve: Serve, store: Store, path: str, headers: dict[str, str]
) -> None:
    answer = serve(opened(store, token=None)).post(path, json=identify("u1"), headers=headers)
    assert (answer.status_code, keys(store)) == (503, [])
    assert "CONNECTOR__WEB__TOKEN" in answer.json()["detail"]


# ---- The webhook -----------------------------------------------------------------------------------------------------

SIGNED = json.dumps(identify("u1"), indent=1).encode()


@pytest.mark.parametrize("written", [str.lower, str.upper], ids=["lower case", "upper case"])
def test_a_signed_body_is_taken_in(client: httpx.Client, store: Store, written: Callable[[str], str]) -> None:
    header = {name: written(value) for name, value in signed(SIGNED).items()}
    answer = client.post("/v1/segment/webhook", content=SIGNED, headers=header)
    assert (answer.status_code, answer.json(), keys(store)) == (200, {"success": True}, ["u1"])


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Signature": ""},
        {"X-Signature": "0" * 40},
        {"X-Signature": "sïgned".encode("latin-1")},
        {"X-Signature": hmac.digest(SECRET.encode(), SIGNED, "sha256").hex()},
        signed(SIGNED + b" "),
        signed(SIGNED, "another"),
        BEARER,
        basic(TOKEN),
    ],
)
def test_a_body_that_is_not_signed_with_the_secret_is_refused(
    client: httpx.Client, store: Store, headers: dict[str, Any]
) -> None:
    answer = client.post("/v1/segment/webhook", content=SIGNED, headers=headers)
    assert (answer.status_code, keys(store)) == (401, [])
    assert SECRET not in answer.text
    assert "X-Signature" in answer.json()["detail"]


def test_without_a_secret_in_the_settings_the_webhook_is_closed(serve: Serve, store: Store) -> None:
    client = serve(opened(store, segment_secret=None))
    answer = client.post("/v1/segment/webhook", content=SIGNED, headers={**signed(SIGNED), **BEARER})
    assert (answer.status_code, keys(store)) == (503, [])
    assert "CONNECTOR__WEB__SEGMENT_SECRET" in answer.json()["detail"]


# ---- What is taken in ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", PATHS)
def test_the_path_gives_the_type_of_a_call_without_one(client: httpx.Client, store: Store, path: str) -> None:
    member = {"userId": "u1", "event": "Signed up", "groupId": "g1"}
    body = {"batch": [{**member, "type": "track"}]} if path.endswith("batch") else member
    answer = client.post(path, json=body, headers=basic(TOKEN))

    assert (answer.status_code, answer.json()["success"]) == (200, True)
    assert keys(store) == ([] if path.endswith("alias") else ["u1"])
    reasons = [problem["reason"] for problem in problems(store)]
    assert reasons == (["the alias has no previousId, or no userId"] if path.endswith("alias") else [])


@pytest.mark.parametrize(
    "body",
    [
        {"batch": [identify("u1"), {"userId": "u2"}, identify("u3")]},
        [identify("u1"), 5, identify("u3")],
        "\n".join([json.dumps(identify("u1")), '{"type": ', json.dumps(identify("u3"))]),
    ],
    ids=["a batch", "a list", "lines"],
)
def test_a_bad_member_is_kept_as_a_problem_beside_good_ones(client: httpx.Client, store: Store, body: Any) -> None:
    content = (body if isinstance(body, str) else json.dumps(body)).encode()
    answer = client.post("/v1/segment", content=content, headers=BEARER)

    [problem] = problems(store)
    unread = {"index": 1, "reason": problem["reason"], "problem": problem["id"]}
    told = {"changes": 2, "unreadable": 1, "skipped": 0, "problems": [unread]}
    assert (answer.status_code, answer.json()) == (200, told)
    assert keys(store) == ["u1", "u3"]


def test_the_write_key_in_a_bad_message_is_not_kept(client: httpx.Client, store: Store) -> None:
    answer = client.post("/v1/segment/v1/track", json={"userId": "u1", "writeKey": TOKEN}, headers=basic(TOKEN))

    assert answer.status_code == 200
    (problem,) = problems(store)
    assert problem["reason"] == "the event has no name"
    assert TOKEN not in json.dumps(problem)


@pytest.mark.parametrize("path", ["/v1/segment", "/v1/segment/v1/batch", "/v1/segment/webhook"])
@pytest.mark.parametrize("body", [b"", b"{", b"7", b'"text"'])
def test_a_body_that_is_no_json_of_ours_is_refused(client: httpx.Client, store: Store, path: str, body: bytes) -> None:
    answer = client.post(path, content=body, headers={**BEARER, **signed(body)})
    assert (answer.status_code, problems(store)) == (400, [])
    assert answer.json()["detail"].startswith("the body ")


@pytest.mark.parametrize("chunked", [False, True], ids=["with its length", "in chunks"])
@pytest.mark.parametrize("path", ["/v1/segment", "/v1/segment/v1/identify", "/v1/segment/webhook"])
def test_a_body_that_is_too_large_is_refused_unread(
    client: httpx.Client, store: Store, path: str, *, chunked: bool
) -> None:
    body = json.dumps(identify("u1", context={"page": "x" * MAX_BODY})).encode()
    parts = (body[first : first + 10_000] for first in range(0, len(body), 10_000))
    answer = client.post(path, content=parts if chunked else body, headers={**BEARER, **signed(body)})

    assert (answer.status_code, keys(store)) == (413, [])
    assert f"[web] max_body_bytes, {MAX_BODY} bytes" in answer.json()["detail"]


def test_other_paths_are_no_types(client: httpx.Client) -> None:
    answer = client.post("/v1/segment/v1/purchase", json=identify("u1"), headers=BEARER)
    assert answer.status_code == 404
    assert "identify, track" in answer.json()["message"]


@pytest.mark.parametrize("path", ["/v1/segment", "/v1/segment/v1/identify", "/v1/segment/webhook"])
def test_calls_are_asked_for_again_when_the_store_fails(
    serve: Serve, file_url: str, open_store: Callable[[str], Store], path: str
) -> None:
    store = open_store(file_url)
    with store.writing() as tx:
        tx.execute(text("DROP TABLE entity"))
    answer = serve(opened(store)).post(path, content=SIGNED, headers={**BEARER, **signed(SIGNED)})

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert "send it again" in answer.json()["detail"]


def test_the_doors_are_described(client: httpx.Client) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    assert {"/v1/segment", "/v1/segment/webhook", "/v1/segment/v1/{type}", "/v1/segment/{type}"} <= paths.keys()


# ---- On the wire -----------------------------------------------------------------------------------------------------

MakeWorld = Callable[..., World]
ATTRIBUTES = ["first_name", "last_name", "email", "plan", "created_at", "account.name", "account.plan", "account.id"]
SYNC = {"segments": ["*"], "events": ["*"], "attributes": ATTRIBUTES, "segment_attribute": "hull_segment"}


def said(type: str, second: int, **fields: Any) -> dict[str, Any]:
    """A call made so many seconds after `LATELY`."""
    at = datetime.fromtimestamp(LATELY + second, UTC).isoformat().replace("+00:00", ".500Z")
    return {"type": type, "messageId": f"m{second}", "timestamp": at, "projectId": "p1", **fields}


def story(who: dict[str, Any]) -> list[dict[str, Any]]:
    """An identify, and what the same person does then: with the e-mail beside it, as vendors show it, and without."""
    traits = {"first_name": "F1", "last_name": "L1", "email": "u1@example.com", "plan": "premium"}
    with_email = {**who, "email": "u1@example.com"}
    return [
        said("identify", 1, traits=traits, created_at="1679407797", **who),
        said("track", 2, event="enrolled", properties={"class_code": "c1"}, **with_email),
        said("page", 3, name="home", properties={"url": "https://www.example.com"}, **with_email),
        said("screen", 4, name="home", properties={}, **who),
        said("group", 5, groupId="g1", traits={"name": "G1", "plan": "enterprise"}, **who),
    ]


HELD = {
    "first_name": "F1",
    "last_name": "L1",
    "plan": "premium",
    "created_at": "1679407797",
    "account_name": "G1",
    "account_plan": "enterprise",
    "account_id": "g1",
}
DONE = [("enrolled", "event"), ("home", "page"), ("home", "screen")]


@pytest.mark.parametrize("identifier", ["id", "external_id"])
def test_calls_land_as_a_person_with_attributes_and_events_once_by_id(
    make_world: MakeWorld, simulator: Simulated, serve: Serve, identifier: str
) -> None:
    world = make_world(web=WEB, sync={**SYNC, "identifier": identifier})
    client = serve(world.runtime)
    for each in [*story({"userId": "u1"}), *story({"userId": "u1"})]:
        assert client.post("/v1/segment", json=each, headers=BEARER).json() == {
            "changes": 1,
            "unreadable": 0,
            "skipped": 0,
        }
        world.settle()

    (person,) = simulator.whole_people()
    assert person["identifiers"].items() >= {"id": "u1", "email": "u1@example.com"}.items()
    assert person["attributes"].items() >= HELD.items()
    assert "hull_segment" not in person["attributes"]
    assert [(event["name"], event["type"]) for event in simulator.events("u1")] == DONE
    assert [event["timestamp"] for event in simulator.events("u1")] == [LATELY + second for second in (2, 3, 4)]
    assert world.problems() == []


@pytest.mark.parametrize("who", [{"userId": "u1"}, {"email": "u1@example.com"}], ids=["user id", "e-mail alone"])
def test_calls_land_once_by_email_in_one_batch(
    make_world: MakeWorld, simulator: Simulated, serve: Serve, who: dict[str, Any]
) -> None:
    sync = {**SYNC, "identify_by": "email", "identifier": "email", "attributes": ATTRIBUTES[:2] + ATTRIBUTES[3:]}
    world = make_world(web=WEB, sync=sync)
    client = serve(world.runtime)
    body = {"batch": [*story(who), *story(who)], "sentAt": said("batch", 9)["timestamp"]}
    for _ in range(2):
        assert client.post("/v1/segment/v1/batch", json=body, headers=basic(TOKEN)).json() == {"success": True}
        world.settle()

    (person,) = simulator.whole_people()
    assert person["identifiers"]["email"] == "u1@example.com"
    assert person["attributes"].items() >= HELD.items()
    assert [(event["name"], event["type"]) for event in person["events"]] == DONE


def test_a_track_about_somebody_new_makes_a_person_with_the_event(
    make_world: MakeWorld, simulator: Simulated, serve: Serve
) -> None:
    world = make_world(web=WEB, sync={**SYNC, "identifier": "id"})
    body = json.dumps(said("track", 1, userId="u1", event="enrolled", email="u1@example.com")).encode()
    assert serve(world.runtime).post("/v1/segment/webhook", content=body, headers=signed(body)).is_success
    world.settle()

    (person,) = simulator.whole_people()
    assert person["identifiers"].items() >= {"id": "u1", "email": "u1@example.com"}.items()
    assert [event["name"] for event in person["events"]] == ["enrolled"]


def moved_by_event(*, inside: bool, second: int) -> dict[str, Any]:
    event = "Audience Entered" if inside else "Audience Exited"
    return said("track", second, userId="u1", event=event, properties={"audience_key": "key-1"})


def moved_by_trait(*, inside: bool, second: int) -> dict[str, Any]:
    personas = {"computation_class": "audience", "computation_key": "key-1"}
    return said("identify", second, userId="u1", traits={"key-1": inside}, context={"personas": personas})


@pytest.mark.parametrize("moved", [moved_by_event, moved_by_trait])
def test_an_audience_brings_somebody_in_with_what_was_said_before_and_takes_them_out(
    make_world: MakeWorld, simulator: Simulated, serve: Serve, moved: Callable[..., dict[str, Any]]
) -> None:
    sync = {**SYNC, "identifier": "id", "segments": ["key-1"], "events": ["enrolled"], "on_exit": "delete"}
    world = make_world(web=WEB, sync=sync)
    client = serve(world.runtime)

    def tell(body: dict[str, Any]) -> None:
        assert client.post("/v1/segment/v1/batch", json={"batch": [body]}, headers=BEARER).is_success
        world.settle()

    tell(said("identify", 1, userId="u1", traits={"plan": "premium"}))
    assert simulator.people() == {}
    tell(moved(inside=True, second=2))
    tell(said("track", 3, userId="u1", event="enrolled"))
    assert simulator.people()["u1"].items() >= {"plan": "premium", "hull_segment": ["key-1"]}.items()
    assert simulator.event_names("u1") == ["enrolled"]
    tell(moved(inside=False, second=4))
    assert simulator.people() == {}


def test_a_visitor_becomes_the_person_they_identify_as(
    make_world: MakeWorld, simulator: Simulated, serve: Serve
) -> None:
    world = make_world(web=WEB, sync={**SYNC, "identifier": "id", "anonymous_events": True})
    client = serve(world.runtime)
    calls = [
        said("page", 1, anonymousId="v1", properties={"url": "https://www.example.com"}),
        said("identify", 2, anonymousId="v1", userId="u1", traits={"plan": "premium"}),
    ]
    for each in calls:
        assert client.post("/v1/segment", json=each, headers=BEARER).is_success
        world.settle()

    assert simulator.event_names("u1") == ["https://www.example.com"]
    assert simulator.anonymous() == []


def test_a_person_unsubscribes_and_comes_back(make_world: MakeWorld, simulator: Simulated, serve: Serve) -> None:
    world = make_world(web=WEB, sync={**SYNC, "identifier": "id", "attributes": ["email", "unsubscribed"]})
    client = serve(world.runtime)
    for second, unsubscribed in enumerate((True, False), 1):
        traits = {"email": "u1@example.com", "unsubscribed": unsubscribed}
        call = said("identify", second, userId="u1", traits=traits)
        assert client.post("/v1/segment", json=call, headers=BEARER).is_success
        world.settle()
        (person,) = simulator.whole_people()
        assert person["unsubscribed"] is unsubscribed


def test_digits_beside_an_identify_become_a_date_that_customerio_compares(
    make_world: MakeWorld, simulator: Simulated, serve: Serve
) -> None:
    attributes = [{"from": "created_at", "transform": ["number"]}]
    world = make_world(web=WEB, sync={**SYNC, "identifier": "id", "attributes": attributes})
    call = said("identify", 1, userId="u1", created_at="1679407797")
    assert serve(world.runtime).post("/v1/segment", json=call, headers=BEARER).is_success
    world.settle()
    assert simulator.people()["u1"]["created_at"] == 1679407797


BUYS = [
    {"when": {"event": "Heartbeat"}, "do": "ignore"},
    {
        "when": {"event": "Bought", "where": [{"field": "properties.first", "is": True}]},
        "do": "enter_segment",
        "map": {"segment": {"value": "Paying"}},
    },
    {
        "when": {"event": "Bought"},
        "do": "track",
        "map": {"name": {"value": "Purchase"}, "properties": {"total": "properties.revenue"}},
    },
    {"when": {"event": "Bought"}, "do": "identify", "map": {"attributes": {"last_total": "properties.revenue"}}},
    {"when": {"event": "Account Closed"}, "do": "delete_person"},
]


def test_a_syncs_own_actions_say_what_its_calls_do(make_world: MakeWorld, simulator: Simulated, serve: Serve) -> None:
    sync = {"segments": ["Paying"], "identifier": "id", "attributes": ["plan", "last_total"], "events": ["*"]}
    world = make_world(web=WEB, sync={**sync, "actions": BUYS})
    client = serve(world.runtime)

    def tell(*calls: dict[str, Any]) -> None:
        assert client.post("/v1/segment", json=list(calls), headers=BEARER).is_success
        world.settle()

    tell(said("identify", 1, userId="u1", traits={"plan": "team"}), said("track", 2, userId="u1", event="Bought"))
    assert simulator.people() == {}
    bought = said("track", 3, userId="u1", event="Bought", properties={"first": True, "revenue": 5, "card": "x"})
    tell(bought, said("track", 4, userId="u1", event="Heartbeat"), said("track", 5, userId="u2", event="Heartbeat"))
    tell(bought)
    assert simulator.people()["u1"].items() >= {"plan": "team", "last_total": 5}.items()
    assert [(each["name"], each["attributes"]) for each in simulator.events("u1")] == [("Purchase", {"total": 5})]
    assert world.tallies()["skipped: no action takes the call"] == 2
    assert keys(world.store) == ["u1"]
    tell(said("track", 6, userId="u1", event="Account Closed"), said("track", 7, userId="u1", event="Heartbeat"))
    assert simulator.people() == {}
    assert world.problems() == []


def test_what_an_action_could_not_do_is_a_problem_and_the_rest_lands(
    make_world: MakeWorld, simulator: Simulated, serve: Serve
) -> None:
    action = {"when": {"type": "track"}, "do": "add_device", "map": {"token": "properties.token"}}
    world = make_world(web=WEB, sync={**SYNC, "identifier": "id", "actions": [action]})
    call = said("track", 1, userId="u1", event="enrolled")
    assert serve(world.runtime).post("/v1/segment", json=[call, call], headers=BEARER).is_success
    world.settle()

    assert simulator.event_names("u1") == ["enrolled"]
    reason = 'actions[0] (add_device) is not done: the call has no "token" for it'
    assert world.problems() == [("action", "u1", reason)]


def test_a_group_call_makes_an_object_and_relates_the_user_to_it(
    serve: Serve, store: Store, simulator: Simulated
) -> None:
    world = World(store, simulator, web=WEB, sync={"segments": ["*"], "identifier": "id", "objects": [
        {"type": "1", "attributes": ["name"], "relationship_attributes": ["role"]},
    ]})  # fmt: skip
    traits = {"name": "Example Ltd", "object_type_id": "1", "relationshipAttributes": {"role": "admin"}}
    call = {"userId": "u1", "groupId": "acme", "traits": traits, "messageId": "m1"}
    answer = serve(world.runtime).post("/v1/segment/v1/group", json=call, auth=(TOKEN, ""))
    world.settle()
    world.close()

    assert answer.status_code < 300
    assert simulator.objects() == {"1/acme": {"name": "Example Ltd"}}
    assert simulator.relationships() == {"u1": {"1/acme": {"role": "admin"}}}
