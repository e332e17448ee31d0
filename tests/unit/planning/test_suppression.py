"""Who is to be suppressed, by message or by rule, and how that comes about whatever goes wrong on the way."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.audience import desired as audience
from connector.audience.apply_change import merge
from connector.audience.audience_status import AudienceStatus, standing_of
from connector.audience.rules import Rules
from connector.errors import SettingsError
from connector.intake.users import _tried
from connector.model.change import Change
from connector.model.entity import Entity, Identifier, Profile, Unconfirmed
from connector.planning import plan
from connector.planning.removals import removed
from connector.settings import schema
from connector.store import encoding
from tests.build import PAYING, STAFF, actions, after, change, event, ident, rules, snapshot, thorough

ERASED = {"suppress_when": {"attribute": "gdpr_erased", "equals": True}}


def notice(version: int, suppressed: bool | None, **given: Any) -> Change:
    return change(version, suppressed=suppressed, **given)


def stands(under: Rules, *told: Change) -> AudienceStatus:
    return standing_of(after(told, under), under)


MESSAGES = st.one_of(
    st.builds(lambda suppressed: notice(1, suppressed), st.booleans()),
    st.builds(lambda paying, plan: snapshot(1, PAYING if paying else STAFF, plan=plan), st.booleans(), st.integers()),
    st.builds(lambda erased: snapshot(1, PAYING, gdpr_erased=erased), st.sampled_from([True, False, "true", None])),
    st.builds(lambda: change(1, user={}, deleted=True)),
)


@pytest.mark.parametrize("on_exit", ["keep", "clear", "delete"])
@thorough
@given(st.lists(MESSAGES, min_size=1, max_size=6), st.data())
def test_suppressed_or_not_in_any_order_and_again(on_exit: str, told: list[Change], data: st.DataObject) -> None:
    under = rules(on_exit=on_exit, **ERASED)
    story = [replace(each, version=version) for version, each in enumerate(told, 1)]
    again = data.draw(st.lists(st.sampled_from(story), max_size=3))
    arranged = data.draw(st.permutations([*story, *again]))
    assert (stands(under, *arranged) is AudienceStatus.SUPPRESSED) == (
        stands(under, *story) is AudienceStatus.SUPPRESSED
    )


# --- Customer.io, as far as this matters -----------------------------------------------------------------------------


class World:
    """People by identifier, and the identifiers that are blocked."""

    def __init__(self) -> None:
        self.people: dict[Identifier, dict[str, Any]] = {}
        self.blocked: set[Identifier] = set()

    def take(self, item: dict[str, Any]) -> None:
        ((type_, value),) = (item.get("identifiers") or item["primary"]).items()
        who = Identifier(type_, value)
        if item["action"] == "unsuppress":
            self.blocked.discard(who)
        elif item["action"] == "suppress":
            self.people.pop(who, None)
            self.blocked.add(who)
        elif item["action"] == "delete":
            self.people.pop(who, None)
        elif item["action"] == "identify" and who not in self.blocked:
            held = self.people.get(who, {}) | item["attributes"]
            self.people[who] = {name: each for name, each in held.items() if each is not None}


HAPPENS = st.sampled_from(["nothing", "confirmed", "lost", "never arrived"])
VALUES = st.sampled_from([1, 2, None])
SAYINGS = st.builds(
    lambda suppressed, plan: notice(1, suppressed, user={"external_id": "1001", "plan": plan}, segments=(PAYING,)),
    st.sampled_from([True, False, None]),
    VALUES,
)
LIVES = st.lists(st.tuples(SAYINGS, HAPPENS), min_size=1, max_size=8)


@thorough
@given(LIVES)
def test_whatever_answers_are_lost_the_end_is_as_upstream_has_it(life: list[tuple[Change, str]]) -> None:
    under, world, entity = rules(segment_attribute=""), World(), Entity("u-1")
    for version, (told, happens) in enumerate(life, 1):
        facts = merge(entity.facts, replace(told, version=version), under).facts
        entity = replace(entity, tried=_tried(entity, under), facts=facts)
        if happens != "nothing":
            entity = sent_once(entity, under, world, happens)
    for _ in range(6):
        entity = sent_once(entity, under, world, "confirmed")
    desired = audience.desired(entity.facts, under)
    assert not plan.is_owed(entity, desired, under)
    assert (world.blocked == {ident("1001")}) == (desired.standing is AudienceStatus.SUPPRESSED)
    attributes = desired.person and {n: v for n, v in desired.person.attributes.items() if v is not None}
    assert world.people == ({} if desired.person is None else {ident("1001"): attributes})


def sent_once(entity: Entity, under: Rules, world: World, happens: str) -> Entity:
    step = plan.next_step(entity, audience.desired(entity.facts, under), (), under)
    if not step.operations:
        return entity
    if happens != "never arrived":
        for operation in step.operations:
            world.take(operation.item)
    if happens == "confirmed":
        known = removed(entity.removals, step)
        return replace(entity, delivered=step.after, doubt=0, tried=Unconfirmed(), removals=known)
    return replace(entity, doubt=entity.doubt + 1)


# --- one by one ------------------------------------------------------------------------------------------------------


def test_suppressing_takes_every_identifier_that_may_be_there_and_no_delete() -> None:
    facts = after([snapshot(1, PAYING), notice(2, True)], rules())
    held = Profile(ident("1"), {}, (ident("2"),))
    entity = Entity("u-1", facts, held, Unconfirmed((ident("3"),)), doubt=1)
    step = plan.next_step(entity, audience.desired(facts, rules()), (), rules())
    assert actions(step) == ["suppress"] * 3
    assert step.after == Profile(ident("1"), {}, (ident("2"), ident("3")), suppressed=True)


def test_the_message_itself_may_name_whom_to_block() -> None:
    facts = after([notice(2, True), snapshot(3, STAFF, external_id=None)], rules())
    entity = Entity("u-1", facts)
    step = plan.next_step(entity, audience.desired(facts, rules()), (), rules())
    assert [operation.item["identifiers"] for operation in step.operations] == [{"id": "1001"}]


def test_events_of_the_suppressed_are_left_out_with_the_reason() -> None:
    merged = merge(after([notice(1, True)], rules()), snapshot(2, PAYING, events=[event()]), rules(events=["*"]))
    assert [str(each.reason) for each in merged.skipped] == ["the user is suppressed"]


def test_a_rule_needs_somebody_who_ever_was_in_the_audience() -> None:
    under = rules(**ERASED)
    assert stands(under, snapshot(1, STAFF, gdpr_erased=True)) is AudienceStatus.OUTSIDE
    assert stands(under, snapshot(1, PAYING, gdpr_erased=True)) is AudienceStatus.SUPPRESSED


@pytest.mark.parametrize(
    ("equals", "value", "holds"),
    [
        (True, True, True), (True, "True", True), (True, 1, False), (True, None, False), (True, [True], False),
        (1, 1.0, True), (1, "1", True), (1, True, False), ("Erased", " erased ", True), ("erased", "no", False),
    ],
)  # fmt: skip
def test_a_value_is_compared_as_text_whatever_its_case(equals: object, value: object, holds: bool) -> None:
    under = rules(suppress_when={"attribute": "gdpr", "equals": equals})
    assert (stands(under, snapshot(1, PAYING, gdpr=value)) is AudienceStatus.SUPPRESSED) == holds


def test_a_rule_may_look_at_the_account() -> None:
    under = rules(suppress_when={"attribute": "account.gone", "equals": True})
    told = replace(snapshot(1, PAYING), account={"gone": True})
    assert stands(under, told) is AudienceStatus.SUPPRESSED


@pytest.mark.parametrize(
    ("sync", "words"),
    [
        ({"mode": "update", "on_exit": "keep", **ERASED}, "which never deletes"),
        ({"suppress_when": {"attribute": "segments"}}, "holds many values"),
        ({"suppress_when": {"attribute": "x", "equals": [1]}}, "suppress_when"),
        ({"suppress_when": {"attribute": "x", "is": True}}, "is: unknown key"),
        ({"attributes": ["cio_subscription_preferences", "cio_subscription_preferences.topics.topic_1"]}, "name one"),
    ],
)
def test_a_setting_that_cannot_be_is_refused_in_words(sync: dict[str, Any], words: str, tmp_path: Path) -> None:
    lines = [f"{name} = {json.dumps(value)}" for name, value in sync.items() if name != "suppress_when"]
    if rule := sync.get("suppress_when"):
        lines.append(
            f"suppress_when = {{ {', '.join(f'{name} = {json.dumps(each)}' for name, each in rule.items())} }}"
        )
    path = tmp_path / "settings.toml"
    path.write_text("\n".join(["[connections.main]", "[syncs.main]", 'connection = "main"', *lines]), "utf-8")
    with pytest.raises(SettingsError, match=words):
        schema.load(path, {})


@pytest.mark.parametrize("devices", [{}, {"t": {"platform": "ios"}}])
@pytest.mark.parametrize("suppressed", [True, False])
def test_a_person_is_kept_as_they_are(devices: dict[str, Any], suppressed: bool) -> None:
    kept = Profile(ident("1"), {"a": 1}, (ident("2"),), devices, suppressed=suppressed)
    assert encoding.person_of(encoding.person_text(kept)) == kept
    usual = encoding.person_text(Profile(ident("1"), {"a": 1}, (), devices))
    assert usual is not None
    assert "false" not in usual


@pytest.mark.parametrize("suppressed", [True, False])
@pytest.mark.parametrize("tokens", [frozenset[str](), frozenset({"t"})])
def test_what_was_tried_is_kept_as_it_is(tokens: frozenset[str], suppressed: bool) -> None:
    tried = Unconfirmed((ident("1"),), frozenset({"a"}), tokens, suppressed=suppressed)
    assert encoding.tried_of(encoding.tried_text(tried)) == tried
