"""Users who turn out to be one: whoever comes first, the end is the same, and nobody is left behind."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.audience import desired as audience
from connector.audience.apply_change import merge
from connector.audience.audience_status import AudienceStatus, standing_of
from connector.audience.rules import Rules
from connector.model.change import Change
from connector.model.entity import Entity, Facts, Profile, Unconfirmed
from connector.planning import merged_users
from tests.build import PAYING, change, event, ident, person, rules, said, thorough

USERS = ("a", "b", "c")
EVERYBODY = {"segments": ["*"], "segment_attribute": "", "attributes": ["plan", "city"]}


def alias(old: str, new: str, version: int) -> Change:
    """The change of the user who turned out to be another."""
    return change(version, key=old, user={}, merged_into=new)


def told(version: int, key: str, *, whole: bool = False, **user: Any) -> Change:
    return change(version, key=key, user={"external_id": key, **user}, whole=whole)


def settled(messages: Iterable[Change], under: Rules) -> dict[str, Entity]:
    """Everybody after these messages, and after every handing over that they lead to."""
    people: dict[str, Entity] = {}
    for each in messages:
        before = people.get(each.key, Entity(each.key))
        people[each.key] = replace(before, facts=merge(before.facts, each, under).facts)
        hand_all_over(people)
    return people


def hand_all_over(people: dict[str, Entity]) -> None:
    for key in [*sorted(people), *sorted(people)] * len(people):
        facts = {name: entity.facts for name, entity in people.items()}
        if found := merged_users.circle(key, facts):
            survivor, moved = merged_users.opened(found, facts)
            people[survivor] = replace(people[survivor], facts=moved)
        target = merged_users.target(people[key].facts)
        if target is not None:
            people[key], people[target] = merged_users.handed_over(people[key], people.get(target, Entity(target)))


def ends(people: dict[str, Entity], under: Rules) -> dict[str, Any]:
    """Who should be in Customer.io, and with which attributes; the others by how they stand."""
    desired = {key: audience.desired(entity.facts, under) for key, entity in people.items()}
    return {
        key: each.person or each.standing
        for key, each in desired.items()
        if each.standing is not AudienceStatus.OUTSIDE
    }


VALUES = st.sampled_from(["x", "y", None])
SAYINGS = st.builds(
    lambda key, whole, user: told(1, key, whole=whole, **user),
    st.sampled_from(USERS),
    st.booleans(),
    st.fixed_dictionaries({}, optional={"plan": VALUES, "city": VALUES}),
)
PAIRS = st.sampled_from([(old, new) for old in USERS for new in USERS if old != new])
ALIASES = PAIRS.map(lambda pair: alias(*pair, 1))


@st.composite
def stories(draw: st.DrawFn) -> list[Change]:
    """What is said of three users, with versions 1, 2, 3, ...; some of them turn out to be others."""
    messages = draw(st.lists(SAYINGS | ALIASES, min_size=2, max_size=7))
    return [replace(each, version=version) for version, each in enumerate(messages, 1)]


def consistent(messages: Sequence[Change]) -> bool:
    """Whether each user is said to be another one at most once; a message may be repeated for all that."""
    merged = [each.key for each in messages if each.merged_into]
    return len({*merged}) == len(merged)


def acyclic(messages: Sequence[Change]) -> bool:
    pairs = {(each.key, each.merged_into) for each in messages if each.merged_into}
    return len({old for old, _ in pairs}) == len(pairs) and all(
        each.key < each.merged_into for each in messages if each.merged_into
    )


@thorough
@given(stories().filter(acyclic), st.data())
def test_aliases_and_changes_may_come_in_any_order_and_again(story: list[Change], data: st.DataObject) -> None:
    under = rules(**EVERYBODY)
    again = data.draw(st.lists(st.sampled_from(story), max_size=4))
    arranged = data.draw(st.permutations([*story, *again]))
    assert ends(settled(arranged, under), under) == ends(settled(story, under), under)


@thorough
@given(stories().filter(consistent), st.data())
def test_who_goes_on_does_not_depend_on_the_order_even_in_circles(story: list[Change], data: st.DataObject) -> None:
    under = rules(**EVERYBODY)
    arranged = data.draw(st.permutations(story))

    def merged(messages: list[Change]) -> set[str]:
        people = settled(messages, under)
        return {key for key, each in people.items() if standing_of(each.facts, under) is AudienceStatus.MERGED}

    assert merged(arranged) < {*USERS}, "a circle swallowed everybody"
    assert merged(arranged) == merged(story)


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (1, 0, 3, 2), (3, 2, 1, 0), (2, 3, 0, 1)])
def test_of_two_who_are_each_said_to_be_the_other_the_newest_word_counts(order: tuple[int, ...]) -> None:
    under = rules(**EVERYBODY)
    story = [told(1, "a", plan="x"), told(2, "b", city="y"), alias("a", "b", 3), alias("b", "a", 4)]
    found = ends(settled([story[each] for each in order], under), under)
    assert found == {"a": Profile(ident("a"), {"plan": "x", "city": "y"}), "b": AudienceStatus.MERGED}


def test_two_equally_new_words_end_the_same_however_often_they_come() -> None:
    under = rules(**EVERYBODY)
    pair = [alias("a", "b", 3), alias("b", "a", 3)]
    story = [told(1, "a"), told(2, "b")]
    found = [ends(settled([*story, *each], under), under) for each in (pair, pair[::-1], pair * 2, pair[::-1] * 2)]
    assert found == [found[0]] * 4
    assert [type(end) for end in found[0].values()].count(Profile) == 1


def test_a_late_message_of_the_old_user_does_not_bring_them_back() -> None:
    under = rules(**EVERYBODY)
    found = ends(settled([told(1, "a"), told(1, "b"), alias("a", "b", 2), told(9, "a", whole=True)], under), under)
    assert found["a"] is AudienceStatus.MERGED


def test_what_nobody_says_of_the_survivor_goes_on_as_the_other_had_it() -> None:
    under = rules(**EVERYBODY)
    story = [told(1, "a", plan="x", city="y"), told(5, "b", city="z"), alias("a", "b", 6)]
    assert ends(settled(story, under), under)["b"] == Profile(ident("b"), {"plan": "x", "city": "z"})
    whole = [*story, told(7, "b", whole=True, city="z")]
    assert ends(settled(whole, under), under)["b"] == Profile(ident("b"), {"city": "z"})


def test_the_survivor_may_be_there_under_every_identifier_that_the_other_may_have() -> None:
    old = Entity("a", Facts(), person("a", "a0", plan="x"), Unconfirmed((ident("a1"),), frozenset({"city"})), doubt=1)
    left, survivor = merged_users.handed_over(old, Entity("b", Facts(), person("b", plan="y")))
    assert (left.delivered, left.tried, left.doubt) == (None, Unconfirmed(), 0)
    assert survivor.doubt == 1
    assert survivor.tried == Unconfirmed((ident("a"), ident("a0"), ident("a1")), frozenset({"plan", "city"}))
    assert survivor.facts.lifecycle.absorbed == {"a": {}}


def test_who_was_never_sent_leaves_no_doubt() -> None:
    _, survivor = merged_users.handed_over(Entity("a"), Entity("b"))
    assert (survivor.doubt, survivor.tried) == (0, Unconfirmed())


def test_events_of_the_old_user_are_owed_still() -> None:
    under = rules(**EVERYBODY, events=["Signed up"])
    facts = merge(merge(Facts(), said(1), under).facts, alias("u-1", "b", 2), under).facts
    late = merge(facts, replace(said(3), events=(event(),)), under)
    assert (late.standing, [each.name for each in late.events]) == (AudienceStatus.MERGED, ["Signed up"])


def test_somebody_suppressed_stays_so_whoever_they_turn_out_to_be() -> None:
    under = rules()
    facts = merge(Facts(), change(1, segments=(PAYING,), suppressed=True), under).facts
    assert merge(facts, alias("u-1", "b", 2), under).standing is AudienceStatus.SUPPRESSED
