"""The door for reporting webhooks: who may come in, what is kept, what is answered while nothing can be kept."""

import asyncio
import gzip
import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from connector.activity import unsigned
from connector.activity.receive import Posted, receive
from connector.activity.unsigned import tally_name
from connector.admin import problems as remedies
from connector.admin import retention
from connector.errors import ConnectorError, StoreError
from connector.runtime import Runtime
from connector.settings.retention import RetentionSettings
from connector.store import tallies
from connector.store.engine import Store
from connector.web.app import create_app, served
from connector.web.server import serving
from connector.web.unsigned_watch import ANSWER_SECONDS, UnsignedWatch
from tests.build_settings import build
from tests.servers import eventually
from tests.simulated import Simulated
from tests.webhooks import KEY, OTHER_KEY, headers, post, reported
from tests.world import problems

Serve = Callable[..., httpx.Client]
MAX_BODY = 100_000


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Serves the doors over a store, and gives a client."""
    with ExitStack() as stack:

        def start(store: Store, *keys: str) -> httpx.Client:
            settings = build(connection={"webhook_keys": keys}, web={"max_body_bytes": MAX_BODY})
            app = create_app(Runtime(settings, store, ()), lambda _: None)
            url = stack.enter_context(serving(served(app), "127.0.0.1", 0))
            return stack.enter_context(httpx.Client(base_url=url, timeout=30))

        yield start


@pytest.fixture
def client(serve: Serve, store: Store) -> httpx.Client:
    return serve(store, KEY)


@pytest.fixture
def file_store(file_url: str, open_store: Callable[[str], Store]) -> Store:
    """A store of which it does not matter in what database it is."""
    return open_store(file_url)


def kept(store: Store) -> list[str]:
    with store.reading() as tx:
        return list(tx.execute(text("SELECT event_id FROM webhook ORDER BY event_id")).scalars())


def counted(store: Store, connection: str = "main") -> dict[str, int]:
    with store.reading() as tx:
        return tallies.tallies(tx, tally_name(connection))


async def until(true: Callable[[], bool]) -> None:
    """Waits for it, beside what else the event loop does."""
    await asyncio.to_thread(eventually, true)


# ---- What is kept ----------------------------------------------------------------------------------------------------


def test_a_signed_webhook_is_kept_once_however_often_it_comes(client: httpx.Client, store: Store) -> None:
    answers = [post(client, reported(number)) for number in (2, 1, 2, 1, 1)]

    assert [(each.status_code, each.json()) for each in answers] == [(200, {"success": True})] * 5
    assert kept(store) == ["event-1", "event-2"]
    assert (counted(store), problems(store)) == ({"received": 5}, [])


def test_many_at_once_are_all_kept(client: httpx.Client, store: Store) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda number: post(client, reported(number % 40)), range(80)))
    assert {each.status_code for each in answers} == {200}
    assert len(kept(store)) == 40


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"not json", "the body is not JSON"),
        (b"", "the body is not JSON"),
        (b"\xff\xfe\x00", "the body is not JSON"),
        (b"[]", "is an object"),
        (b"[" * 20_000, "the body is"),
        (b'{"data":' * 300 + b"1" + b"}" * 300, "neither"),
        (json.dumps({**reported(), "data": {}}).encode(), "names nobody"),
    ],
)
def test_what_cannot_be_used_is_answered_and_is_a_problem(
    serve: Serve, file_store: Store, body: bytes, reason: str
) -> None:
    answer = post(serve(file_store, KEY), body)

    assert (answer.status_code, kept(file_store)) == (200, [])
    [problem] = problems(file_store)
    assert (problem["kind"], problem["subject"], problem["payload"] is not None) == ("webhook", "main", True)
    assert reason in problem["reason"]
    assert counted(file_store) == {"received": 1, "unusable": 1}


def test_of_no_use_and_wrongly_signed_is_told_what_to_do(file_store: Store) -> None:
    receive(file_store, [Posted("main", b"{")])
    unsigned.refused(file_store, "main", "they have no signature", 3)
    runtime = Runtime(build(), file_store, ())
    for kind, next_step in (("webhook", "discard it"), ("signature", "by itself")):
        [found] = [each for each in problems(file_store) if each["kind"] == kind]
        with pytest.raises(ConnectorError, match=next_step):
            remedies.replay(runtime, remedies.find(runtime, found["id"]))


def test_bad_ones_do_not_harm_their_neighbours(store: Store) -> None:
    bodies = [b"{", json.dumps(reported(1)).encode(), b"7", json.dumps(reported(2, subject="\0")).encode()]
    receive(store, [Posted("main", body) for body in bodies])
    assert kept(store) == ["event-1", "event-2"]
    assert [each["reason"].partition(": ")[2][:12] for each in problems(store)] == [
        "`subject` ha",
        "it is of no ",
        "it is of no ",
    ]


def test_a_compressed_body_is_signed_as_it_came(serve: Serve, file_store: Store) -> None:
    client = serve(file_store, KEY)
    for body in (gzip.compress(json.dumps(reported()).encode()), b"not gzip"):
        shown = {**headers(body), "Content-Encoding": "gzip"}
        assert client.post("/webhooks/customerio/main", content=body, headers=shown).status_code == 200
    assert (kept(file_store), len(problems(file_store))) == (["event-1"], 1)


def test_the_simulators_webhooks_are_taken_in(serve: Serve, file_store: Store, simulator: Simulated) -> None:
    url = str(serve(file_store, KEY).base_url)
    order = {"url": f"{url}/webhooks/customerio/main", "signing_key": KEY, "count": 7, "per_second": 1000}
    answer = httpx.post(f"{simulator.url}/_simulator/webhooks", json=order, timeout=30)
    assert answer.json() == {"sent": 7, "statuses": {"200": 7}}
    assert (len(kept(file_store)), problems(file_store)) == (7, [])


# ---- Who may come in -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", [KEY, OTHER_KEY])
def test_while_a_key_is_replaced_both_are_taken(serve: Serve, file_store: Store, key: str) -> None:
    assert post(serve(file_store, KEY, OTHER_KEY), reported(), key).status_code == 200


def forged(client: httpx.Client, **changed: str) -> httpx.Response:
    body = json.dumps(reported(content="a secret of Ada's")).encode()
    shown = {name: value for name, value in {**headers(body), **changed}.items() if value}
    return client.post("/webhooks/customerio/main", content=body, headers=shown)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"X-CIO-Signature": "0" * 64}, "was not made of"),
        ({"X-CIO-Timestamp": "1700000000"}, "was not made of"),
        ({"X-CIO-Signature": ""}, "have no X-CIO-Signature"),
        ({"X-CIO-Timestamp": ""}, "have no X-CIO-Signature"),
    ],
)
def test_a_forged_webhook_is_refused_and_seen_and_nothing_of_it_is_kept(
    client: httpx.Client, store: Store, changed: dict[str, str], reason: str
) -> None:
    answers = [forged(client, **changed) for _ in range(3)]

    assert [each.status_code for each in answers] == [401] * 3
    [problem] = problems(store)
    assert (problem["kind"], problem["subject"]) == ("signature", "main")
    assert reason in problem["reason"]
    assert "CONNECTOR__CONNECTIONS__MAIN__WEBHOOK_KEYS" in problem["reason"]
    assert problem["payload"] == f'{{"keys":"{unsigned.digest([KEY])}"}}'
    assert (kept(store), KEY in problem["reason"]) == ([], False)
    assert counted(store)["refused"] >= 1


def test_once_a_signature_fits_again_the_problem_is_solved(serve: Serve, file_store: Store) -> None:
    wrong = serve(file_store, OTHER_KEY)
    assert post(wrong, reported()).status_code == 401
    assert len(problems(file_store)) == 1

    mended = serve(file_store, KEY, OTHER_KEY)
    assert post(mended, reported()).status_code == 200
    assert problems(file_store) == []
    assert kept(file_store) == ["event-1"]


def test_a_webhook_that_fits_hides_no_other_one_that_is_signed_with_another_key(
    serve: Serve, file_store: Store
) -> None:
    one_key = serve(file_store, KEY)
    answers = [post(one_key, reported(number), key) for number, key in enumerate((KEY, OTHER_KEY, KEY))]
    assert [each.status_code for each in answers] == [200, 401, 200]
    assert [each["kind"] for each in problems(file_store)] == ["signature"]

    assert post(serve(file_store, KEY), reported(7)).status_code == 200
    assert len(problems(file_store)) == 1

    assert post(serve(file_store, KEY, OTHER_KEY), reported(8)).status_code == 200
    assert problems(file_store) == []


def test_what_was_refused_and_is_not_tried_again_is_solved_by_one_that_fits(serve: Serve, file_store: Store) -> None:
    assert post(serve(file_store, KEY), reported(), OTHER_KEY).status_code == 401
    with file_store.writing() as tx:
        tx.execute(text("UPDATE problem SET last_at = last_at - 7300"))
    assert post(serve(file_store, KEY), reported()).status_code == 200
    assert problems(file_store) == []


def test_without_a_key_the_door_is_closed(serve: Serve, file_store: Store) -> None:
    answer = post(serve(file_store), reported())
    assert answer.status_code == 503
    assert "CONNECTOR__CONNECTIONS__MAIN__WEBHOOK_KEYS" in answer.json()["detail"]


def test_an_unknown_connection_is_not_there(serve: Serve, file_store: Store) -> None:
    answer = post(serve(file_store, KEY), reported(), connection="other")
    assert (answer.status_code, kept(file_store), problems(file_store)) == (404, [], [])


def test_a_body_that_is_too_large_is_refused_unread(serve: Serve, file_store: Store) -> None:
    answer = post(serve(file_store, KEY), b" " * (MAX_BODY + 1))
    assert (answer.status_code, kept(file_store), problems(file_store)) == (413, [], [])


def test_what_is_refused_soon_after_is_told_though_nothing_comes_after_it(file_store: Store) -> None:
    async def lived() -> None:
        watch = UnsignedWatch(file_store, pause_seconds=0.1)
        assert await watch.refused("main", "of the first")
        assert await watch.refused("main", "of the second")
        assert await watch.refused("other", "of another")
        await until(lambda: len(problems(file_store)) == 3)

    asyncio.run(lived())
    assert sorted(each["subject"] for each in problems(file_store)) == ["main", "main", "other"]
    assert counted(file_store)["refused"] == 2


def test_that_a_signature_fits_is_told_at_first_and_now_and_then(file_store: Store) -> None:
    watch, soon = UnsignedWatch(file_store), UnsignedWatch(file_store, again_seconds=0.0)
    assert [watch.newly_fits("main"), watch.newly_fits("main"), watch.newly_fits("other")] == [True, False, True]
    watch.unsure("main")
    assert watch.newly_fits("main")
    assert [soon.newly_fits("main"), soon.newly_fits("main")] == [True, True]


# ---- While nothing can be kept ---------------------------------------------------------------------------------------


@contextmanager
def _away(store: Store, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:

        def writing(**_: Any) -> Any:
            raise StoreError("the store is away")

        patch.setattr(store, "writing", writing)
        yield


def test_while_the_store_is_away_it_is_to_be_sent_again_soon(
    serve: Serve, file_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = serve(file_store, KEY)
    with _away(file_store, monkeypatch):
        answers = [post(client, reported()), post(client, b"not json")]
    assert [(each.status_code, each.headers["retry-after"]) for each in answers] == [(503, "5")] * 2
    assert post(client, reported()).status_code == 200
    assert (kept(file_store), problems(file_store)) == (["event-1"], [])


def test_a_forged_one_is_told_once_the_store_is_there_again_and_has_no_401_before(
    file_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def lived() -> None:
        watch = UnsignedWatch(file_store, pause_seconds=0.2)
        with _away(file_store, monkeypatch):
            assert not await watch.refused("main", "they are forged")
            assert not await watch.refused("main", "they are forged")
        assert problems(file_store) == []
        await until(lambda: counted(file_store).get("refused") == 2)

    asyncio.run(lived())
    assert [each["kind"] for each in problems(file_store)] == ["signature"]


def test_while_the_store_is_away_or_silent_a_forged_one_is_answered_503_in_time(
    serve: Serve, file_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = serve(file_store, KEY)
    there, speaks = file_store.writing, threading.Event()

    def silent(**given: Any) -> Any:
        speaks.wait(30)
        return there(**given)

    monkeypatch.setattr(file_store, "writing", silent)
    answer = post(client, reported(), OTHER_KEY)
    speaks.set()
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert ANSWER_SECONDS < 4  # so long Customer.io waits


def test_old_webhooks_go_and_those_that_wait_stay(store: Store) -> None:
    receive(store, [Posted("main", json.dumps(reported(number)).encode()) for number in (1, 2, 3)])
    with store.writing() as tx:
        tx.execute(text("UPDATE webhook SET received_at = received_at - 3000000 WHERE event_id <> 'event-1'"))
        tx.execute(text("UPDATE webhook SET state = 1 WHERE event_id <> 'event-2'"))
    assert retention.retain(store, RetentionSettings(), ())
    assert kept(store) == ["event-1", "event-2"]
