"""What Customer.io reports goes on: to an HTTP address, signed, and to an exchange; in order, and nothing is lost."""

import json
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kombu import Connection
from pydantic import ValidationError
from sqlalchemy import text

from connector import formats, standard_webhooks
from connector.activity import fields
from connector.activity.fold import Folding
from connector.activity.out import pump, targets
from connector.activity.out.outbox import Outbox
from connector.activity.out.pump import Pump
from connector.activity.out.targets import NotTaken
from connector.activity.receive import Posted, receive
from connector.admin import problems as admin
from connector.admin.status import gathered
from connector.alerts import targets as alert_targets
from connector.intake.accept import accept
from connector.model import origin
from connector.settings.out import OutTarget
from connector.settings.profiles import ProfilesSettings
from connector.settings.sections import BrokerSettings, DeliverySettings
from connector.store import outgoing
from connector.store import problems as kept_problems
from connector.store.engine import Store
from connector.store.outgoing import Waiting
from tests.build_settings import build, values, write
from tests.processes import bare_environment
from tests.servers import RabbitMQ
from tests.simulated import Simulated
from tests.webhooks import reported
from tests.world import World, message, problems

SECRET = "whsec_" + "QUFB" * 8
AT_ONCE = DeliverySettings(backoff_seconds=1e-6, backoff_max_seconds=1e-6)
FIELDS = fields.of(ProfilesSettings())


def target(**given: Any) -> OutTarget:
    given = given if "exchange" in given else {"url": "http://127.0.0.1:9/hook", **given}
    return OutTarget.model_validate({"name": "there", **given})


def take(store: Store, *bodies: dict[str, Any]) -> None:
    receive(store, [Posted("main", json.dumps(body).encode()) for body in bodies])


def fold(store: Store, *to: OutTarget) -> None:
    assert Folding(FIELDS, outbox=Outbox(to, FIELDS)).fold(store, ["main"])


def waiting(store: Store) -> list[Waiting]:
    with store.reading() as tx:
        return outgoing.first(tx, "there", 1000)


class Killed(BaseException):
    """The process ends here."""


class Taker:
    """A target that does what it is told, one word for each request: take, refuse, or kill before or after taking."""

    def __init__(self, words: Sequence[str] = ()) -> None:
        self.words, self.taken, self.requests = list(words), list[dict[str, Any]](), list[int]()

    def send(self, messages: Sequence[Waiting]) -> NotTaken | None:
        word = self.words.pop(0) if self.words else "take"
        if word == "kill before":
            raise Killed
        if word == "refuse":
            return NotTaken("it answers 500")
        self.requests.append(len(messages))
        self.taken += [json.loads(each.body) for each in messages]
        if word == "kill after":
            raise Killed
        return None

    def close(self) -> None:
        """Nothing is open."""


def send(store: Store, to: OutTarget, taker: Any) -> None:
    try:
        Pump(store, to, taker, AT_ONCE).run()
    except Killed:
        return


@pytest.fixture
def emptied(file_url: str, open_store: Callable[[str], Store]) -> Store:
    """A store that is emptied for each example."""
    return open_store(file_url)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.integers(1, 3), min_size=1, max_size=12),
    st.lists(st.sampled_from(["take", "refuse", "kill before", "kill after"]), max_size=8),
    st.integers(1, 4),
)
def test_nothing_is_lost_and_each_persons_order_is_kept_whatever_dies_when(
    emptied: Store, people: list[int], words: list[str], at_once: int
) -> None:
    with emptied.writing() as tx:
        for table in ("webhook", "profile", "profile_link", "outgoing", "out_target", "lease"):
            tx.execute(text(f"DELETE FROM {table}"))
    to, taker = target(at_once=at_once, profiles=False), Taker(words)
    for number, person in enumerate(people):
        take(emptied, reported(number, user=f"user-{person}"))
        fold(emptied, to)
        send(emptied, to, taker)
    while waiting(emptied):
        send(emptied, to, taker)

    came: defaultdict[str, list[str]] = defaultdict(list)
    for each in taker.taken:
        if each["messageId"] not in came[each["userId"]]:
            came[each["userId"]].append(each["messageId"])
    wanted: defaultdict[str, list[str]] = defaultdict(list)
    for number, person in enumerate(people):
        wanted[f"user-{person}"].append(f"event-{number}")
    assert came == wanted


class Refusing(Taker):
    """A target that refuses some messages whenever they come, alone or among others."""

    def __init__(self, refused: Iterable[str]) -> None:
        super().__init__()
        self.refused, self.asked = set(refused), 0

    def send(self, messages: Sequence[Waiting]) -> NotTaken | None:
        self.asked += 1
        if self.refused & {each.message_id for each in messages}:
            return NotTaken("it answers 422", refused=True)
        return super().send(messages)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(1, 10), st.sets(st.integers(0, 9), max_size=4), st.integers(1, 12))
def test_what_is_refused_for_good_is_put_aside_and_all_others_go_on_in_order(
    emptied: Store, count: int, poison: set[int], at_once: int
) -> None:
    with emptied.writing() as tx:
        for table in ("webhook", "profile", "profile_link", "outgoing", "out_target", "lease", "problem"):
            tx.execute(text(f"DELETE FROM {table}"))
    to, taker = target(at_once=at_once, profiles=False), Refusing(f"event-{number}" for number in poison)
    take(emptied, *(reported(number) for number in range(count)))
    fold(emptied, to)
    turns = 0
    while waiting(emptied) and turns < 200:
        send(emptied, to, taker)
        turns += 1

    here = sorted(poison & set(range(count)))
    assert [each["messageId"] for each in taker.taken] == [f"event-{n}" for n in range(count) if n not in here]
    told = [(each["kind"], each["subject"], json.loads(each["payload"])["message_id"]) for each in problems(emptied)]
    assert sorted(told) == sorted(("out refused", "there", f"event-{number}") for number in here)
    # Those that are refused are asked for one by one and five times each; the others no more than once alone.
    assert taker.asked <= 2 * count + (pump.MOST_REFUSALS + 1) * len(here) + 1


def test_what_was_put_aside_goes_on_when_it_is_replayed(make_world: Any) -> None:
    world: World = make_world(out={"there": {"url": "http://127.0.0.1:9"}})
    to, taker = target(profiles=False), Refusing(["event-1"])
    take(world.store, reported(1), reported(2))
    fold(world.store, to)
    while waiting(world.store):
        send(world.store, to, taker)
    taker.refused.clear()
    with world.store.reading() as tx:
        [kept] = kept_problems.kept(tx)
        assert alert_targets.out_refused(tx, ["there"]) == {"there": 1}
        assert alert_targets.out_failing(tx, ["there"]) == []
    assert admin.replay(world.runtime, kept) == "it goes on to there again, behind what waits there"
    send(world.store, to, taker)
    assert [each["messageId"] for each in taker.taken] == ["event-2", "event-1"]
    assert (problems(world.store), waiting(world.store)) == ([], [])


def test_what_a_target_has_refused_is_no_alert_any_more_once_the_settings_name_it_no_longer(store: Store) -> None:
    """The messages stay, as what waits for it does: whoever names the target again can replay them."""
    take(store, reported(1))
    fold(store, target(profiles=False))
    while waiting(store):
        send(store, target(profiles=False), Refusing(["event-1"]))
    with store.reading() as tx:
        assert alert_targets.out_refused(tx, ["there", "elsewhere"]) == {"there": 1}
        assert alert_targets.out_refused(tx, ["elsewhere"]) == {}
    assert [each["subject"] for each in problems(store)] == ["there"]


def test_a_profile_that_was_put_aside_goes_on_as_it_is_when_it_is_replayed(make_world: Any) -> None:
    """What came after it has gone on: that must not be undone."""
    hook = {"url": "http://127.0.0.1:9", "name": "there"}
    world: World = make_world(out={"there": hook})
    to = target(events=False)

    class Picky(Taker):
        def send(self, messages: Sequence[Waiting]) -> NotTaken | None:
            odd = any("Bad" in each.body and "Good" not in each.body for each in messages)
            return NotTaken("it answers 422", refused=True) if odd else super().send(messages)

    taker = Picky()
    for number, subject in enumerate(("Bad", "Good")):
        take(world.store, reported(number, subject=subject))
        fold(world.store, to)
        while waiting(world.store):
            send(world.store, to, taker)
    assert [each["traits"]["cio_subjects"] for each in taker.taken] == [["Bad", "Good"]]
    with world.store.reading() as tx:
        [kept] = kept_problems.kept(tx)
    admin.replay(world.runtime, kept)
    send(world.store, to, taker)
    assert [each["traits"]["cio_subjects"] for each in taker.taken] == [["Bad", "Good"]] * 2
    assert len({each["messageId"] for each in taker.taken}) == 2
    assert (problems(world.store), waiting(world.store)) == ([], [])


def test_a_target_that_refuses_everything_is_asked_ever_more_seldom(store: Store) -> None:
    """It is the target then, not the messages: no flood of problems."""
    to, taker = target(profiles=False), Refusing(f"event-{number}" for number in range(10))
    take(store, *(reported(number) for number in range(10)))
    fold(store, to)
    for _ in range(2 * pump.MOST_REFUSALS):
        send(store, to, taker)
    with store.reading() as tx:
        assert outgoing.states(tx)["there"].failures >= 2 * (pump.MOST_REFUSALS - 1)
        assert [each.name for each in alert_targets.out_failing(tx, ["there"])] == ["there"]


def test_a_webhook_goes_on_once_with_the_profile_that_it_changed(store: Store) -> None:
    to, taker = target(), Taker()
    take(store, reported(1), reported(2, "email_clicked"), reported(3, user="user-2"))
    fold(store, to)
    take(store, reported(1))
    fold(store, to)
    send(store, to, taker)
    assert [(each["type"], each["userId"]) for each in taker.taken] == [
        ("track", "user-1"),
        ("track", "user-1"),
        ("track", "user-2"),
        ("identify", "user-1"),
        ("identify", "user-2"),
    ]
    assert taker.taken[3]["traits"]["cio_events"] == {"email_clicked": 1, "email_opened": 1}
    assert waiting(store) == []


def test_a_target_that_fails_is_a_problem_and_is_told_until_it_takes_again(store: Store) -> None:
    to, taker = target(profiles=False), Taker(["refuse"] * 5)
    take(store, *(reported(number) for number in range(4)))
    fold(store, to)
    for _ in range(5):
        send(store, to, taker)
    assert [(each["kind"], each["subject"]) for each in problems(store)] == [("out", "there")]
    told = gathered(build(out={"there": {"url": "http://127.0.0.1:9"}}), store, None, 60.0)
    assert (told["out"]["there"]["waiting"], told["state"], told["needs_somebody"]) == (4, "out", True)
    send(store, to, taker)
    assert (taker.requests, problems(store), waiting(store)) == ([1, 3], [], [])


def test_requests_are_bounded_in_count_and_bytes(store: Store) -> None:
    to, taker = target(at_once=3, profiles=False), Taker()
    take(store, *(reported(number) for number in range(7)))
    fold(store, to)
    send(store, to, taker)
    small = target(batch_bytes=1, profiles=False)
    take(store, reported(7), reported(8))
    fold(store, small)
    send(store, small, taker)
    assert taker.requests == [3, 3, 1, 1, 1]


def test_one_process_at_a_time_sends_to_a_target(store: Store) -> None:
    to, other = target(profiles=False), Taker()

    class Meanwhile(Taker):
        def send(self, messages: Sequence[Waiting]) -> NotTaken | None:
            send(store, to, other)
            return super().send(messages)

    take(store, reported(1))
    fold(store, to)
    send(store, to, Meanwhile())
    assert (other.taken, waiting(store)) == ([], [])


@contextmanager
def listening(status: int = 204) -> Iterator[tuple[str, list[tuple[dict[str, str], bytes]]]]:
    """A stand-in for somebody's HTTP address."""
    came: list[tuple[dict[str, str], bytes]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            came.append(({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/hook?of=ours", came
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
def test_an_address_gets_a_batch_signed_as_standard_webhooks_has_it(store: Store) -> None:
    with listening() as (url, came):
        to = target(url=url, signing_secrets=SECRET)
        take(store, reported(1))
        fold(store, to)
        assert [each.name for each in pump.due(store, [to])] == ["there"]
        send(store, to, targets.of(to, BrokerSettings()))
    [(headers, body)] = came
    signed = standard_webhooks.headers([SECRET], headers["webhook-id"], int(headers["webhook-timestamp"]), body)
    assert headers["webhook-signature"] == signed["webhook-signature"]
    assert [each["type"] for each in json.loads(body)["batch"]] == ["track", "identify"]
    assert (waiting(store), pump.due(store, [to])) == ([], [])


@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("status", [302, 400, 503])
def test_any_other_answer_than_2xx_keeps_it(store: Store, status: int) -> None:
    with listening(status) as (url, _):
        to = target(url=url, profiles=False)
        take(store, reported(1))
        fold(store, to)
        send(store, to, targets.of(to, BrokerSettings()))
    assert len(waiting(store)) == 1
    [problem] = problems(store)
    assert problem["reason"].startswith(f"nothing goes on to it: it answers {status}")
    assert "give the address that it leads to" in problem["reason"] or status != 302


@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
def test_an_address_that_is_gone_costs_no_message_and_is_told(store: Store) -> None:
    with listening(410) as (url, _):
        to = target(url=url, profiles=False)
        take(store, reported(1), reported(2))
        fold(store, to)
        for _ in range(2 * pump.MOST_REFUSALS):
            send(store, to, targets.of(to, BrokerSettings()))
    [problem] = problems(store)
    assert (problem["kind"], len(waiting(store))) == ("out", 2)
    assert "give another address" in problem["reason"]


@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
def test_what_is_bound_is_taken_up_to_the_first_that_is_not_and_that_is_named(store: Store, rabbitmq: RabbitMQ) -> None:
    broker, to = BrokerSettings(url=rabbitmq.url), target(exchange="partly", profiles=False)
    events = ("email_opened", "email_opened", "sms_sent", "email_opened")
    take(store, *(reported(number, event) for number, event in enumerate(events)))
    fold(store, to)
    with Connection(rabbitmq.url) as connection, connection.channel() as channel:
        channel.exchange_declare("partly", "topic", durable=True, auto_delete=False)
        queue = channel.queue_declare("partly-out", exclusive=True, auto_delete=True).queue
        channel.queue_bind(queue, "partly", "main.email_opened")
        send(store, to, targets.of(to, broker))
        assert [each.message_id for each in waiting(store)] == ["event-2", "event-3"]
        assert "bound to the exchange 'partly' for 'main.sms_sent'" in problems(store)[0]["reason"]
        for _ in range(3):
            send(store, to, targets.of(to, broker))
        assert len(waiting(store)) == 2
        channel.queue_bind(queue, "partly", "#")
        send(store, to, targets.of(to, broker))
        assert (waiting(store), problems(store)) == ([], [])
        came = [channel.basic_get(queue, no_ack=True).properties["message_id"] for _ in range(5)]
    # What was published behind the one that nobody wanted comes again after it.
    assert came == ["event-0", "event-1", "event-3", "event-2", "event-3"]


@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
def test_an_exchange_gets_messages_confirmed_and_only_if_a_queue_is_bound(store: Store, rabbitmq: RabbitMQ) -> None:
    broker, to = BrokerSettings(url=rabbitmq.url), target(exchange="reported", form="hull")
    take(store, reported(1), reported(2, "email_clicked"))
    fold(store, to)
    send(store, to, targets.of(to, broker))
    assert len(waiting(store)) == 3
    assert "no queue is bound" in problems(store)[0]["reason"]
    with Connection(rabbitmq.url) as connection, connection.channel() as channel:
        queue = channel.queue_declare("reported-out", exclusive=True, auto_delete=True).queue
        channel.queue_bind(queue, "reported", "main.#")
        for _ in range(3):
            send(store, to, targets.of(to, broker))
        assert waiting(store) == []
        found = [channel.basic_get(queue, no_ack=True) for _ in range(3)]
        assert channel.basic_get(queue, no_ack=True) is None
    assert [each.delivery_info["routing_key"] for each in found] == [
        "main.email_opened",
        "main.email_clicked",
        "main.profile",
    ]
    assert {each.headers[origin.NAME] for each in found} == {"customer.io/main"}
    assert found[0].properties["message_id"] == "event-1"


@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("form", ["segment", "hull"])
def test_what_came_from_customerio_is_never_sent_back_to_it(make_world: Any, form: Any) -> None:
    """Round trip: reported, sent on, and told us again by upstream, which keeps what it was given."""
    every = {"attributes": ["*"], "events": ["*"]}
    hook = {"there": {"url": "http://127.0.0.1:9"}}
    world: World = make_world(sync=every, out=hook, retention={"call_bodies": "all"})
    world.run(message("user-1", 1, external_id="user-1", plan="pro"))
    to, taker = target(form=form), Taker()
    take(world.store, reported(1))
    fold(world.store, to)
    send(world.store, to, taker)
    before = world.sent("identify", "event")
    for body in taker.taken:
        told = [body] if form == "segment" else [as_hull_tells(body)]
        accept(world.store, world.rules, formats.parse(form, told))
    world.settle()
    assert world.sent("identify", "event") == before
    assert [body.get("event") for body in taker.taken] == ["Email Opened", None]


def as_hull_tells(body: dict[str, Any]) -> dict[str, Any]:
    """Hull's own message about the user, once it has taken in what it was sent."""
    user = {"id": "user-1", "external_id": "user-1", "plan": "pro", **body.get("attributes", {})}
    events = (
        [{name: body[name] for name in ("event", "event_id", "properties", "created_at")}] if "event" in body else []
    )
    return {"user": user, "segments": [{"id": "Paying", "name": "Paying"}], "events": events}


@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
def test_an_echo_does_not_bring_back_whom_upstream_has_deleted(make_world: Any, simulator: Simulated) -> None:
    world: World = make_world(sync={"events": ["*"]})
    world.run(message("user-1", 1, external_id="user-1"), {"user": {"id": "user-1"}, "deleted": True, "version": 2})
    surroundings = {"context": {origin.NAME: "customer.io/main"}, "userId": "user-1"}
    accept(
        world.store, world.rules, formats.parse("segment", {"type": "track", "event": "Email Opened", **surroundings})
    )
    world.settle()
    assert simulator.people() == {}
    assert world.tallies()["events skipped: it came from Customer.io"] == 1


NO_ADDRESSES = (
    "http://h:99999/x", "http://h:0/x", "http://h o/", "http://[::1/", "http://h\0/", "http:///x", "ftp://h/x",
)  # fmt: skip


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "either url or exchange"),
        ({"url": "https://example.com", "exchange": "there"}, "either url or exchange"),
        ({"url": "https://example.com", "signing_secrets": "whsec_c2hvcnQ="}, "a secret is a key of 5 bytes"),
        *(({"url": each}, "is no address") for each in NO_ADDRESSES),
    ],
)
def test_settings_that_cannot_be_are_refused(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        OutTarget.model_validate(given)


def test_the_address_of_a_target_is_shown_nowhere() -> None:
    hidden = build(out={"there": {"url": "https://ada:hush@example.com/hush?token=hush"}})
    for shown in (repr(hidden), str(hidden), repr(hidden.out), str(hidden.model_dump()), hidden.model_dump_json()):
        assert "hush" not in shown
    assert hidden.out["there"].url == "https://ada:hush@example.com/hush?token=hush"


def test_what_nobody_could_foresee_is_told_of_the_target_and_loses_nothing(store: Store) -> None:
    class Broken(Taker):
        def send(self, messages: Sequence[Waiting]) -> NotTaken | None:
            raise UnicodeError("of what the message says")

    take(store, reported(1))
    fold(store, target(profiles=False))
    send(store, target(profiles=False), Broken())
    [problem] = problems(store)
    assert (problem["kind"], problem["subject"], len(waiting(store))) == ("out", "there", 1)
    assert "cannot be sent (UnicodeError)" in problem["reason"]


_WORK = """
import time
from tasks.activity import fold, send_on
from tasks.background import _threads
fold()
send_on()
for thread in list(_threads.values()):
    thread.join()
"""


def test_the_workers_tasks_fold_and_send_on(file_url: str, open_store: Callable[[str], Store], tmp_path: Path) -> None:
    store = open_store(file_url)
    take(store, reported(1))
    with listening() as (url, came):
        environment = write(tmp_path, values(store=file_url, out={"there": {"url": url}}))
        work = subprocess.run(
            [sys.executable, "-c", _WORK],
            check=False,
            env={**bare_environment(), **environment},
            capture_output=True,
            text=True,
        )
    assert work.returncode == 0, work.stderr
    assert [each["type"] for each in json.loads(came[0][1])["batch"]] == ["track", "identify"], work.stdout
    assert waiting(store) == []
