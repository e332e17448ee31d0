"""The log of calls, on SQLite and on PostgreSQL."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from connector.admin import request_log
from connector.customerio.request_log import Call, Exchange, call_of
from connector.customerio.responses import Accepted, Pause, Reply, ResponseAction, Settle
from connector.errors import ConnectorError
from connector.store import call_pages
from connector.store import request_log as stored
from connector.store.call_pages import WantedCalls
from connector.store.engine import Store
from connector.store.migrate import migrate
from connector.store.request_log import CallFilter, Logged
from tests.servers import Postgres
from tests.world import World, message

NOW = 4_000_000_000.0
BODY = b'{"batch":[]}'
PAUSE = Pause("Customer.io answered 503", "backoff", doubt=True)


def made(seconds: float = 0, verdict: ResponseAction = PAUSE, **given: Any) -> Call:
    reply = Reply(503, "too much, señor".encode())
    exchange = Exchange("batch", 0, BODY, reply, verdict, NOW + seconds, 12)
    return replace(call_of("main", "people", exchange, "failed"), **given)


SETTLED = Settle((Accepted(),))


def add(store: Store, *given: Call) -> None:
    with store.writing() as tx:
        stored.add(tx, given)


def find(store: Store, limit: int = 100, **what: Any) -> list[Logged]:
    with store.reading() as tx:
        return stored.find(tx, CallFilter(**what), limit)


def test_a_call_comes_back_with_its_bodies(store: Store) -> None:
    add(store, made())
    [logged] = find(store)

    assert request_log.find(store, logged.id[:20].lower()) == Logged(logged.id, made())
    assert request_log.find(store, logged.id).call.body == BODY


def test_a_list_of_calls_is_without_their_bodies_and_the_latest_first(store: Store) -> None:
    add(store, made(1), made(3, SETTLED), made(2))

    assert [each.call for each in find(store)] == [
        made(3, SETTLED),
        made(2, request=None, reply=None),
        made(1, request=None, reply=None),
    ]
    assert [each.call.at for each in find(store, limit=2)] == [NOW + 3, NOW + 2]


def test_the_latest_calls_are_found_however_the_database_sorts_texts(
    postgres: Postgres, open_store: Callable[[str], Store]
) -> None:
    postgres.run("CREATE DATABASE icu TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'en-US'")
    store = open_store(postgres.database("icu"))
    migrate(store)
    add(store, *(made(second) for second in range(5)))
    seen: list[float] = []
    before = ""
    while len(seen) < 5:
        with store.reading() as tx:
            some = call_pages.chunk(tx, WantedCalls(), before, 2, 100)
        seen += [each.call.at for each in some.found]
        before = some.last
        assert some.found
    assert seen == [NOW + second for second in (4, 3, 2, 1, 0)]


def test_calls_are_found_by_what_they_are(store: Store) -> None:
    add(store, made(1), made(2, SETTLED), made(3, connection="other"), made(4, sync="other", status=200))

    assert [each.call.at - NOW for each in find(store, failed=True)] == [4, 3, 1]
    assert [each.call.at - NOW for each in find(store, workspace="main")] == [4, 2, 1]
    assert [each.call.at - NOW for each in find(store, sync="other", failed=True)] == [4]
    assert [each.call.at - NOW for each in find(store, status=200)] == [4]
    assert [each.call.at - NOW for each in find(store, since=NOW + 3)] == [4, 3]


def test_ids_sort_by_time_and_differ(store: Store) -> None:
    add(store, *(made(seconds) for seconds in (3, 1, 2, 2)))
    ids = [each.id for each in reversed(find(store))]

    assert [id[:10] for id in ids] == sorted(id[:10] for id in ids)
    assert len(set(ids)) == 4


def test_an_id_must_be_a_calls_and_only_its(store: Store) -> None:
    add(store, made(), made())
    [one, _] = find(store)
    with pytest.raises(ConnectorError, match="more than one call has an id"):
        request_log.find(store, one.id[:10])
    with pytest.raises(ConnectorError, match="no call has an id that begins with 'x': `connector calls` lists them"):
        request_log.find(store, "x")


def test_nothing_to_log_is_no_failure(store: Store) -> None:
    add(store)
    assert find(store) == []


def test_delivery_logs_its_calls(world: World) -> None:
    world.simulated.go_wrong({"status": 503, "times": 1})
    world.run(message("u1", 1, plan="gold"))
    settled, paused = find(world.store)

    assert [(each.call.status, each.call.verdict, each.call.items) for each in (paused, settled)] == [
        (503, "paused", 1),
        (200, "settled", 1),
    ]
    assert b'"plan":"gold"' in (request_log.find(world.store, paused.id).call.body or b"")
    assert request_log.find(world.store, settled.id).call.body is None
