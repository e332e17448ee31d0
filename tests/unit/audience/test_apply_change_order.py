"""Whatever the order in which changes arrive and however often, the end is that of the order of versions."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.audience.apply_change import merge
from connector.audience.desired import Desired, desired
from connector.audience.rules import Rules
from connector.model.change import Change, Segment
from connector.model.entity import Facts
from tests.build import PAYING, STAFF, TRIAL, after, change, event, moved, rules, said, snapshot, thorough

ON_EXIT = pytest.mark.parametrize("on_exit", ["keep", "clear", "delete"])
SEGMENTS = st.lists(st.sampled_from([PAYING, TRIAL, STAFF]), unique=True, max_size=3).map(tuple)
USERS = st.fixed_dictionaries(
    {"external_id": st.sampled_from(["1001", "1002", None])},
    optional={"plan": st.sampled_from([None, "pro", "team"]), "email": st.sampled_from([None, "user-1@example.com"])},
)


def story(messages: st.SearchStrategy[Change]) -> st.SearchStrategy[list[Change]]:
    """Messages of one user with versions 1, 2, 3, ..."""
    told = st.lists(messages, min_size=1, max_size=6)
    return told.map(lambda each: [replace(message, version=version) for version, message in enumerate(each, 1)])


SNAPSHOTS = st.builds(lambda user, segments: change(user=user, segments=segments, whole=True), USERS, SEGMENTS)
PARTS = st.builds(lambda user: change(user=user), USERS)


def _moved(entered: tuple[Segment, ...], left: tuple[Segment, ...]) -> Change:
    return change(user={}, entered=entered, left=tuple(each for each in left if each not in entered))


MOVES = st.builds(_moved, SEGMENTS, SEGMENTS)
MEMBERSHIPS = st.builds(lambda user, segments: change(user=user, segments=segments), USERS, SEGMENTS)


def arranged(told: list[Change], data: st.DataObject) -> list[Change]:
    """The messages in any order, some of them again."""
    again = data.draw(st.lists(st.sampled_from(told), max_size=4))
    return data.draw(st.permutations([*told, *again]))


def wanted(told: Iterable[Change], under: Rules) -> Desired:
    """What should be held. By what a deleted user was called before is known only if that was said before."""
    return desired(after(told, under), under)._replace(gone=())


@ON_EXIT
@thorough
@given(story(SNAPSHOTS), st.data())
def test_snapshots_may_come_in_any_order(on_exit: str, told: list[Change], data: st.DataObject) -> None:
    under = rules(on_exit=on_exit, attributes=["plan", "email"])
    assert wanted(arranged(told, data), under) == wanted(told, under)


@ON_EXIT
@thorough
@given(story(SNAPSHOTS | PARTS | MOVES | MEMBERSHIPS), st.data())
def test_parts_may_come_in_any_order_where_everybody_is_in(
    on_exit: str, told: list[Change], data: st.DataObject
) -> None:
    under = rules(segments=["*"], segment_attribute="", on_exit=on_exit)
    assert wanted(arranged(told, data), under) == wanted(told, under)


@ON_EXIT
@thorough
@given(story(SNAPSHOTS | PARTS | MOVES | MEMBERSHIPS), st.data())
def test_the_membership_itself_never_depends_on_the_order(
    on_exit: str, told: list[Change], data: st.DataObject
) -> None:
    under = rules(on_exit=on_exit)
    assert after(arranged(told, data), under).segments == after(told, under).segments


@ON_EXIT
@thorough
@given(st.lists(SNAPSHOTS | PARTS | MOVES | MEMBERSHIPS, max_size=5), st.data())
def test_taking_a_change_in_twice_is_taking_it_in_once(on_exit: str, told: list[Change], data: st.DataObject) -> None:
    under = rules(on_exit=on_exit, events=["*"])
    versions = st.none() | st.integers(1, 9)
    told = [replace(each, version=data.draw(versions), events=(event(),)) for each in told]
    last = replace(data.draw(SNAPSHOTS | PARTS | MOVES | MEMBERSHIPS), version=data.draw(versions), events=(event(),))
    once = merge(after(told, under), last, under)
    twice = merge(once.facts, last, under)
    assert twice.facts == once.facts
    assert twice.standing is once.standing
    assert {each.id for each in twice.events} == {each.id for each in once.events}


@ON_EXIT
@thorough
@given(story(SNAPSHOTS), st.data())
def test_events_are_the_same_however_often_a_message_comes(
    on_exit: str, told: list[Change], data: st.DataObject
) -> None:
    under = rules(on_exit=on_exit, events=["*"])
    named = [replace(each, events=(event(id=f"e-{each.version}"),)) for each in told]
    accepted: set[str] = set()
    for order in (named, [*named, *named]):
        facts, ids = Facts(), set()
        for each in order:
            merged = merge(facts, each, under)
            facts, ids = merged.facts, ids | {one.id for one in merged.events}
        accepted = accepted or ids
        assert accepted <= ids


DELETIONS = st.builds(lambda: change(user={}, deleted=True))


@ON_EXIT
@thorough
@given(story(SNAPSHOTS | DELETIONS), st.data())
def test_a_user_may_be_deleted_and_come_back_in_any_order(
    on_exit: str, told: list[Change], data: st.DataObject
) -> None:
    under = rules(on_exit=on_exit)
    assert wanted(arranged(told, data), under) == wanted(told, under)


@pytest.mark.parametrize("on_exit", ["clear", "delete"])
@thorough
@given(story(SNAPSHOTS | PARTS | DELETIONS), st.data())
def test_parts_may_come_around_a_deletion_in_any_order_where_everybody_is_in(
    on_exit: str, told: list[Change], data: st.DataObject
) -> None:
    under = rules(segments=["*"], segment_attribute="", on_exit=on_exit)
    assert wanted(arranged(told, data), under) == wanted(told, under)


# --- where it does not hold yet --------------------------------------------------------------------------------------


def same_both_ways(*told: Change, **given: Any) -> None:
    under = rules(**given)
    by_version = sorted(told, key=lambda each: each.version or 0)
    assert wanted(told, under) == wanted(by_version, under)


def test_a_late_whole_membership_is_listed_beneath_a_newer_difference() -> None:
    same_both_ways(snapshot(1, PAYING), moved(3, TRIAL), change(2, segments=(PAYING, STAFF)), on_exit="clear")


def test_a_part_before_any_membership_lists_nothing() -> None:
    same_both_ways(said(2, plan="pro"), snapshot(1, PAYING, plan="team"), segments=["*"])


def test_a_part_that_overtakes_the_entry_is_not_lost() -> None:
    same_both_ways(said(2, plan="pro"), snapshot(1, PAYING, plan="team"))


@pytest.mark.parametrize("told", [said(2, plan="pro"), moved(2, TRIAL)], ids=["attribute", "membership"])
def test_a_part_that_arrives_after_the_exit_leaves_who_is_kept_as_they_are(told: Change) -> None:
    # A part is judged by the membership known when it arrives (docs/messages.md#versions-and-order).
    under = rules(on_exit="keep")
    before = [snapshot(1, PAYING, plan="team"), moved(3, left=[PAYING])]
    assert wanted([*before, told], under) == wanted(before, under)


def test_a_part_from_before_the_entry_counts_the_same_early_or_late() -> None:
    same_both_ways(change(2, entered=(PAYING,)), said(1, plan="pro"))


@pytest.mark.parametrize("on_exit", ["clear", "delete"])
def test_a_snapshot_of_an_outsider_leaves_no_attributes(on_exit: str) -> None:
    known = after([snapshot(2, STAFF, plan="new")], rules(on_exit=on_exit))
    assert (known.entered, dict(known.attributes.values)) == (False, {})


def test_a_visitor_told_late_is_remembered() -> None:
    told = snapshot(2, PAYING), change(1, segments=(PAYING,), whole=True, anonymous_id="v-1")
    same_both_ways(*told, anonymous_events=True)
