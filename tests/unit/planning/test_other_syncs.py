"""What a sync may take away of a person whom another sync of the workspace wants."""

from dataclasses import replace
from typing import Any

from connector.audience.audience_status import AudienceStatus
from connector.audience.other_syncs import WantedByOthers
from connector.audience.rules import Rules
from connector.model.entity import Entity, Identifier
from connector.planning.other_syncs import OtherSyncPerson, next_step, together, wanted
from connector.planning.step import Step
from tests.build import PAYING, STAFF, actions, after, ident, person, rules, snapshot
from tests.build import wanted as desired

OURS = replace(rules(on_exit="delete", segment_attribute=""), beside=("second",))
THEIRS = replace(rules(name="second", attributes=("city",), segment_attribute=""), beside=("main",))
GONE = desired(None, AudienceStatus.DELETED)


def left(elsewhere: WantedByOthers | None, entity: Entity | None = None) -> Step:
    """The step for somebody who left, whom we had delivered with a plan and a city."""
    ours = Entity("u-1", delivered=person("1001", plan="pro", city="Bern"))
    return next_step(entity or ours, GONE, (), OURS, elsewhere)


def there(under: Rules = THEIRS, **given: Any) -> OtherSyncPerson:
    """The same user as the other sync wants them."""
    facts = after([snapshot(1, PAYING, city="Bern")], under)
    return OtherSyncPerson(under, replace(Entity("u-1", facts), **given))


def test_whom_nobody_else_wants_is_deleted() -> None:
    assert actions(left(None)) == ["delete"]


def test_of_whom_another_sync_wants_only_what_nobody_else_sends_is_cleared_and_nobody_is_created() -> None:
    step = left(together("u-1", [there()]))
    [operation] = step.operations
    assert operation.item["attributes"] == {"plan": None, "_update": True}
    assert (step.after, step.effect) == (None, "let go")


def test_a_profile_that_nobody_else_knows_is_deleted_all_the_same() -> None:
    entity = Entity("u-1", delivered=person("1001", "old", city="Bern"))
    step = left(together("u-1", [there()]), entity)
    assert [each.item["identifiers"] for each in step.operations if each.item["action"] == "delete"] == [{"id": "old"}]
    assert step.effect == "deleted"


def test_whoever_left_the_other_sync_too_is_wanted_by_nobody() -> None:
    cleared = replace(THEIRS, on_exit="clear")
    facts = after([snapshot(1, PAYING, city="Bern"), snapshot(2, STAFF)], cleared)
    assert wanted(OtherSyncPerson(cleared, Entity("u-1", facts, person(city="Bern")))) is None


def test_whom_the_guard_of_the_other_sync_holds_is_wanted_as_they_are() -> None:
    held = replace(THEIRS, on_exit="delete")
    facts = after([snapshot(1, PAYING, city="Bern"), snapshot(2, STAFF)], held)
    found = wanted(OtherSyncPerson(held, Entity("u-1", facts, person(city="Bern")), held=True))
    assert found is not None
    assert found.names == {"city", "id"}


def test_a_sync_that_does_not_deliver_and_never_has_wants_nobody() -> None:
    quiet = replace(THEIRS, deliver=False)
    assert wanted(there(quiet)) is None
    assert wanted(there(quiet, delivered=person(city="Bern"))) is not None


def test_nobody_is_merged_away_from_under_an_identifier_that_another_sync_goes_on_with() -> None:
    keeping = replace(THEIRS, on_identifier_change="keep")
    elsewhere = together("u-1", [there(keeping, delivered=person("old", city="Bern"))])
    assert elsewhere is not None
    assert elsewhere.owns(Identifier("id", "old"))
    entity = Entity("u-1", delivered=person("old", plan="pro"))
    step = next_step(entity, desired(person("1001", plan="pro")), (), OURS, elsewhere)
    assert (actions(step), step.after) == (["identify"], person("1001", plan="pro"))


def test_an_attribute_that_we_send_no_more_and_another_sync_sends_is_not_emptied() -> None:
    entity = Entity("u-1", delivered=person("1001", plan="pro", city="Bern"))
    step = next_step(entity, desired(person("1001", plan="team")), (), OURS, together("u-1", [there()]))
    assert [each.item["attributes"] for each in step.operations] == [{"plan": "team"}]


def test_who_is_blocked_by_another_sync_is_not_freed() -> None:
    blocked = Entity("u-1", delivered=person("1001")._replace(suppressed=True))
    elsewhere = WantedByOthers(("second",), (ident("1001"),), blocked=True)
    step = next_step(blocked, desired(person("1001", plan="pro")), (), OURS, elsewhere)
    assert (actions(step), step.after) == ([], blocked.delivered)
