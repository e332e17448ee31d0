"""What other settings would change in Customer.io: told before anything is sent, and sent where it is ordered."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from structlog.testing import capture_logs

from connector import formats
from connector.admin import deviations
from connector.intake.accept import accept
from tests.simulated import Simulated
from tests.world import World, message

Make = Callable[..., World]
SYNC: dict[str, Any] = {
    "segments": ["Paying", "Trial"],
    "attributes": ["plan", "city"],
    "on_exit": "delete",
    "segment_attribute": "lists",
}


def told(world: World, at_once: int = 2) -> list[tuple[str, str, tuple[str, ...], tuple[str, ...]]]:
    found = deviations.of_sync(world.store, world.rules[0], at_once=at_once)
    return [(each.key, each.effect, each.sets, each.clears) for each in found]


@pytest.fixture
def before(make_world: Make) -> World:
    """Five people in Customer.io, one of them in another segment."""
    world = make_world(sync=SYNC)
    world.take(*(message(f"u{number}", 1, plan="pro", city="Bern") for number in range(4)))
    world.take(message("u4", 1, segments=["Trial"], plan="free"))
    world.settle()
    return world


def test_the_same_settings_change_nothing(before: World) -> None:
    assert told(before) == []


def test_who_turned_out_to_be_another_user_is_as_the_settings_say(before: World) -> None:
    alias = {"type": "alias", "userId": "u0", "previousId": "u1"}
    before.run(message("u2", 2, merges=[{"id": "u3"}, {"id": "u9"}]))
    accept(before.store, before.rules, formats.parse("segment", alias))
    before.settle()
    assert told(before) == []


def test_an_attribute_that_is_taken_off_would_be_cleared(before: World, make_world: Make, simulator: Simulated) -> None:
    asked = len(simulator.calls())
    after = make_world(sync={**SYNC, "attributes": ["plan"]})

    assert told(after) == [(f"u{number}", "updated", (), ("city",)) for number in range(4)]
    assert len(simulator.calls()) == asked
    assert not before.due("main")


def test_a_new_name_would_be_set_and_the_old_one_cleared(before: World, make_world: Make) -> None:
    renamed = make_world(sync={**SYNC, "segment_attribute": "all_segments"})
    assert told(renamed) == [(f"u{number}", "updated", ("all_segments",), ("lists",)) for number in range(5)]


@pytest.mark.parametrize(("on_exit", "effect"), [("delete", "deleted"), ("clear", "cleared")])
def test_who_would_leave_is_told(before: World, make_world: Make, on_exit: str, effect: str) -> None:
    after = make_world(sync={**SYNC, "segments": ["Paying"], "on_exit": on_exit})
    assert [(key, how) for key, how, _, _ in told(after)] == [("u4", effect)]


def test_an_object_would_be_deleted_too(make_world: Make) -> None:
    company = {"type": "1", "from": ["object"], "attributes": ["name", "size"]}
    world = make_world(sync={**SYNC, "objects": [company]})
    world.run({"object": {"type": "1", "id": "acme", "attributes": {"name": "Acme", "size": 3}}, "version": 1})
    after = make_world(sync={**SYNC, "objects": [{**company, "attributes": ["name"]}]})

    assert told(world) == []
    assert told(after) == [("1/acme", "updated", (), ("size",))]


def test_what_is_applied_is_what_was_told(before: World, make_world: Make, simulator: Simulated) -> None:
    after = make_world(sync={**SYNC, "segments": ["Paying"], "attributes": ["plan"]})
    effects = Counter(effect for _, effect, _, _ in told(after))
    assert deviations.apply(after.store, after.rules[0]) == 5
    after.settle()

    assert effects == {"updated": 4, "deleted": 1}
    assert {name: set(held) for name, held in simulator.people().items()} == {
        f"u{number}": {"plan", "lists"} for number in range(4)
    }
    assert told(after) == []
    assert deviations.apply(after.store, after.rules[0]) == 0


def test_who_is_due_anyhow_is_not_counted_as_concerned(before: World, make_world: Make) -> None:
    before.take(message("u9", 1, plan="pro"))
    with capture_logs() as logs:
        deviations.tell(before.runtime, until=lambda: False)
    assert [each for each in logs if each["event"] == "not everybody is as the settings say"] == []
    assert told(before) == [("u9", "created", ("lists", "plan"), ())]


def test_a_program_says_once_whom_its_settings_concern(before: World, make_world: Make) -> None:
    after = make_world(sync={**SYNC, "attributes": ["plan"]})
    with capture_logs() as logs:
        for world in (before, after, after):
            deviations.tell(world.runtime, until=lambda: False)

    (line,) = [each for each in logs if each["event"] == "not everybody is as the settings say"]
    assert (line["sync"], line["updated"]) == ("main", 4)
    assert "`connector diff main --apply`" in line["how"]
