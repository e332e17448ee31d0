"""The ways in at the doors: how bodies are packed, where the token stands, which paths libraries know, and browsers."""

import gzip
import hmac
import json
import re
import zlib
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from functools import cache
from typing import Any

import brotli
import httpx
import jsonschema
import pytest
from backports import zstd
from sqlalchemy import text

from connector.audience.rules import Rules
from connector.runtime import Runtime
from connector.store.engine import Store
from connector.web.app import create_app, served
from connector.web.segment import TYPES
from connector.web.server import serving
from tests.build_settings import TOKEN, build
from tests.processes import ROOT
from tests.world import message, problems

SECRET, OTHER_TOKEN = "a-secret", "another-token"
MAX_BODY = 2_000_000
BEARER = {"Authorization": f"Bearer {TOKEN}"}
PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": brotli.compress,
    "zstd": zstd.compress,
    "identity": bytes,
}
IDENTIFY = {"type": "identify", "userId": "u1", "traits": {"plan": "pro"}}
NATIVE, BATCH = message("u1"), {"batch": [IDENTIFY]}
HULL = {"messages": [{"user": {"id": "u1"}, "segments": [{"id": "s1", "name": "Paying"}]}]}
LYTICS = {"data": {"user_id": "1", "email": "u1@example.com"}, "meta": {"event": "enter", "audience_slug": "paying"}}
DOORS: dict[str, Any] = {
    "/v1/changes": NATIVE,
    "/v1/hull": HULL,
    "/v1/lytics": LYTICS,
    "/v1/segment": IDENTIFY,
    "/v1/segment/webhook": BATCH,
    "/v1/segment/v1/batch": BATCH,
    "/v1/segment/batch": BATCH,
    "/v1/batch": BATCH,
}
Serve = Callable[..., httpx.Client]


@pytest.fixture
def store(emptied_store: Store) -> Store:
    """A store of which it does not matter in what database it is."""
    return emptied_store


def open_doors(store: Store, **web: Any) -> AbstractContextManager[str]:
    """The doors by these settings, as long as the block lasts; their URL."""
    given = {"token": TOKEN, "segment_secret": SECRET, "max_body_bytes": MAX_BODY, **web}
    settings = build(web=given, sync={"segments": ["*"], "identifier": "id"})
    runtime = Runtime(settings, store, tuple(map(Rules.of, settings.syncs.values())))
    return serving(served(create_app(runtime, lambda _: None)), "127.0.0.1", 0)


@pytest.fixture
def serve(store: Store) -> Iterator[Serve]:
    with ExitStack() as stack:

        def start(**web: Any) -> httpx.Client:
            url = stack.enter_context(open_doors(store, **web))
            return stack.enter_context(httpx.Client(base_url=url, timeout=30))

        yield start


@pytest.fixture(scope="module")
def _usual_doors(store_of_module: Store) -> Iterator[str]:
    with open_doors(store_of_module) as url:
        yield url


@pytest.fixture
def client(_usual_doors: str, store: Store) -> Iterator[httpx.Client]:
    """A client of doors by the usual settings, with nothing behind them."""
    with httpx.Client(base_url=_usual_doors, timeout=30) as client:
        yield client


def people(store: Store) -> int:
    with store.reading() as tx:
        return int(tx.execute(text("SELECT count(*) FROM entity")).scalar_one())


def signed(body: bytes) -> dict[str, str]:
    return {"X-Signature": hmac.digest(SECRET.encode(), body, "sha1").hex()}


def basic(user: str) -> dict[str, str]:
    return {"Authorization": f"Basic {b64encode(f'{user}:'.encode()).decode()}"}


# ---- Packed bodies ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", PACKERS)
@pytest.mark.parametrize("door", DOORS)
def test_a_packed_body_is_read_at_every_door(client: httpx.Client, store: Store, door: str, encoding: str) -> None:
    body = PACKERS[encoding](json.dumps(DOORS[door]).encode())
    answer = client.post(door, content=body, headers={**BEARER, **signed(body), "Content-Encoding": encoding})
    assert (answer.status_code, people(store)) == (200, 1)


@cache
def bomb(encoding: str) -> bytes:
    """Thirty times as much as a body may be, packed once for all doors."""
    return PACKERS[encoding](b" " * (30 * MAX_BODY))


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd"])
@pytest.mark.parametrize("door", DOORS)
def test_a_bomb_is_refused_at_every_door(client: httpx.Client, store: Store, door: str, encoding: str) -> None:
    body = bomb(encoding)
    answer = client.post(door, content=body, headers={**BEARER, **signed(body), "Content-Encoding": encoding})
    assert (answer.status_code, people(store)) == (413, 0)
    assert "send it in parts" in answer.text


@pytest.mark.parametrize("door", DOORS)
def test_a_body_packed_in_another_way_is_answered_415(client: httpx.Client, door: str) -> None:
    headers = {**BEARER, **signed(b"x"), "Content-Encoding": "compress"}
    answer = client.post(door, content=b"x", headers=headers)
    assert answer.status_code == 415
    assert "gzip" in answer.text


@pytest.mark.parametrize("door", DOORS)
def test_a_body_that_is_not_packed_as_it_says_is_answered_400(client: httpx.Client, door: str) -> None:
    headers = {**BEARER, **signed(b"{}"), "Content-Encoding": "gzip"}
    answer = client.post(door, content=b"{}", headers=headers)
    assert answer.status_code == 400
    assert "the body is not gzip" in answer.text


# ---- Where the token stands ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("door", [door for door in DOORS if door != "/v1/segment/webhook"])
@pytest.mark.parametrize("headers", [BEARER, basic(TOKEN), {"X-Write-Key": TOKEN}], ids=["bearer", "basic", "header"])
def test_a_token_opens_a_door_however_a_header_shows_it(
    client: httpx.Client, store: Store, door: str, headers: dict[str, str]
) -> None:
    answer = client.post(door, json=DOORS[door], headers=headers)
    assert (answer.status_code, people(store)) == (200, 1)


@pytest.mark.parametrize("kind", ["text/plain", "text/plain;charset=UTF-8", "application/json", ""])
@pytest.mark.parametrize("body", [{**IDENTIFY, "writeKey": TOKEN}, {**BATCH, "writeKey": TOKEN}, [IDENTIFY]])
def test_a_beacon_shows_the_token_in_its_body(
    client: httpx.Client, store: Store, kind: str, body: dict[str, Any] | list[Any]
) -> None:
    given = body if isinstance(body, dict) else [{**IDENTIFY, "writeKey": TOKEN}]
    headers = {"Content-Type": kind} if kind else {}
    answer = client.post("/v1/b", content=json.dumps(given).encode(), headers=headers)
    assert (answer.status_code, answer.json(), people(store)) == (200, {"success": True}, 1)


@pytest.mark.parametrize("body", [{**IDENTIFY, "writeKey": "wrong"}, {**IDENTIFY, "writeKey": 7}, IDENTIFY, [], 7, "x"])
def test_without_a_token_in_header_or_body_nothing_is_taken_in(client: httpx.Client, store: Store, body: Any) -> None:
    answer = client.post("/v1/identify", json=body)
    assert (answer.status_code, people(store)) == (401, 0)


def test_a_wrong_token_in_a_header_is_not_made_good_by_the_body(client: httpx.Client, store: Store) -> None:
    answer = client.post("/v1/identify", json={**IDENTIFY, "writeKey": TOKEN}, headers={"X-Write-Key": "wrong"})
    assert (answer.status_code, people(store)) == (401, 0)


def test_a_large_body_must_show_its_token_in_a_header(client: httpx.Client, store: Store) -> None:
    body = {**IDENTIFY, "writeKey": TOKEN, "context": {"page": "x" * 600_000}}
    assert client.post("/v1/identify", json=body).status_code == 413
    packed = gzip.compress(json.dumps(body).encode())
    assert client.post("/v1/identify", content=packed, headers={"Content-Encoding": "gzip"}).status_code == 413
    assert people(store) == 0
    assert client.post("/v1/identify", json=body, headers=BEARER).status_code == 200


def test_each_of_several_tokens_opens_the_doors_so_that_one_can_be_changed(serve: Serve) -> None:
    both = serve(tokens={"hull": OTHER_TOKEN, "none": ""})
    named = serve(token=None, tokens={"hull": OTHER_TOKEN})
    other = {"Authorization": f"Bearer {OTHER_TOKEN}"}

    def statuses(client: httpx.Client) -> list[int]:
        return [client.post("/v1/changes", json=NATIVE, headers=each).status_code for each in (BEARER, other)]

    assert statuses(both) == [200, 200]
    assert statuses(named) == [401, 200]
    assert both.post("/v1/changes", json=NATIVE, headers={"Authorization": "Bearer"}).status_code == 401


@pytest.mark.parametrize(
    "body",
    [
        json.dumps({"type": "purchase", "writeKey": TOKEN, "context": {"again": [TOKEN]}}),
        json.dumps([{"type": "purchase", "headers": {"auth": f"Basic {TOKEN}"}}]),
        json.dumps(IDENTIFY) + '\n{"writeKey": "' + TOKEN + '"',
        json.dumps({"type": "identify", "userId": "undefined", "traits": {TOKEN: [TOKEN]}}),
        json.dumps({"type": "purchase", "context": {"writeKey": TOKEN, "half": "\ud800"}}),
    ],
    ids=["in the call", "deeper", "in a broken line", "of nobody", "beside half a character"],
)
def test_a_token_in_what_is_kept_as_a_problem_is_masked(client: httpx.Client, store: Store, body: str) -> None:
    assert client.post("/v1/segment", content=body.encode(), headers=BEARER).status_code == 200
    [problem] = problems(store)
    assert TOKEN not in json.dumps(problem, default=str)
    assert "***" in json.dumps(problem, default=str) or "writeKey" not in json.dumps(problem, default=str)


@pytest.mark.parametrize("door", DOORS)
def test_half_a_character_in_a_message_that_cannot_be_read_costs_only_that_message(
    client: httpx.Client, store: Store, door: str
) -> None:
    good = DOORS[door]
    inner = next((name for name in ("batch", "messages") if name in good), None)
    bad = {"type": "purchase", "half": "\ud800"}
    body = json.dumps({inner: [bad, *good[inner]]} if inner else [bad, good]).encode()
    assert client.post(door, content=body, headers={**BEARER, **signed(body)}).status_code == 200
    assert (people(store), len(problems(store))) == (1, 1)


# ---- The paths of libraries ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("type", TYPES)
@pytest.mark.parametrize("below", ["/v1/", "/v1/segment/", "/v1/segment/v1/"])
@pytest.mark.parametrize("end", ["", "/"])
def test_calls_are_taken_at_every_path_that_libraries_know(
    client: httpx.Client, store: Store, below: str, type: str, end: str
) -> None:
    one = {"userId": "u1", "event": "Signed up", "groupId": "g1", "previousId": "u0"}
    body = {"batch": [{**one, "type": "track"}]} if TYPES[type] == "batch" else one
    answer = client.post(f"{below}{type}{end}", json=body, headers=basic(TOKEN))
    assert (answer.status_code, answer.json()) == (200, {"success": True})
    assert (people(store) >= 1, problems(store)) == (True, [])


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("path", ["/{}", "{}/", "//{}//"], ids=["in front", "at the end", "many"])
def test_a_slash_too_many_in_a_url_leads_to_the_same_door(
    client: httpx.Client, store: Store, door: str, path: str
) -> None:
    body = json.dumps(DOORS[door]).encode()
    url = f"{str(client.base_url).rstrip('/')}{path.format(door)}"
    assert client.post(url, content=body, headers={**BEARER, **signed(body)}).status_code == 200
    assert people(store) == 1


@pytest.mark.parametrize("door", DOORS)
def test_a_byte_order_mark_before_a_body_is_no_part_of_it(client: httpx.Client, store: Store, door: str) -> None:
    body = b"\xef\xbb\xbf" + json.dumps(DOORS[door]).encode()
    assert client.post(door, content=body, headers={**BEARER, **signed(body)}).status_code == 200
    assert (people(store), problems(store)) == (1, [])


@pytest.mark.parametrize(
    "body",
    [
        [{"userId": "u1", "traits": {}}, {"userId": "u2", "traits": {}}],
        {"batch": [IDENTIFY, {**IDENTIFY, "userId": "u2"}]},
        [IDENTIFY, {"batch": [{**IDENTIFY, "userId": "u2"}]}],
    ],
    ids=["a list of calls without a type", "a batch", "a call and a batch"],
)
def test_more_than_one_call_comes_at_the_path_of_one(client: httpx.Client, store: Store, body: Any) -> None:
    answer = client.post("/v1/identify", json=body, headers=BEARER)
    assert (answer.json(), people(store), problems(store)) == ({"success": True}, 2, [])


def test_what_a_library_tells_of_itself_is_answered_and_not_taken_in(client: httpx.Client, store: Store) -> None:
    body = {"series": [{"type": "Counter", "metric": "sent", "value": 1, "tags": {}}]}
    answer = client.post("/v1/m", json=body, headers=BEARER)
    assert (answer.status_code, answer.json(), people(store)) == (200, {"success": True}, 0)


# ---- Browsers --------------------------------------------------------------------------------------------------------

SITE = "https://www.example.com"
PREFLIGHT = {
    "Origin": SITE,
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization,content-type",
}


def test_a_page_of_an_allowed_site_may_send(serve: Serve, store: Store) -> None:
    client = serve(cors_origins=[SITE])
    asked = client.options("/v1/b", headers=PREFLIGHT)
    assert (asked.status_code, asked.headers["access-control-allow-origin"]) == (200, SITE)
    assert "authorization" in asked.headers["access-control-allow-headers"].lower()
    for sent in (BEARER, {"Authorization": "Bearer wrong"}):
        answer = client.post("/v1/t", json={"userId": "u1", "event": "A"}, headers={"Origin": SITE, **sent})
        assert answer.headers["access-control-allow-origin"] == SITE
    assert people(store) == 1


@pytest.mark.parametrize("allowed", [[], ["https://other.example.com"]])
def test_a_page_of_another_site_may_not(serve: Serve, allowed: list[str]) -> None:
    client = serve(cors_origins=allowed)
    asked = client.options("/v1/b", headers=PREFLIGHT)
    assert asked.status_code in (400, 405)
    assert "access-control-allow-origin" not in asked.headers


# ---- What is answered ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "body", "headers", "status", "code"),
    [
        ("/v1/changes", b"{", BEARER, 400, "bad_request"),
        ("/v1/changes", b"{}", {}, 401, "unauthorized"),
        ("/v1/nothing", b"{}", BEARER, 404, "not_found"),
        ("/nothing", b"{}", BEARER, 404, "not_found"),
        ("/healthz", b"{}", BEARER, 405, "method_not_allowed"),
        ("/v1/batch", b" " * (MAX_BODY + 1), BEARER, 413, "request_entity_too_large"),
    ],
)
def test_a_refusal_says_what_is_wrong_where_libraries_look_for_it(
    client: httpx.Client, path: str, body: bytes, headers: dict[str, str], status: int, code: str
) -> None:
    answer = client.post(path, content=body, headers=headers)
    told = answer.json()
    assert (answer.status_code, told["code"]) == (status, code)
    assert told["message"] == told["detail"]
    assert len(told["message"]) > 5


@pytest.mark.parametrize("door", ["/v1/changes", "/v1/batch"])
def test_a_failure_of_ours_is_told_in_the_same_form(
    client: httpx.Client, monkeypatch: pytest.MonkeyPatch, door: str
) -> None:
    monkeypatch.setattr("connector.web.intake.accept", lambda *_, **__: 1 / 0)
    answer = client.post(door, json=DOORS[door], headers=BEARER)
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_server_error")
    assert answer.json()["message"] == answer.json()["detail"]


def test_a_library_is_told_which_call_could_not_be_read_and_why(client: httpx.Client, store: Store) -> None:
    body = {"batch": [IDENTIFY, {"type": "purchase"}, IDENTIFY]}
    answer = client.post("/v1/batch", json=body, headers=BEARER).json()
    [problem] = problems(store)
    unread = {"index": 1, "reason": problem["reason"], "problem": problem["id"]}
    assert answer == {"success": True, "unreadable": 1, "problems": [unread]}


def test_what_no_sync_acts_upon_is_counted_apart(client: httpx.Client) -> None:
    visitor = {"type": "identify", "anonymousId": "v1", "traits": {"plan": "pro"}}
    answer = client.post("/v1/segment", json=[IDENTIFY, visitor, visitor], headers=BEARER)
    assert answer.json() == {"changes": 3, "unreadable": 0, "skipped": 2}


def test_of_many_that_could_not_be_read_the_first_hundred_are_named(client: httpx.Client) -> None:
    answer = client.post("/v1/changes", json=[7] * 500, headers=BEARER).json()
    assert (answer["unreadable"], [each["index"] for each in answer["problems"]]) == (500, [*range(100)])


# ---- What is said of the doors ---------------------------------------------------------------------------------------


@pytest.fixture
def document(client: httpx.Client) -> dict[str, Any]:
    found: dict[str, Any] = client.get("/openapi.json").json()
    return found


@pytest.mark.parametrize("door", DOORS)
def test_openapi_has_the_form_that_a_door_takes(document: dict[str, Any], door: str) -> None:
    path = re.sub(r"/batch$", "/{type}", door)
    schema = document["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"]
    validator = jsonschema.Draft202012Validator({**schema, "components": document["components"]})
    for body in (DOORS[door], [DOORS[door]] * 2):
        validator.validate(body)
    assert list(validator.iter_errors(7))


def test_the_form_of_native_messages_is_the_one_in_the_documents(document: dict[str, Any]) -> None:
    ours = (ROOT / "connector" / "web" / "schemas" / "native.json").read_text()
    assert ours == (ROOT / "docs" / "native.schema.json").read_text()
    assert "NativeMessage" in document["components"]["schemas"]


def test_every_reference_in_openapi_leads_somewhere(document: dict[str, Any]) -> None:
    names = set(re.findall(r'"#/components/schemas/([^"/]+)', json.dumps(document)))
    assert names
    assert names <= document["components"]["schemas"].keys()


def test_openapi_has_every_status(document: dict[str, Any]) -> None:
    for door in DOORS:
        operation = document["paths"][re.sub(r"/batch$", "/{type}", door)]["post"]
        assert operation["responses"].keys() >= {"200", "400", "401", "408", "413", "415", "500", "503"}, door
        assert "422" not in operation["responses"]


def test_the_page_of_the_doors_loads_nothing_and_runs_nothing(client: httpx.Client) -> None:
    answer = client.get("/docs")
    assert answer.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert not re.search(r"<script|<link|<img|<iframe|src=|https?://(?!json-schema)", answer.text)
    for door in ("/v1/changes", "/v1/hull", "/v1/lytics", "/v1/segment/webhook", "/healthz"):
        assert door in answer.text
