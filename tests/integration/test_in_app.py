"""What became of messages is reported to Customer.io: content that was seen or clicked, and metrics of deliveries."""

from collections.abc import Callable
from typing import Any

import pytest

from connector import formats
from connector.intake.accept import accept
from tests.simulated import Simulated
from tests.world import World

MakeWorld = Callable[..., World]
EVERYBODY = {"segments": ["*"], "identifier": "id", "attributes": ["plan"]}
SEEN = {"actionType": "viewed_content", "contentId": 7}
CLICKED = {
    "deliveryId": "delivery-1",
    "metric": "clicked",
    "actionName": "Buy",
    "actionValue": "now",
    "recipient": "ada@example.com",
}

pytestmark = pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)


def track(number: int, event: str, **properties: Any) -> dict[str, Any]:
    stamp = {"messageId": f"m-{number}", "timestamp": "2026-01-02T03:04:05Z"}
    return {"type": "track", "userId": "user-1", "event": event, "properties": properties, **stamp}


def told(make_world: MakeWorld, *calls: dict[str, Any], **sync: Any) -> World:
    world = make_world(sync={**EVERYBODY, **sync}, retention={"call_bodies": "all"})
    accept(world.store, world.rules, formats.parse("segment", [{"type": "identify", "userId": "user-1"}, *calls]))
    world.settle()
    return world


def test_content_that_was_seen_or_clicked_is_reported(make_world: MakeWorld, simulator: Simulated) -> None:
    calls = (
        track(1, "Report Content Event", **SEEN),
        track(2, "Report Content Event", **{**SEEN, "actionType": "clicked_content"}),
    )
    world = told(make_world, *calls, events=["viewed_content", "clicked_content"])
    sent = world.sent("viewed_content", "clicked_content")
    assert [(each["action"], each["name"], each["attributes"]) for each in sent] == [
        ("viewed_content", "viewed_content", {"contentId": 7}),
        ("clicked_content", "clicked_content", {"contentId": 7}),
    ]
    assert (simulator.event_names("user-1"), simulator.violations()) == (["viewed_content", "clicked_content"], [])


@pytest.mark.parametrize("actions", [[], [{"when": {"event": "Nothing"}, "do": "ignore"}]])
def test_a_metric_of_a_delivery_is_reported(
    make_world: MakeWorld, simulator: Simulated, actions: list[dict[str, Any]]
) -> None:
    world = told(make_world, track(1, "Report Delivery Event", **CLICKED), events=["metric"], actions=actions)
    [call] = [each for each in simulator.calls() if each["endpoint"] == "/api/v1/metrics"]
    assert (call["status"], simulator.summary()["metrics"], simulator.violations()) == (200, 1, [])
    assert (world.tallies()["events sent"], world.problems()) == (1, [])


def test_neither_is_reported_unless_events_says_so(make_world: MakeWorld, simulator: Simulated) -> None:
    calls = track(1, "Report Content Event", **SEEN), track(2, "Report Delivery Event", **CLICKED)
    world = told(make_world, *calls, events=["Signed up"])
    assert (simulator.summary()["metrics"], world.sent("viewed_content")) == (0, [])
    assert world.tallies()["events skipped: not in the list of events"] == 2


@pytest.mark.parametrize("said", [{"metric": "opened"}, {"metric": "eaten", "deliveryId": "delivery-1"}])
def test_what_lacks_its_delivery_or_a_known_metric_is_an_event_like_others(
    make_world: MakeWorld, simulator: Simulated, said: dict[str, str]
) -> None:
    told(make_world, track(1, "Report Delivery Event", **said), events=["Report Delivery Event"])
    assert simulator.event_names("user-1") == ["Report Delivery Event"]
