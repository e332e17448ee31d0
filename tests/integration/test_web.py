"""The HTTP doors, over HTTP: who may come in, what is taken in, what is answered when it cannot be."""

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from connector.audience.rules import Rules
from connector.runtime import Runtime
from connector.store.engine import Store
from connector.store.migrate import migrate
from connector.store.problems import kept
from connector.store.tables import metadata
from connector.web.app import create_app, served
from connector.web.server import serving
from tests.build_settings import TOKEN, build
from tests.servers import eventually
from tests.world import message, problems

Serve = Callable[..., httpx.Client]
MAX_BODY = 100_000


class Bell:
    """Notes which syncs were said to have something due."""

    def __init__(self) -> None:
        self.rung: list[set[str]] = []

    def __call__(self, syncs: Iterable[str]) -> None:
        self.rung.append(set(syncs))


@pytest.fixture
def bell() -> Bell:
    return Bell()


@pytest.fixture
def serve(bell: Bell) -> Iterator[Serve]:
    """Serves the doors over a store, and gives a client that shows the token."""
    with ExitStack() as stack:

        def start(
            store: Store, token: str | None = TOKEN, headers: dict[str, str] | None = None, **given: Any
        ) -> httpx.Client:
            settings = build(web={"token": token, "max_body_bytes": MAX_BODY})
            runtime = Runtime(settings, store, tuple(map(Rules.of, settings.syncs.values())))
            config = served(create_app(runtime, bell, **given))
            url = stack.enter_context(serving(config, "127.0.0.1", 0))
            shown = {"Authorization": f"Bearer {TOKEN}"} if headers is None else headers
            return stack.enter_context(httpx.Client(base_url=url, headers=shown, timeout=30))

        yield start


@pytest.fixture
def client(serve: Serve, store: Store) -> httpx.Client:
    """A client of doors over the test's store."""
    return serve(store)


def keys(store: Store) -> list[str]:
    with store.reading() as tx:
        return list(tx.execute(text("SELECT key FROM entity ORDER BY key")).scalars())


# ---- Who may come in -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("door", ["/v1/changes", "/v1/hull"])
@pytest.mark.parametrize(
    "given", ["", "Bearer", "Bearer wrong", f"Basic {TOKEN}", f"Bearer {TOKEN}x", TOKEN, "Bearer töken"]
)
def test_without_the_token_nothing_is_taken_in(
    serve: Serve, file_store: Store, bell: Bell, door: str, given: str
) -> None:
    client = serve(file_store, headers={})
    header = {"Authorization": given.encode("latin-1")} if given else {}
    answer = client.post(door, json=message("u1"), headers=header)

    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert "Authorization: Bearer" in answer.json()["detail"]
    assert (keys(file_store), bell.rung) == ([], [])


@pytest.fixture
def file_store(file_url: str, open_store: Callable[[str], Store]) -> Store:
    """A store of which it does not matter in what database it is."""
    return open_store(file_url)


def test_the_scheme_may_be_written_in_any_case(serve: Serve, file_store: Store) -> None:
    client = serve(file_store, headers={"Authorization": f"bearer {TOKEN}"})
    assert client.post("/v1/changes", json=message("u1")).status_code == 200


@pytest.mark.parametrize("door", ["/v1/changes", "/v1/hull"])
def test_without_a_token_in_the_settings_the_doors_are_closed(serve: Serve, file_store: Store, door: str) -> None:
    client = serve(file_store, token=None)
    answer = client.post(door, json=message("u1"))

    assert (answer.status_code, keys(file_store)) == (503, [])
    assert "CONNECTOR__WEB__TOKEN" in answer.json()["detail"]


# ---- What is taken in ------------------------------------------------------------------------------------------------

LINES = "\n".join(json.dumps(message(name)) for name in ("u1", "u2"))


@pytest.mark.parametrize(
    ("body", "taken"),
    [
        (json.dumps(message("u1")), ["u1"]),
        (json.dumps(message("u1"), indent=2), ["u1"]),
        (json.dumps([message("u1"), message("u2")]), ["u1", "u2"]),
        (json.dumps([message("u1"), message("u2")], indent=2), ["u1", "u2"]),
        (LINES, ["u1", "u2"]),
        (LINES.replace("\n", "\r\n") + "\r\n\r\n", ["u1", "u2"]),
        ("\ufeff" + json.dumps(message("u1")), ["u1"]),
        ("[]", []),
    ],
    ids=["one", "one, indented", "a list", "a list, indented", "lines", "lines of Windows", "byte order mark", "empty"],
)
def test_changes_come_as_one_as_a_list_or_as_lines(
    client: httpx.Client, store: Store, bell: Bell, body: str, taken: list[str]
) -> None:
    answer = client.post("/v1/changes", content=body.encode())

    assert (answer.status_code, answer.json()) == (200, {"changes": len(taken), "unreadable": 0, "skipped": 0})
    assert keys(store) == taken
    assert bell.rung == [{"main"} if taken else set()]


def test_a_bad_message_among_good_ones_is_kept_as_a_problem(client: httpx.Client, store: Store) -> None:
    answer = client.post("/v1/changes", json=[message("u1"), {"user": 7}, message("u2")])

    [problem] = problems(store)
    unread = {"index": 1, "reason": '"user" is not an object', "problem": problem["id"]}
    assert answer.json() == {"changes": 2, "unreadable": 1, "skipped": 0, "problems": [unread]}
    assert keys(store) == ["u1", "u2"]


def test_who_is_named_by_a_placeholder_is_a_problem_that_says_where_and_is_replayed_as_what_it_was(
    client: httpx.Client, store: Store
) -> None:
    answer = client.post("/v1/changes", json=[message("u1"), message("undefined"), message("u2")])
    [unread] = answer.json()["problems"]
    assert (unread["index"], "'undefined'" in unread["reason"]) == (1, True)

    call = {"type": "identify", "userId": "null", "messageId": "m1"}
    answer = client.post("/v1/segment", json=[{**call, "userId": "u3"}, call])
    assert [each["index"] for each in answer.json()["problems"]] == [1]
    with store.reading() as tx:
        assert {each.problem.form for each in kept(tx)} == {"native", "segment"}


def test_a_bad_line_among_good_ones_is_kept_as_a_problem(client: httpx.Client, store: Store) -> None:
    first, second = LINES.splitlines()
    answer = client.post("/v1/changes", content="\n".join([first, second[:20], second]).encode())

    assert answer.json().items() >= {"changes": 2, "unreadable": 1}.items()
    assert [unread["index"] for unread in answer.json()["problems"]] == [1]
    assert keys(store) == ["u1", "u2"]


@pytest.mark.parametrize("body", [b"", b"{", b"nonsense", b'"text"', b"7", b"null", b"\xff\xfe", b"{}{}", b"[1"])
def test_a_body_that_is_no_json_of_ours_is_refused(client: httpx.Client, store: Store, bell: Bell, body: bytes) -> None:
    answer = client.post("/v1/changes", content=body)

    assert answer.status_code == 400
    assert answer.json()["detail"].startswith("the body ")
    assert (problems(store), bell.rung) == ([], [])


@pytest.mark.parametrize("chunked", [False, True], ids=["with its length", "in chunks"])
@pytest.mark.parametrize("door", ["/v1/changes", "/v1/hull"])
def test_a_body_that_is_too_large_is_refused_unread(
    serve: Serve, file_store: Store, door: str, *, chunked: bool
) -> None:
    body = json.dumps(message("u1", plan="x" * MAX_BODY)).encode()
    parts = (body[first : first + 10_000] for first in range(0, len(body), 10_000))
    answer = serve(file_store).post(door, content=parts if chunked else body)

    assert (answer.status_code, keys(file_store)) == (413, [])
    assert f"[web] max_body_bytes, {MAX_BODY} bytes" in answer.json()["detail"]


def test_a_body_of_the_largest_size_is_taken_in(serve: Serve, file_store: Store) -> None:
    body = json.dumps(message("u1")).encode()
    answer = serve(file_store).post("/v1/changes", content=body + b" " * (MAX_BODY - len(body)))

    assert answer.status_code == 200


def test_who_gives_up_in_the_middle_of_a_body_harms_nobody(serve: Serve, file_store: Store) -> None:
    client = serve(file_store)

    def interrupted() -> Iterator[bytes]:
        yield b'[{"user": '
        raise ConnectionAbortedError

    with pytest.raises(ConnectionAbortedError):
        client.post("/v1/changes", content=interrupted())
    assert client.post("/v1/changes", json=message("u1")).status_code == 200
    assert keys(file_store) == ["u1"]


def test_only_posting_is_allowed(serve: Serve, file_store: Store) -> None:
    assert serve(file_store).get("/v1/changes").status_code == 405


# ---- Hull ------------------------------------------------------------------------------------------------------------


def notification(*users: str) -> dict[str, Any]:
    """A notification as Hull's platform sends it."""
    messages = [
        {
            "user": {"id": user, "external_id": user, "indexed_at": "2026-11-01T10:00:00Z"},
            "segments": [{"id": "s1", "name": "Paying"}],
            "account": {},
            "events": [],
            "changes": {},
        }
        for user in users
    ]
    return {"channel": "user:update", "notification_id": "n1", "messages": messages}


def test_hull_is_told_to_go_on(client: httpx.Client, store: Store, bell: Bell) -> None:
    answer = client.post("/v1/hull", json=notification("u1", "u2"))

    assert (answer.status_code, keys(store), bell.rung) == (200, ["u1", "u2"], [{"main"}])
    control = answer.json()["flow_control"]
    assert control["type"] == "next"
    assert all(control[name] > 0 for name in ("size", "in", "in_time"))


def test_hull_is_told_to_go_on_past_a_bad_message(client: httpx.Client, store: Store) -> None:
    body = notification("u1", "u2", "u3")
    body["messages"][1] = {"user": None}
    answer = client.post("/v1/hull", json=body)

    assert (answer.json()["flow_control"]["type"], keys(store)) == ("next", ["u1", "u3"])
    assert [problem["kind"] for problem in problems(store)] == ["unreadable"]


@pytest.mark.parametrize("body", [b"{", b'{"messages": 7}', b'{"channel": "account:update", "messages": []}'])
def test_hull_is_told_what_is_wrong_with_a_body(client: httpx.Client, body: bytes) -> None:
    answer = client.post("/v1/hull", content=body)

    assert (answer.status_code, answer.json()["flow_control"]["type"]) == (400, "retry")
    assert answer.json()["error"].startswith("the ")


# ---- When the store fails --------------------------------------------------------------------------------------------


@pytest.fixture
def broken(file_store: Store) -> Store:
    """A store whose tables went away."""
    with file_store.writing() as tx:
        tx.execute(text("DROP TABLE entity"))
    return file_store


def test_changes_are_asked_for_again_when_the_store_fails(serve: Serve, broken: Store, bell: Bell) -> None:
    answer = serve(broken).post("/v1/changes", json=message("u1"))

    assert (answer.status_code, answer.headers["retry-after"], bell.rung) == (503, "5", [])
    assert "send it again" in answer.json()["detail"]
    assert "entity" not in answer.text


def test_hull_is_told_to_try_again_when_the_store_fails(serve: Serve, broken: Store) -> None:
    answer = serve(broken).post("/v1/hull", json=notification("u1"))

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert answer.json()["flow_control"]["type"] == "retry"


def test_a_store_that_comes_back_is_used_again(serve: Serve, broken: Store, tmp_path: Path) -> None:
    client = serve(broken)
    assert client.post("/v1/changes", json=message("u1")).status_code == 503
    with broken.writing() as tx:
        tx.execute(text("DROP TABLE alembic_version"))
        for table in (name for name in metadata.tables if name != "entity"):
            tx.execute(text(f'DROP TABLE "{table}"'))
    migrate(broken)

    assert client.post("/v1/changes", json=message("u1")).status_code == 200


# ---- Health and description ------------------------------------------------------------------------------------------


def test_a_healthy_program_is_alive_and_ready(serve: Serve, file_store: Store) -> None:
    client = serve(file_store, headers={})

    assert [client.get(page).json() for page in ("/healthz", "/readyz")] == [{"status": "ok"}, {"status": "ok"}]


def test_a_program_without_its_tables_is_alive_and_not_ready(
    serve: Serve, tmp_path: Path, open_store: Callable[[str], Store]
) -> None:
    client = serve(open_store(f"sqlite:///{tmp_path / 'empty.db'}"), headers={})
    answer = client.get("/readyz")

    assert client.get("/healthz").status_code == 200
    assert answer.status_code == 503
    assert "connector migrate" in answer.json()["status"]


def test_a_program_whose_database_takes_nothing_is_not_ready(
    serve: Serve, database: str, open_store: Callable[[str], Store]
) -> None:
    """As a standby that was taken for the server itself, or a server whose disk is full."""
    client = serve(open_store(f"{database}?options=-c%20default_transaction_read_only%3Don"), headers={})

    def says() -> Any:
        answer = client.get("/readyz")
        assert answer.status_code == 503
        return answer.json()["status"]

    eventually(lambda: says() == "the store cannot be written to", still=says)  # a busy machine may not answer in time


def test_a_program_whose_worker_has_ended_is_not_ready(serve: Serve, file_store: Store) -> None:
    answer = serve(file_store, works=lambda: False).get("/readyz")

    assert answer.status_code == 503
    assert "the worker of this process has ended" in answer.json()["status"]


def test_a_program_without_its_database_is_alive_and_not_ready(
    serve: Serve, open_store: Callable[[str], Store]
) -> None:
    client = serve(open_store("postgresql+psycopg://u1b:hushhush@127.0.0.1:9/nowhere"), headers={})
    answer = client.get("/readyz")

    assert (client.get("/healthz").status_code, answer.status_code) == (200, 503)
    assert "hushhush" not in answer.text


def test_the_doors_are_described(serve: Serve, file_store: Store) -> None:
    client = serve(file_store, headers={})
    described = client.get("/openapi.json").json()

    assert {"/v1/changes", "/v1/hull", "/healthz", "/readyz"} <= described["paths"].keys()
    body = described["paths"]["/v1/changes"]["post"]["requestBody"]["content"]
    assert set(body) == {"application/json", "application/x-ndjson"}
    assert client.get("/docs").status_code == 200


def test_the_description_says_how_to_show_the_token(serve: Serve, file_store: Store) -> None:
    described = serve(file_store).get("/openapi.json").json()

    schemes = described.get("components", {}).get("securitySchemes", {})
    assert [scheme["scheme"] for scheme in schemes.values()] == ["bearer"]
    assert described["paths"]["/v1/changes"]["post"]["security"]
