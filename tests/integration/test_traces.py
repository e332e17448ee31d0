"""One trace from upstream's message to what Customer.io has confirmed, on SQLite and on PostgreSQL."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from sqlalchemy import text

from connector.admin import retention
from connector.admin.privacy import find_user
from connector.admin.privacy.forget import Forgetting
from connector.customerio.responses import Reply
from connector.customerio.track import Track
from connector.errors import StoreError
from connector.intake import bodies
from connector.intake.traced import Telling
from connector.settings.retention import RetentionSettings
from connector.store import trace_contexts
from connector.store.engine import Store
from connector.tracing import spans, tracer
from connector.web.app import create_app, served
from connector.web.server import serving
from tests.build_settings import API_KEY, SITE_ID, TOKEN
from tests.collector import TRACE, TRACEPARENT, Told, told, traceparent
from tests.simulated import Simulated
from tests.world import World, event, message

MakeWorld = Callable[..., World]


@pytest.fixture
def exporter(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    """What spans are exported to in place of a collector."""
    memory = InMemorySpanExporter()
    monkeypatch.setattr(tracer, "_tracers", {})
    monkeypatch.setattr(spans, "OTLPSpanExporter", lambda **_: memory)
    return memory


@pytest.fixture
def world(make_world: MakeWorld, exporter: InMemorySpanExporter) -> World:
    """The product, which tells of traces."""
    return make_world(telemetry={"enabled": True}, web={"token": TOKEN})


@pytest.fixture
def ended(exporter: InMemorySpanExporter) -> Callable[[], list[Told]]:
    """The spans that have ended so far."""

    def ended_() -> list[Told]:
        tracer.flush()
        return [told(each) for each in exporter.get_finished_spans()]

    return ended_


Ended = Callable[[], list[Told]]


def take(world: World, *brought: tuple[dict[str, Any], str]) -> None:
    """Takes in messages as a reader does, as one batch: each with the traceparent that it brings."""
    telling = Telling(world.runtime.tracer, "segment-changes", [trace for _, trace in brought])
    texts = [json.dumps(each) for each, _ in brought]
    bodies.take(world.store, world.rules, "native", texts, 1_000_000, telling=telling)


def kept(store: Store) -> set[tuple[str, str]]:
    """Who is kept with which trace."""
    with store.reading() as tx:
        return {
            (key, context.split("-")[1]) for key, context in tx.execute(text("SELECT key, context FROM trace_context"))
        }


def named(told: list[Told], name: str) -> list[Told]:
    return [each for each in told if each.name == name]


@pytest.fixture
def door(world: World) -> Iterator[httpx.Client]:
    """The doors, and who may send to them."""
    app = create_app(world.runtime, lambda _: None)
    with (
        serving(served(app), "127.0.0.1", 0) as url,
        httpx.Client(base_url=url, timeout=30, headers={"Authorization": f"Bearer {TOKEN}"}) as client,
    ):
        yield client


# --- one message ------------------------------------------------------------------------------------------------------


def test_one_trace_leads_from_a_request_of_upstreams_to_the_request_that_customerio_confirmed(
    world: World, door: httpx.Client, simulator: Simulated, ended: Ended
) -> None:
    answer = door.post("/v1/changes", json=message("u1", 1, plan="a"), headers={"traceparent": TRACEPARENT})
    assert answer.status_code == 200
    world.settle()
    assert "u1" in simulator.people()
    found = ended()
    assert {each.trace for each in found} == {TRACE}
    [taken] = named(found, "take in")
    [delivered] = named(found, "deliver")
    [plan] = named(found, "plan")
    [request] = named(found, "request")
    assert taken.parent == TRACEPARENT.split("-")[2]
    assert (delivered.parent, plan.parent, request.parent) == (taken.id, delivered.id, delivered.id)
    assert taken.attributes == {
        "connector.door": "/v1/changes",
        "connector.batch.traces": 1,
        "connector.batch.messages": 1,
        "connector.batch.unreadable": 0,
        "connector.batch.due": "main",
    }
    assert request.attributes["connector.verdict"] == "settled"
    assert request.attributes["http.response.status_code"] == 200
    assert delivered.events == {"settled": {"connector.confirmed": 1}}


@pytest.mark.in_turn
@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("/v1/hull", "/v1/hull"),
        ("/v1/lytics", "/v1/lytics"),
        ("/v1/segment", "/v1/segment"),
        ("/v1/segment/v1/identify", "/v1/segment/v1/{type}"),
        ("/v1/track", "/v1/{type}"),
    ],
)
def test_each_door_takes_the_trace_over(world: World, door: httpx.Client, ended: Ended, path: str, route: str) -> None:
    body = {"type": "identify", "userId": "u1", "user": {"id": "u1"}, "segments": []}
    assert door.post(path, json=body, headers={"traceparent": TRACEPARENT}).status_code == 200
    [taken] = ended()
    assert (taken.trace, taken.attributes["connector.door"]) == (TRACE, route)


@pytest.mark.in_turn
@pytest.mark.parametrize("header", ["", "no traceparent", TRACEPARENT + "x" * 10_000, f"00-{'0' * 32}-{'0' * 16}-01"])
def test_a_header_that_is_no_traceparent_costs_nobody_their_message(
    world: World, door: httpx.Client, simulator: Simulated, ended: Ended, header: str
) -> None:
    assert door.post("/v1/changes", json=message("u1", 1), headers={"traceparent": header}).status_code == 200
    world.settle()
    assert "u1" in simulator.people()
    [taken] = named(ended(), "take in")
    assert (taken.parent, taken.trace != TRACE) == ("", True)


@pytest.mark.in_turn
def test_two_traceparents_in_one_request_are_none(world: World, door: httpx.Client, ended: Ended) -> None:
    headers = [("traceparent", TRACEPARENT), ("traceparent", traceparent(7))]
    assert door.post("/v1/changes", json=message("u1", 1), headers=headers).status_code == 200
    [taken] = named(ended(), "take in")
    assert taken.parent == ""


@pytest.mark.in_turn
def test_a_trace_that_its_upstream_does_not_sample_is_not_told_and_not_kept(world: World, ended: Ended) -> None:
    take(world, (message("u1", 1), traceparent(1, sampled=False)))
    assert kept(world.store) == set()
    world.settle()
    assert ended() == []


def test_a_message_by_which_nothing_is_due_is_told_and_not_kept(world: World, ended: Ended) -> None:
    take(world, (message("u1", 1, segments=[]), traceparent(1)))
    assert kept(world.store) == set()
    [taken] = ended()
    assert taken.attributes["connector.batch.due"] == ""


# --- batches ----------------------------------------------------------------------------------------------------------


def test_a_request_is_linked_to_the_trace_of_each_message_whose_change_it_carries(world: World, ended: Ended) -> None:
    take(
        world,
        (message("u1", 1), traceparent(1)),
        (message("u2", 1), traceparent(2)),
        (message("u3", 1), traceparent(2)),
        (message("u4", 1), ""),
    )
    world.settle()
    found = ended()
    own = {each.trace for each in named(found, "take in")} - {f"{number:032x}" for number in (1, 2)}
    assert len(own) == 1  # of the message that brought none
    [request] = named(found, "request")
    assert set(request.links) == {f"{1:032x}", f"{2:032x}", *own}
    delivered = {each.trace: each for each in named(found, "deliver")}
    assert delivered.keys() == set(request.links)
    assert all(request.trace in each.links for each in delivered.values() if each.trace != request.trace)
    assert delivered[f"{2:032x}"].events["settled"]["connector.confirmed"] in (2, 4)  # the whole claim in the first one
    taken = {each.trace: each for each in named(found, "take in")}
    assert f"{2:032x}" in taken[f"{1:032x}"].links
    assert taken[f"{2:032x}"].links == (f"{1:032x}",)


def test_several_messages_about_one_person_are_all_linked_but_for_more_than_are_kept(
    world: World, ended: Ended
) -> None:
    for number in range(1, 100):
        take(world, (message("u1", number, plan=str(number)), traceparent(number)))
    assert len(kept(world.store)) == trace_contexts.SLOTS
    assert ("u1", f"{99:032x}") in kept(world.store)
    world.settle()
    [request] = named(ended(), "request")
    assert len(request.links) == trace_contexts.SLOTS
    assert kept(world.store) == set()


def test_a_trace_stays_until_customerio_has_answered(world: World, simulator: Simulated, ended: Ended) -> None:
    take(world, (message("u1", 1), TRACEPARENT))
    simulator.go_wrong({"path": "/api/v2/batch", "status": 500, "times": 1})
    world.cycle()
    world.settle()
    requests = named(ended(), "request")
    assert requests[-1].attributes["connector.verdict"] == "settled"
    assert {each.trace for each in requests} == {TRACE}
    assert kept(world.store) == set()


def test_what_comes_while_a_request_is_out_keeps_its_trace(
    world: World, store: Store, ended: Ended, monkeypatch: pytest.MonkeyPatch
) -> None:
    take(world, (message("u1", 1, plan="a"), traceparent(1)))
    send = Track.send

    def send_slowly(track: Track, *given: Any) -> Reply:
        monkeypatch.setattr(Track, "send", send)
        take(world, (message("u1", 2, plan="b"), traceparent(2)))
        return track.send(*given)

    monkeypatch.setattr(Track, "send", send_slowly)
    world.cycle()
    assert kept(store) == {("u1", f"{2:032x}")}
    world.settle()
    assert [request.links for request in named(ended(), "request")] == [(f"{1:032x}",), (f"{2:032x}",)]


# --- what is kept is let go -------------------------------------------------------------------------------------------


def test_a_batch_that_is_undone_keeps_no_trace_and_is_told_as_failed(
    world: World, ended: Ended, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: Any) -> None:
        raise StoreError("no")

    telling = Telling(world.runtime.tracer, "segment-changes", [TRACEPARENT])
    with pytest.raises(StoreError):
        bodies.take(
            world.store, world.rules, "native", [json.dumps(message("u1", 1))], 10**6, check=refuse, telling=telling
        )
    assert kept(world.store) == set()
    [taken] = ended()
    assert taken.failed


def test_who_is_forgotten_leaves_no_trace(world: World, store: Store) -> None:
    take(world, (message("u1", 1), traceparent(1)), (message("u2", 1), traceparent(2)))
    assert {key for key, _ in kept(store)} == {"u1", "u2"}
    Forgetting(world.runtime, find_user.find(world.runtime, "u1", ""), busy_seconds=0.0).run()
    assert {key for key, _ in kept(store)} == {"u2"}


def test_what_is_never_settled_is_dropped_after_a_day(world: World, store: Store) -> None:
    take(world, (message("u1", 1), traceparent(1)), (message("u2", 1), traceparent(2)))
    with store.writing() as tx:
        tx.execute(text("UPDATE trace_context SET at = at - 90000 WHERE key = 'u1'"))
    assert retention.retain(store, RetentionSettings(), world.rules)
    assert {key for key, _ in kept(store)} == {"u2"}


@pytest.mark.in_turn
def test_nothing_is_kept_while_traces_are_off(make_world: MakeWorld, store: Store) -> None:
    world = make_world()
    assert world.runtime.tracer is None
    take(world, (message("u1", 1), TRACEPARENT))
    assert kept(store) == set()
    world.settle()


# --- objects, failures, and what is never told ------------------------------------------------------------------------


def test_an_objects_trace_leads_to_its_request(make_world: MakeWorld, exporter: Any, ended: Ended) -> None:
    objects = [{"type": "2", "from": ["object"], "attributes": ["title"]}]
    world = make_world(telemetry={"enabled": True}, sync={"objects": objects})
    about = {"object": {"type": "2", "id": "c1", "attributes": {"title": "Example"}}, "version": 1}
    take(world, (about, TRACEPARENT))
    world.settle()
    [request] = named(ended(), "request")
    assert (request.trace, request.attributes["connector.kind"]) == (TRACE, "object")


@pytest.mark.in_turn
def test_no_attribute_names_a_person_or_holds_a_secret(world: World, door: httpx.Client, ended: Ended) -> None:
    whole = message("somebody-7", 1, event("Signed up", "e-7"), email="ada@example.com", plan="a")
    door.post("/v1/changes", json=whole, headers={"traceparent": TRACEPARENT})
    world.settle()
    told_of = ended()
    assert {each.name for each in told_of} == {"take in", "deliver", "plan", "request"}
    said = repr(told_of)
    for private in ("somebody-7", "ada@example.com", "e-7", "Signed up", TOKEN, API_KEY, SITE_ID):
        assert private not in said


@pytest.mark.in_turn
def test_a_claim_that_fails_in_the_middle_is_told_as_failed(
    world: World, ended: Ended, monkeypatch: pytest.MonkeyPatch
) -> None:
    take(world, (message("u1", 1), TRACEPARENT))

    def fail(*_: Any) -> Reply:
        raise StoreError("the store is away")

    monkeypatch.setattr(Track, "send", fail)
    with pytest.raises(StoreError):
        world.cycle()
    [delivered] = named(ended(), "deliver")
    assert delivered.failed
    assert kept(world.store) == {("u1", TRACE)}
