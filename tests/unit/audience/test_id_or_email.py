"""People by id or by e-mail: what is sent step by step, and that a lead and a user join the same in any order."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector import formats
from connector.admin.preview.preview import Previewer
from connector.audience import desired as audience
from connector.audience import leads
from connector.audience.apply_change import merge
from connector.audience.audience_status import AudienceStatus, standing_of
from connector.model.change import Change
from connector.model.entity import Entity, Facts, Identifier, Profile, Unconfirmed
from connector.planning.plan import next_step
from tests.build import actions, after, ident, rules, said, thorough, wanted

X, Y = "x@example.com", "y@example.com"
RULES = rules(identify_by="id_or_email", segments=("*",), segment_attribute="")
LEAD, ONE = Identifier("email", X), ident("1")


def person(identifier: Identifier, email: str | None, *former: Identifier) -> Profile:
    return Profile(identifier, {"email": email} if email else {}, former)


def steps(entity: Entity, desired: Profile | None, change: str = "merge") -> list[tuple[str, Any]]:
    """What is sent until nothing is owed, each step confirmed: the action, and whom it names."""
    under = rules(identify_by="id_or_email", on_identifier_change=change)
    standing = AudienceStatus.IN if desired else AudienceStatus.DELETED
    found: list[tuple[str, Any]] = []
    while True:
        step = next_step(entity, wanted(desired, standing), (), under)
        if not step.operations:
            return found
        for name, each in zip(actions(step), step.operations, strict=True):
            named = each.item.get("identifiers") or {**each.item["primary"], "of": each.item["secondary"]}
            email = {"gets": each.item["attributes"].get("email")} if name == "identify" else {}
            found.append((name, {**named, **email}))
        entity = replace(entity, delivered=step.after, tried=Unconfirmed(), doubt=0)
        assert len(found) < 9


ADOPTED = [("identify", {"id": "1", "gets": X})]


@pytest.mark.parametrize("change", ["merge", "replace", "keep", "leave"])
@pytest.mark.parametrize(
    ("delivered", "tried", "sent"),
    [
        (person(LEAD, X), (), ADOPTED),
        (None, (LEAD,), ADOPTED),
        (None, (LEAD, ONE), ADOPTED),
        (person(LEAD, X), (ONE,), ADOPTED),
        (person(ONE, X), (LEAD,), ADOPTED),
        (person(ONE, None), (LEAD,), [("merge", {"id": "1", "of": {"email": X}}), *ADOPTED]),
        (person(ONE, Y), (LEAD,), [("merge", {"id": "1", "of": {"email": X}}), *ADOPTED]),
    ],
)
def test_a_lead_who_gets_an_id_is_never_deleted_nor_merged_with_themselves(
    delivered: Profile | None, tried: tuple[Identifier, ...], sent: list[tuple[str, Any]], change: str
) -> None:
    entity = Entity("u", delivered=delivered, tried=Unconfirmed(tried), doubt=int(bool(tried)))
    assert steps(entity, person(ONE, X), change) == sent


def test_another_email_with_the_id_is_another_profile() -> None:
    entity = Entity("u", delivered=person(LEAD, X))
    assert steps(entity, person(ONE, Y)) == [
        ("identify", {"id": "1", "gets": Y}),
        ("merge", {"id": "1", "of": {"email": X}}),
    ]
    assert steps(entity, person(ONE, Y), "replace")[0] == ("delete", {"email": X})


def test_in_doubt_the_lead_gets_the_id_before_another_email() -> None:
    entity = Entity("u", delivered=person(LEAD, X), tried=Unconfirmed((ONE,)), doubt=1)
    for change in ("merge", "replace"):
        assert steps(entity, person(ONE, Y), change) == [*ADOPTED, ("identify", {"id": "1", "gets": Y})]


def test_who_had_an_id_goes_on_under_it() -> None:
    assert steps(Entity("u", delivered=person(ONE, X)), person(LEAD, X)) == []
    assert steps(Entity("u", delivered=person(ONE, X)), person(Identifier("email", Y), Y)) == [
        ("identify", {"id": "1", "gets": Y})
    ]


def test_a_deletion_in_doubt_goes_to_id_and_email() -> None:
    entity = Entity("u", delivered=person(LEAD, X), tried=Unconfirmed((ONE,)), doubt=1)
    assert steps(entity, None) == [("delete", {"email": X}), ("delete", {"id": "1"})]


@pytest.mark.parametrize("delivered", [None, person(LEAD, X)])
def test_the_email_is_in_the_first_part_of_a_large_person(delivered: Profile | None) -> None:
    large = Profile(ONE, {"email": X, **{f"a{index}": "x" * 900 for index in range(100)}})
    held = delivered and delivered._replace(attributes=large.attributes)
    step = next_step(Entity("u", delivered=held), wanted(large), (), RULES)
    assert step.operations[0].item["attributes"]["email"] == X
    assert len(step.operations[0].item["attributes"]) < len(large.attributes)


@pytest.mark.parametrize(
    ("identity", "identifier"),
    [
        ({"external_id": "1", "email": X}, ONE),
        ({"external_id": 7.0, "email": X}, ident("7")),
        ({"external_id": 0, "email": X}, LEAD),
        ({"external_id": "", "email": f" {X} "}, LEAD),
        ({"email": X}, LEAD),
        ({"email": "n/a"}, None),
        ({}, None),
    ],
)
def test_the_id_addresses_else_the_email(identity: dict[str, Any], identifier: Identifier | None) -> None:
    facts = after([said(1, **identity)], RULES)
    assert audience.identifier(facts, RULES) == identifier
    assert (standing_of(facts, RULES) is AudienceStatus.NO_IDENTIFIER) is (identifier is None)


def test_the_email_goes_along_although_it_is_no_attribute() -> None:
    assert audience.person(after([said(1, external_id="1", email=X, plan="pro")], RULES), RULES).attributes == {
        "email": X,
        "plan": "pro",
    }


told = st.tuples(st.booleans(), st.dictionaries(st.sampled_from(["plan", "city"]), st.integers(0, 9)))
TWO = rules(identify_by="id_or_email", segments=("*",), segment_attribute="", attributes=("plan", "city"))


@thorough
@given(st.lists(told, min_size=1, max_size=6), st.data())
def test_lead_and_user_come_to_the_same_in_any_order_and_in_any_batches(
    words: list[tuple[bool, dict[str, int]]], data: st.DataObject
) -> None:
    changes = [_word(version, by_id, traits) for version, (by_id, traits) in enumerate(words, 1)]
    changes.append(_word(len(changes) + 1, True, {}))
    expected = after([replace(each, user={**each.user, "external_id": "1", "email": X}) for each in changes], TWO)

    users: dict[str, Facts] = {}
    for change in data.draw(st.permutations(changes)):
        holder = {f"email:{X}": "1"} if "1" in users else {}
        [key] = leads.told([change], holder, TWO).keys
        users[key] = merge(users.get(key, Facts()), change, TWO).facts
        lead = users.get(f"email:{X}")
        if "1" in users and lead and leads.joins(lead, TWO):
            users["1"], users[f"email:{X}"] = leads.joined(users["1"], lead, "1")
    assert audience.person(users["1"], TWO) == audience.person(expected, TWO)


def _word(version: int, by_id: bool, traits: dict[str, int]) -> Change:
    who = {"external_id": "1"} if by_id else {}
    return Change(key="1" if by_id else f"email:{X}", user={**who, "email": X, **traits}, version=version)


def test_a_preview_shows_that_a_lead_and_a_user_are_one() -> None:
    calls = [
        {"type": "identify", "traits": {"email": X, "plan": "free"}, "timestamp": "2026-10-01T00:00:01Z"},
        {"type": "identify", "userId": "1", "traits": {"email": X}, "timestamp": "2026-10-01T00:00:02Z"},
        {"type": "identify", "traits": {"email": X, "plan": "pro"}, "timestamp": "2026-10-01T00:00:03Z"},
    ]
    shown = list(Previewer((RULES,), explained=True).preview(formats.parse("segment", calls)))
    named = [[each["identifiers"] for each in one.operations] for one in shown]
    assert named == [[{"email": X}], [{"id": "1"}], [{"id": "1"}]]
    lines = [line for line in shown[0].explanation if line.kind == "identifier"]
    assert (lines[0].name, lines[0].outcome) == ("email", X)
