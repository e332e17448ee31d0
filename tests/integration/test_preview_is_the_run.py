"""What `connector plan` shows for a message is what a real run then sends for it."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from connector import formats
from connector.admin.preview.preview import Previewer
from connector.customerio.track import Track
from tests.simulated import Simulated
from tests.world import World, event, message

LIFE = [
    message("u1", 1, event("Signed up", "e1"), plan="pro", email="u1@example.com"),
    message("u1", 1, event("Signed up", "e1"), plan="pro", email="u1@example.com"),
    message("u2", 1, plan="free", external_id="u1"),  # the identifier is u1's
    message("u1", 2, plan=None),
    message("u1", 3, plan="team", external_id="u1-new"),
    message("u3", 1, event("Signed up", "e2"), plan="x" * 2000),
    message("u1", 4, segments=["Staff"]),
    message("u1", 5, plan="back"),
    message("u4", 1, segments=["Staff"], plan="never"),
]


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Every operation that goes to the Track API, in order."""
    items: list[dict[str, Any]] = []
    send = Track.send

    def noted(self: Track, endpoint: str, body: bytes, *more: Any, **rest: Any) -> Any:
        items.extend(json.loads(body)["batch"])
        return send(self, endpoint, body, *more, **rest)

    monkeypatch.setattr(Track, "send", noted)
    return items


@pytest.mark.parametrize("on_exit", ["keep", "clear", "delete"])
def test_what_plan_shows_is_what_is_sent(
    make_world: Callable[..., World], sent: list[dict[str, Any]], on_exit: str
) -> None:
    world = make_world(sync={"on_exit": on_exit, "events": ["Signed up"], "deletion_guard": {"share": 1.0}})
    previewer = Previewer(world.rules)
    for told in LIFE:
        sent.clear()
        world.run(told)
        (shown,) = previewer.preview(formats.parse("native", [told]))
        assert list(shown.operations) == sent


def test_who_is_known_is_planned_for_as_who_was_delivered(
    make_world: Callable[..., World], simulator: Simulated, sent: list[dict[str, Any]]
) -> None:
    first, part = message("u1", 1, plan="pro"), {"user": {"id": "u1", "plan": "team"}, "version": 2}
    world = make_world()
    world.run(first)
    known: list[Any] = [{"user": "u1", "identifier": "u1", "attributes": simulator.people()["u1"]}]
    previewer = Previewer(world.rules)
    previewer.know(known)
    again, moved = message("u1", 1, plan="pro"), part
    shown = list(previewer.preview(formats.parse("native", [again, moved])))
    sent.clear()
    world.run(again, moved)
    assert [each for one in shown for each in one.operations] == sent
