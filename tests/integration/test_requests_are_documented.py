"""Whatever upstream says, every request has a form that Customer.io documents; odd parts cost themselves alone."""

from collections.abc import Callable
from typing import Any

from connector import formats
from connector.intake.accept import accept
from tests.simulated import Simulated
from tests.world import World, event, message

ODD: dict[str, Any] = {
    "": 1, " ": 2, "x" * 151: 3, "cio_id": "c", "_update": False, "_timestamp": "x", "cio_relationships": [1],
    "email": 5, "anonymous_id": 7, "phone": 12, "cio_subscription_preferences": {"topics": {"topic_1": "yes"}},
    "created_at": "2026-01-31", "unsubscribed": "maybe", "n": float(10**20), "big": "y" * 1001,
    "deep": {"a": [1] * 500},
}  # fmt: skip
DEVICE = {"token": "t", "type": "iOS", "lastUsed": "2026", "n": 5, "b": True, "deep": {"a": 1}}
CALLS: tuple[dict[str, Any], ...] = (
    {"type": "identify", "userId": "u2", "traits": ODD},
    {"type": "track", "event": "Seen", "anonymousId": "v1", "properties": ODD},
    {"type": "track", "event": "Invited", "anonymousId": "", "properties": {"recipient": "ada@example.com"}},
    {"type": "page", "anonymousId": "v1"},
    {"type": "screen", "userId": "u2", "name": "N" * 120},
    {"type": "track", "event": "Device Created or Updated", "userId": "u2", "context": {"device": DEVICE}},
    {"type": "group", "groupId": "g1", "userId": "u2", "traits": ODD},
    {"type": "alias", "previousId": "u2", "userId": "u3"},
)  # fmt: skip


def test_odd_messages_make_no_odd_requests(make_world: Callable[..., World], simulator: Simulated) -> None:
    company = {"type": "1", "from": ["group"], "attributes": ["n", "email"], "relationship_attributes": ["email"]}
    everything = {"segments": ["*"], "attributes": ["*"], "events": ["*"], "objects": [company]}
    world = make_world(sync={**everything, "anonymous_events": True})
    world.run(message("u1", 1, event(" ", "e0"), event("page", "e1", type="page", properties=ODD), **ODD))
    for number, call in enumerate(CALLS):
        accept(world.store, world.rules, formats.parse("segment", {**call, "messageId": f"m{number}"}))
        world.settle()

    assert simulator.violations() == []
    assert set(simulator.people()) == {"u1", "u3"}
    assert [problem for problem in world.problems() if problem[0] == "refused"] == []
