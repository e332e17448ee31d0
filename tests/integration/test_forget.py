"""Forgetting users over HTTP, on SQLite and on PostgreSQL: out of Customer.io, out of every table, and nobody else."""

import gzip
import json
import time
from collections.abc import Callable, Iterator
from threading import Thread
from typing import Any

import pytest
from sqlalchemy import text

from connector.activity import fields
from connector.activity.fold import Folding
from connector.activity.receive import Posted, receive
from connector.admin.privacy import direct_request, find_user, verify_deleted
from connector.admin.privacy.forget import Forgetting, Receipt
from connector.errors import ConnectorError, SettingsError
from connector.model.entity import Identifier
from connector.settings.profiles import ProfilesSettings
from connector.store import claims, jobs, problems
from connector.store.engine import Store
from connector.store.jobs import Job
from connector.store.tables import LIVE, metadata
from tests.servers import eventually
from tests.simulated import Simulated
from tests.webhooks import reported
from tests.world import World, event, message
from tests.world import problems as all_problems

pytestmark = pytest.mark.in_turn

EMAIL = "u1@example.com"
# Long enough that no random id contains it by chance.
CIO_ID = "a3000f0000c0ffee"
BATCH = "/api/v2/batch"
MakeWorld = Callable[..., World]


@pytest.fixture
def make_world(make_world: MakeWorld) -> Iterator[MakeWorld]:
    """Makes worlds whose App API is closed in the end."""
    made: list[World] = []

    def make(**settings: Any) -> World:
        made.append(make_world(**settings))
        return made[-1]

    yield make
    for world in made:
        for api in world.runtime._app_apis.values():
            api.close()


@pytest.fixture(autouse=True)
def _quick(simulator: Simulated) -> None:
    simulator.reset(app_rate_limit=0)


@pytest.fixture
def world(make_world: MakeWorld) -> World:
    """Everything a test can keep is kept; people are read back."""
    return make_world(
        sync={"attributes": ["plan", "city", "email"]},
        connection={"app_api_key": "app-api-key"},
        retention={"call_bodies": "all"},
    )


def in_no_time(_seconds: float) -> None:
    """Sleeps, as far as a test is concerned."""


def forget(world: World, user: str = "u1", sync: str = "", by: Any = "", **how: Any) -> Receipt:
    found = find_user.find(world.runtime, user, sync, by)
    return Forgetting(world.runtime, found, **{"busy_seconds": 0.0, "sleep": in_no_time, **how}).run()


def told(receipt: Receipt) -> list[tuple[str, str, str, str]]:
    """Sync, action, identifier and outcome of every operation."""
    return [
        (part.sync, each.operation.item["action"], ":".join(*each.operation.item["identifiers"].items()), each.state)
        for part in receipt.parts
        for each in part.answers
    ]


def rows(store: Store, table: str) -> list[dict[str, Any]]:
    with store.reading() as tx:
        return [dict(row) for row in tx.execute(text(f'SELECT * FROM "{table}"')).mappings()]


def keys(world: World) -> set[tuple[str, str]]:
    return {(row["sync"], row["key"]) for row in rows(world.store, "entity")}


def row(world: World, key: str = "u1") -> dict[str, Any]:
    [found] = [each for each in rows(world.store, "entity") if each["key"] == key]
    return found


def change(world: World, key: str = "u1", **values: Any) -> None:
    sets = ", ".join(f"{name} = :{name}" for name in values)
    with world.store.writing() as tx:
        tx.execute(text(f"UPDATE entity SET {sets} WHERE key = :key"), {"key": key, **values})


def where_they_stand(store: Store, *names: str) -> list[str]:
    """Each column of each table in which one of these names stands, in whatever case; bodies are unpacked."""
    cells = (
        (f"{table}.{column}", _text(value))
        for table in metadata.tables
        for row in rows(store, table)
        for column, value in row.items()
    )
    return sorted({place for place, value in cells if any(name.lower() in value.lower() for name in names)})


def _text(value: Any) -> str:
    return gzip.decompress(value).decode() if isinstance(value, bytes | memoryview) else str(value)


def _until_complete(world: World, user: str) -> Receipt:
    for _ in range(1000):
        receipt = forget(world, user)
        if receipt.complete:
            return receipt
    pytest.fail(f"never complete, at last: {receipt.parts}")


# --- what is found, deleted and erased -------------------------------------------------------------------------------


def test_nothing_is_left_of_a_user_and_everything_of_the_others(world: World, simulator: Simulated) -> None:
    world.run(
        message("key-of-u1", 1, event("Signed up", "e1", properties={"by": EMAIL}), external_id="u1", email=EMAIL),
        message("key-of-u2", 1, event("Signed up", "e2"), external_id="u2", email="u2@example.com"),
    )
    simulator.go_wrong({"path": BATCH, "items": "u1", "times": 1})
    world.take(message("key-of-u1", 2, external_id="u1", email=EMAIL, plan="gold"))
    world.settle()
    assert "problem.subject" in where_they_stand(world.store, "key-of-u1")
    assert "call.request" in where_they_stand(world.store, EMAIL)

    receipt = forget(world, "key-of-u1")

    assert receipt.complete
    assert told(receipt) == [("main", "delete", f"{name}", "confirmed") for name in ("id:u1", f"email:{EMAIL}")]
    assert receipt.proved
    [part] = receipt.parts
    assert (part.proof.state, part.answers[0].status) == ("gone", 200)
    assert part.erased is not None
    assert part.erased[:4] == (1, 1, 2, 1)  # the id and the address
    assert part.erased.call_bodies > 0
    assert where_they_stand(world.store, "key-of-u1", "u1", EMAIL) == []
    assert list(simulator.people()) == ["u2"]
    assert keys(world) == {("main", "key-of-u2")}
    assert world.tallies()["forgotten"] == 1


def test_nothing_is_left_of_what_customerio_reported_of_them(world: World) -> None:
    world.run(message("key-of-u1", 1, external_id="u1", email=EMAIL), message("key-of-u2", 1, external_id="u2"))
    who = {"id": "u1", "cio_id": CIO_ID}
    bodies = [
        reported(1, "email_unsubscribed", user="u1", identifiers=who),
        reported(2, user="", recipient=f"Ada <{EMAIL}>"),
        reported(3, user="u2"),
    ]
    posted = [Posted("main", json.dumps(body).encode()) for body in bodies]
    receive(world.store, posted)
    Folding(fields.of(ProfilesSettings())).fold(world.store, ["main"])

    receipt = forget(world, "key-of-u1")

    assert (receipt.complete, receipt.elsewhere.webhooks, receipt.elsewhere.profiles) == (True, 2, 2)
    assert where_they_stand(world.store, "key-of-u1", "u1", EMAIL) == []
    receive(world.store, posted)
    Folding(fields.of(ProfilesSettings())).fold(world.store, ["main"])
    assert where_they_stand(world.store, "u1", EMAIL, CIO_ID) == []
    with world.store.reading() as tx:
        assert tx.execute(text("SELECT count(*) FROM webhook WHERE body IS NOT NULL")).scalar() == 1


def test_what_is_reported_and_folded_while_they_are_forgotten_is_gone_too(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.run(message("key-of-u1", 1, external_id="u1", email=EMAIL))
    receive(world.store, [Posted("main", json.dumps(reported(1, "email_unsubscribed", user="u1")).encode())])
    look = verify_deleted.look

    def meanwhile(*given: Any) -> Any:
        receive(world.store, [Posted("main", json.dumps(reported(2, user="", recipient=EMAIL)).encode())])
        Folding(fields.of(ProfilesSettings())).fold(world.store, ["main"])
        receive(world.store, [Posted("main", json.dumps(reported(3, user="u1")).encode())])
        return look(*given)

    monkeypatch.setattr(verify_deleted, "look", meanwhile)
    receipt = forget(world, "key-of-u1")

    assert (receipt.complete, receipt.elsewhere.webhooks, receipt.elsewhere.profiles) == (True, 3, 2)
    Folding(fields.of(ProfilesSettings())).fold(world.store, ["main"])
    assert where_they_stand(world.store, "key-of-u1", "u1", EMAIL) == []


@pytest.mark.parametrize("user", ["key-1", "u1", EMAIL, EMAIL.upper()])
def test_somebody_is_found_by_key_id_and_address(world: World, simulator: Simulated, user: str) -> None:
    world.run(message("key-1", 1, external_id="u1", email=EMAIL), message("key-2", 1, external_id="u2"))

    assert forget(world, user).complete
    assert (list(simulator.people()), keys(world)) == (["u2"], {("main", "key-2")})


def test_somebody_is_found_by_whatever_was_once_sent_or_tried(world: World, simulator: Simulated) -> None:
    """Each identifier that may exist is deleted: the former one, and the one that a lost request carried."""
    world.run(message("key-1", 1, external_id="old"))
    simulator.go_wrong({"path": BATCH, "containing": '"new"', "drop": "after", "times": 1})
    world.take(message("key-1", 2, external_id="new"))
    world.cycle()
    world.take(message("key-1", 3, external_id="newer"))
    assert sorted(simulator.people()) == ["new", "old"]
    simulator.go_wrong()
    for name in ("old", "new", "newer"):
        assert find_user.find(world.runtime, name).key == "key-1"

    receipt = forget(world, "new", busy_seconds=10.0)
    assert receipt.complete
    assert {identifier for _, _, identifier, _ in told(receipt)} == {"id:old", "id:new", "id:newer"}
    assert simulator.people() == {}
    assert where_they_stand(world.store, "key-1", '"old"', '"new"', "newer") == []


def test_a_request_whose_answer_was_lost_before_anything_moved_is_reckoned_with(
    world: World, simulator: Simulated
) -> None:
    simulator.go_wrong({"path": BATCH, "drop": "after", "times": 1})
    world.take(message("u1", 1))
    world.cycle()
    assert (list(simulator.people()), row(world)["delivered"], row(world)["tried"]) == (["u1"], None, None)
    simulator.go_wrong()

    assert _until_complete(world, "u1").parts[0].erased is not None
    assert simulator.people() == {}


def test_who_never_was_in_the_audience_is_erased_too(world: World, simulator: Simulated) -> None:
    world.take(message("u1", 1, segments=[]))
    assert keys(world) == {("main", "u1")}

    receipt = forget(world)
    assert (receipt.complete, told(receipt), keys(world)) == (True, [], set())
    assert (receipt.parts[0].proof.state, simulator.calls()) == ("not read back", [])


def test_a_sync_that_does_not_deliver_sends_no_deletion_of_whom_it_never_sent(
    make_world: MakeWorld, simulator: Simulated
) -> None:
    world = make_world(sync={"deliver": False})
    world.take(message("u1", 1))
    receipt = forget(world)
    assert (receipt.complete, told(receipt), simulator.calls(), keys(world)) == (True, [], [], set())


def test_events_that_are_owed_are_erased_and_not_sent(world: World, simulator: Simulated) -> None:
    world.take(message("u1", 1, event("Signed up", "e1")))
    assert forget(world).parts[0].erased is not None
    world.settle()
    assert (rows(world.store, "event"), simulator.people()) == ([], {})


def test_the_deletion_guard_does_not_stand_in_the_way(make_world: MakeWorld, simulator: Simulated) -> None:
    world = make_world(sync={"deletion_guard": {"share": 0.01, "at_least": 1}})
    world.run(message("u1", 1), message("u2", 1), message("u3", 1))
    world.take(message("u1", 2, segments=[]), message("u2", 2, segments=[]))
    world.settle()
    assert row(world)["lane"] != LIVE

    assert forget(world).complete
    assert sorted(simulator.people()) == ["u2", "u3"]


def test_a_message_that_could_not_be_read_is_erased_where_it_names_them(world: World) -> None:
    world.take(message("u1", 1, email=EMAIL))
    with world.store.writing() as tx:
        found = [
            problems.Problem("unreadable", "", "it has no user", {"usr": {"email": EMAIL}}),
            problems.Problem("unreadable", "", "it is no JSON", f'{{"email": "{EMAIL}'),
            problems.Problem("unreadable", "", "it has no user", {"usr": {"email": "u2@example.com"}}),
        ]
        problems.add(tx, "", found, 0.0)
    world.settle()

    assert forget(world).elsewhere.problems == 2
    assert [json.loads(each["payload"])["usr"] for each in all_problems(world.store)] == [{"email": "u2@example.com"}]


def test_traces_of_somebody_without_a_row_are_erased(world: World) -> None:
    world.run(message("u1", 1, email=EMAIL), message("u2", 1))
    with world.store.writing() as tx:
        for table in ("entity", "identity"):
            tx.execute(text(f"DELETE FROM {table} WHERE key = 'u1'"))
    assert "call.request" in where_they_stand(world.store, EMAIL)

    receipt = forget(world, EMAIL)
    assert (receipt.complete, receipt.parts, receipt.elsewhere.call_bodies > 0) == (True, (), True)
    assert where_they_stand(world.store, EMAIL) == []


def test_a_job_that_has_come_as_far_as_the_user_goes_on_from_there(world: World) -> None:
    world.run(*(message(f"u{number}", 1) for number in range(3)))
    with world.store.writing() as tx:
        for state in ("running", "done"):
            jobs.add(tx, Job(id=f"a-{state}", sync="main", kind="resync", state=state, position="u1"))
    forget(world)
    assert {each["position"] for each in rows(world.store, "job")} == {"u0"}


# --- who else has to do with it --------------------------------------------------------------------------------------


def test_who_waits_for_the_identifier_gets_it(world: World, simulator: Simulated) -> None:
    world.run(message("key-1", 1, external_id="shared", plan="gold"))
    world.run(message("key-2", 1, external_id="shared", plan="free"))
    assert simulator.people() == {"shared": {"plan": "gold"}}
    [conflict] = world.problems()

    receipt = forget(world, "key-1")
    assert receipt.parts[0].erased is not None
    assert receipt.parts[0].erased.handed_on == ("key-2",)
    assert ("conflict" in conflict, world.problems()) == (True, [])
    world.settle()
    assert simulator.people() == {"shared": {"plan": "free"}}
    assert where_they_stand(world.store, "key-1") == []


def test_who_waits_on_is_told_who_has_the_identifier_now(world: World) -> None:
    world.run(*(message(f"key-{number}", 1, external_id="shared") for number in (1, 2, 3)))
    assert forget(world, "key-1").parts[0].erased is not None
    assert world.problems() == [
        ("conflict", "key-3", "id:shared is the identifier of the user 'key-2' too: this one is not sent")
    ]


def test_who_waits_is_forgotten_without_the_one_who_holds_the_identifier(world: World, simulator: Simulated) -> None:
    world.run(message("key-1", 1, external_id="shared"), message("key-2", 1, external_id="shared"))

    receipt = forget(world, "key-2", suppress=True)
    assert (receipt.complete, told(receipt)) == (True, [])
    assert [each.value for each in receipt.parts[0].left] == ["shared"]
    assert (list(simulator.people()), keys(world)) == (["shared"], {("main", "key-1")})
    assert find_user.find(world.runtime, "shared").key == "key-1"


@pytest.mark.parametrize(("by", "forgotten"), [("key", "u1"), ("identifier", "key-2")])
def test_a_name_that_may_be_two_users_is_not_guessed_at(world: World, by: Any, forgotten: str) -> None:
    world.run(message("u1", 1, external_id="x1"), message("key-2", 1, external_id="u1"))

    with pytest.raises(
        ConnectorError, match=r"'u1' may be any of 2 users: 'key-2', 'u1'. Give the key .* with --by key"
    ):
        forget(world, "u1")
    assert len(keys(world)) == 2
    assert forget(world, "u1", by=by).key == forgotten
    assert len(keys(world)) == 1


def test_an_unknown_user_is_said_to_be_unknown(world: World) -> None:
    world.run(message("u1", 1))
    with pytest.raises(ConnectorError, match="nobody is known as 'u2' in any sync: give the user's key"):
        forget(world, "u2")
    with pytest.raises(ConnectorError, match="nobody is known as 'x1' in the sync 'main'"):
        forget(world, "x1", "main")
    with pytest.raises(SettingsError, match="there is no sync 'other'"):
        forget(world, "u1", "other")


# --- several syncs ---------------------------------------------------------------------------------------------------


@pytest.fixture
def two(make_world: MakeWorld, simulator: Simulated) -> World:
    """Two syncs to two connections: one knows people by id, the other by e-mail."""
    one = {"track_url": simulator.url, "app_url": simulator.url, "site_id": "site-id", "api_key": "api-key"}
    fast = {**one, "requests_per_second": 1000.0}
    common = {"segments": ["Paying"], "attributes": ["plan"], "segment_attribute": "", "on_exit": "delete"}
    by_email = {"identifier": "email", "identify_by": "email", "connection": "second"}
    world = make_world(
        connections={"main": {**fast, "email_identifies": False}, "second": fast},
        syncs={
            "main": {**common, "connection": "main", "identifier": "external_id"},
            "second": {**common, **by_email},
        },
    )
    world.take(
        message("key-1", 1, external_id="u1", email=EMAIL), message("key-2", 1, external_id="u2", email="u2@x.example")
    )
    world.settle("main")
    world.settle("second")
    return world


def test_a_user_is_forgotten_in_all_syncs(two: World, simulator: Simulated) -> None:
    assert len(simulator.whole_people()) == 4
    receipt = forget(two, "u1")

    assert told(receipt) == [
        ("main", "delete", "id:u1", "confirmed"),
        ("second", "delete", f"email:{EMAIL}", "confirmed"),
    ]
    assert (receipt.complete, keys(two)) == (True, {("main", "key-2"), ("second", "key-2")})
    assert sorted(simulator.people()) == ["u2", "u2@x.example"]
    assert where_they_stand(two.store, "key-1", EMAIL) == []


def test_one_sync_may_be_chosen(two: World, simulator: Simulated) -> None:
    assert forget(two, "key-1", "second").complete
    assert keys(two) == {("main", "key-1"), ("main", "key-2"), ("second", "key-2")}
    assert sorted(simulator.people()) == ["u1", "u2", "u2@x.example"]


def test_what_one_workspace_does_not_confirm_is_kept_for_the_next_time(two: World, simulator: Simulated) -> None:
    simulator.go_wrong({"path": BATCH, "containing": EMAIL, "status": 503, "times": 1})
    receipt = forget(two, "key-1")

    assert [(part.sync, part.erased is not None) for part in receipt.parts] == [("main", True), ("second", False)]
    assert (receipt.complete, receipt.parts[1].reason) == (
        False,
        "not confirmed by Customer.io: Customer.io answered 503",
    )
    left = row(two, "key-1")
    assert (left["sync"], left["lease"], left["doubt"], left["due_at"]) == ("second", None, 1, None)

    again = _until_complete(two, "key-1")
    assert [part.sync for part in again.parts] == ["second"]
    assert where_they_stand(two.store, "key-1", EMAIL) == []
    assert sorted(simulator.people()) == ["u2", "u2@x.example"]


def test_a_sync_that_is_not_in_the_settings_any_more_is_told(two: World, make_world: MakeWorld) -> None:
    fewer = make_world()
    receipt = forget(fewer, "key-1")
    assert [(part.sync, part.erased is not None) for part in receipt.parts] == [("main", True), ("second", False)]
    assert "the settings do not name this sync any more" in receipt.parts[1].reason
    assert row(two, "key-1")["lease"] is None


def test_who_else_is_held_in_the_workspace_is_told(make_world: MakeWorld) -> None:
    sync = {"connection": "main", "segments": ["*"], "attributes": ["plan"], "identifier": "external_id"}
    world = make_world(syncs={"main": sync, "beside": sync})
    world.take(message("key-1", 1, external_id="u1"))
    world.settle("main")
    world.settle("beside")
    receipt = forget(world, "key-1", "main")
    assert receipt.parts[0].others == (("beside", "key-1"),)


# --- what goes wrong -------------------------------------------------------------------------------------------------


def test_a_paused_connection_is_not_used(world: World, simulator: Simulated) -> None:
    world.run(message("u1", 1))
    simulator.go_wrong({"path": BATCH, "status": 401})
    world.take(message("u1", 2, plan="gold"))
    world.cycle()
    before = row(world)
    asked = len(simulator.calls())

    receipt = forget(world)
    assert (receipt.complete, len(simulator.calls())) == (False, asked)
    assert "the connection 'main' is paused: Customer.io answered 401" in receipt.parts[0].reason
    assert row(world) == before


def test_a_refused_deletion_keeps_the_row_and_says_why(world: World, simulator: Simulated) -> None:
    world.run(message("u1", 1))
    before = row(world)
    simulator.go_wrong({"path": BATCH, "items": "u1"})
    receipt = forget(world)
    assert (receipt.complete, told(receipt)[0][3]) == (False, "refused")
    assert receipt.parts[0].reason.startswith("refused by Customer.io: ")
    assert row(world) == before


def test_who_is_still_there_when_read_back_is_not_erased(world: World, simulator: Simulated) -> None:
    simulator.reset(app_rate_limit=0, visibility_seconds=3600.0)
    world.run(message("u1", 1))
    simulator.go_wrong({"path": "/v1/customers", "status": 200, "body": json.dumps({"customers": [{"id": "u1"}]})})

    receipt = forget(world)
    assert (receipt.complete, receipt.parts[0].proof.state) == (False, "still there")
    assert (row(world)["lease"], row(world)["doubt"]) == (None, 1)
    simulator.go_wrong()
    assert forget(world).complete


def test_an_app_api_without_an_answer_does_not_undo_what_customer_io_confirmed(
    world: World, simulator: Simulated
) -> None:
    world.run(message("u1", 1))
    simulator.go_wrong({"path": "/v1/customers", "status": 401})
    receipt = forget(world)
    [part] = receipt.parts
    assert (part.proof.state, part.erased is not None) == ("not read back", True)
    assert (receipt.complete, receipt.proved, part.unproved) == (True, False, (Identifier("id", "u1"),))
    assert "app_api_key is not an App API key" in part.proof.reason


def test_whom_upstream_deleted_is_asked_for_under_every_identifier_it_has_said(
    world: World, simulator: Simulated
) -> None:
    world.take({"user": {"id": "key-9", "external_id": "u9", "email": EMAIL}, "version": 1})
    simulator.take({"type": "person", "identifiers": {"email": EMAIL}, "action": "identify", "attributes": {}})
    world.run({"user": {"id": "key-9"}, "deleted": True, "version": 2})

    receipt = forget(world, "key-9")
    assert {name for _, _, name, _ in told(receipt)} == {"id:u9", f"email:{EMAIL}"}
    assert (receipt.proved, simulator.whole_people()) == (True, [])


def test_an_identifier_by_which_nobody_can_be_looked_up_is_not_proved_and_the_others_are(
    world: World, simulator: Simulated
) -> None:
    world.run(message("u1", 1, email=EMAIL))
    refused = {"errors": [{"detail": "email is not enabled", "status": "400"}]}
    simulator.go_wrong({"path": "/v1/customers", "containing": "@", "status": 400, "body": json.dumps(refused)})

    receipt = forget(world)
    [part] = receipt.parts
    assert [part.proof.of, part.unproved] == [{Identifier("id", "u1"): "gone"}, (Identifier("email", EMAIL),)]
    assert (receipt.complete, receipt.proved) == (True, False)


def test_while_a_worker_sends_for_the_user_nothing_is_done(world: World, simulator: Simulated) -> None:
    world.run(message("u1", 1))
    world.take(message("u1", 2, plan="gold"))
    with world.store.writing() as tx:
        now = world.store.now(tx)
        claims.claim(tx, "main", "a-worker", 10, now, 60.0)
    before = row(world)

    with pytest.raises(ConnectorError, match=r"somebody is sending for the user 'u1', for .* s more"):
        forget(world)
    assert row(world) == before

    # The worker comes to its end while we wait.
    def settled(_seconds: float) -> None:
        change(world, lease=None, leased_until=None)

    assert forget(world, busy_seconds=60.0, sleep=settled).complete
    assert simulator.people() == {}


def test_a_request_that_is_on_its_way_is_waited_for(world: World, simulator: Simulated) -> None:
    simulator.go_wrong({"path": BATCH, "latency": 0.5, "times": 1})
    world.take(message("u1", 1))
    worker = Thread(target=world.cycle)
    worker.start()
    eventually(lambda: row(world)["lease"] is not None)

    assert forget(world, busy_seconds=30.0, sleep=time.sleep).complete
    worker.join()
    assert ([call["items"] for call in simulator.calls() if call["endpoint"] == BATCH], simulator.people()) == (
        [1, 1],
        {},
    )
    assert where_they_stand(world.store, "u1") == []


def test_the_lease_of_a_worker_that_is_dead_is_taken_over(world: World) -> None:
    world.run(message("u1", 1))
    change(world, lease="a-dead-worker", leased_until=1.0, doubt=1)
    assert forget(world).complete


def test_a_lease_that_somebody_else_took_meanwhile_erases_nothing(world: World) -> None:
    world.run(message("u1", 1))
    found = find_user.find(world.runtime, "u1")

    class Interrupted(Forgetting):
        def _tell(self, claimed: Any) -> Any:
            change(world, lease="another", leased_until=4e9)
            return super()._tell(claimed)

    receipt = Interrupted(world.runtime, found, sleep=in_no_time).run()
    assert (receipt.complete, receipt.parts[0].reason) == (False, "somebody else has taken the row up meanwhile")
    assert row(world)["lease"] == "another"


# --- suppressed ------------------------------------------------------------------------------------------------------


def test_who_is_suppressed_does_not_come_back_until_freed(world: World, simulator: Simulated) -> None:
    world.run(message("u1", 1, email=EMAIL))
    receipt = forget(world, suppress=True)
    assert told(receipt) == [("main", "suppress", name, "confirmed") for name in ("id:u1", f"email:{EMAIL}")]
    assert (receipt.complete, simulator.people(), keys(world)) == (True, {}, set())

    world.run(message("u1", 2, plan="gold"), message("key-9", 1, external_id="u9", email=EMAIL))
    assert simulator.people() == {}

    direct_request.order(world.runtime, "main", "u1", "unsuppress")
    world.run(message("u1", 3, plan="free"))
    assert simulator.people() == {"u1": {"plan": "free"}}


def test_suppressing_by_hand_leaves_the_row(world: World, simulator: Simulated) -> None:
    world.run(message("u1", 1, plan="gold"))
    before = row(world)
    direct_request.order(world.runtime, "main", "u1", "suppress")
    assert (simulator.people(), row(world)) == ({}, before)

    world.run(message("u1", 2, plan="free"))
    assert simulator.people() == {}
    direct_request.order(world.runtime, "main", "u1", "unsuppress")
    world.run(message("u1", 3, plan="gold"))
    assert simulator.people() == {"u1": {"plan": "gold"}}


def test_an_order_that_is_not_confirmed_is_an_error(world: World, simulator: Simulated) -> None:
    simulator.go_wrong({"path": BATCH, "status": 503})
    with pytest.raises(ConnectorError, match=r"main: suppress of id u1 not confirmed: Customer\.io answered 503"):
        direct_request.order(world.runtime, "main", "u1", "suppress")


def test_a_connection_without_credentials_is_told(make_world: MakeWorld) -> None:
    world = make_world(connection={"site_id": None, "api_key": None})
    with pytest.raises(ConnectorError, match=r"CONNECTOR__CONNECTIONS__MAIN__SITE_ID and .*API_KEY not set"):
        direct_request.order(world.runtime, "main", "u1", "suppress")


def test_whom_upstream_had_deleted_is_asked_for_under_the_name_that_it_gave(
    make_world: Callable[..., World], simulator: Simulated
) -> None:
    world = make_world(sync={"segments": ["*"], "deletion_guard": {"share": 0.1, "at_least": 0}})
    simulator.take({"type": "person", "identifiers": {"id": "u9"}, "action": "identify", "attributes": {}})
    world.run({"user": {"id": "k9", "external_id": "u9"}, "deleted": True})
    assert set(simulator.people()) == {"u9"}  # the guard holds it

    receipt = forget(world, "k9")
    [part] = receipt.parts
    assert [each.operation.item["identifiers"] for each in part.answers] == [{"id": "u9"}]
    assert (receipt.complete, simulator.people()) == (True, {})
