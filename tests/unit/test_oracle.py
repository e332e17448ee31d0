"""The oracle against cases worked out by hand."""

from dataclasses import replace
from typing import Any

import pytest

from tests.oracle import Expected, ExpectedPerson, SyncRules, cast, differences, expected, lookup

RULES = SyncRules(
    segments=["Paying"],
    attributes=[("email", "email"), ("plan", "plan"), ("account.name", "account_name")],
    events=["Signed up", "page"],
)
PAYING = {"id": "s-2", "name": "Paying"}
STAFF = {"id": "s-5", "name": "Staff"}


def message(day: int, *segments: dict[str, str], **more: Any) -> dict[str, Any]:
    """What Hull says on a day in September about one user, known as 1001 unless told otherwise."""
    user = {"id": "u-1", "external_id": "1001", "indexed_at": f"2026-09-{day:02}T10:00:00Z", **more.pop("user", {})}
    return {"user": user, "segments": list(segments), "account": {}, **more}


def signed_up(event_id: str | None = "e-1", **more: Any) -> dict[str, Any]:
    event = {"event": "Signed up", "event_type": "track", "created_at": "2026-09-01 10:00:00 UTC"}
    return {"event_id": event_id, **event, "properties": {"source": "web"}, **more}


def row(identifier: str = "1001", **attributes: Any) -> dict[str, Any]:
    events = attributes.pop("events", [])
    return {"identifiers": {"id": identifier, "cio_id": "a1"}, "attributes": attributes, "events": events}


def row_event(name: str = "Signed up", **more: Any) -> dict[str, Any]:
    event = {"id": "01A", "name": name, "type": "event", "timestamp": 1788256800, "attributes": {"source": "web"}}
    return {**event, **more}


def names(person: ExpectedPerson) -> tuple[list[str | None], list[str | None]]:
    return [event.event_id for event in person.must], [event.event_id for event in person.may]


def after(on_exit: str, *messages: dict[str, Any], **changed: Any) -> Expected:
    return expected(messages, replace(RULES, on_exit=on_exit, **changed))


# --- who -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("whitelist", "there"),
    [(["Paying"], True), (["s-2"], True), (["Staff"], False), ([], False), (["*"], True), (["paying"], False)],
)
def test_audience(whitelist: list[str], there: bool) -> None:
    result = expected([message(1, PAYING)], replace(RULES, segments=whitelist))
    assert ("1001" in result.people) == there
    assert ("1001" in result.absent) != there


@pytest.mark.parametrize("external_id", [None, "", "  ", "é" * 76, True, ["1001"]])
def test_nobody_without_a_usable_identifier(external_id: Any) -> None:
    result = expected([message(1, PAYING, user={"external_id": external_id})], RULES)
    assert not result.people
    assert not result.absent


def test_number_is_an_identifier() -> None:
    assert "7" in expected([message(1, PAYING, user={"external_id": 7})], RULES).people


def test_lost_identifier_is_not_predicted() -> None:
    result = expected([message(1, PAYING), message(2, PAYING, user={"external_id": None})], RULES)
    assert not result.people["1001"].certain


def test_former_identifier_is_not_predicted() -> None:
    old = message(1, PAYING, events=[signed_up()])
    result = expected([old, message(2, PAYING, user={"external_id": "2002"})], RULES)
    assert not result.people["1001"].certain
    assert result.people["2002"].certain
    assert names(result.people["2002"]) == ([], ["e-1"])


def test_two_users_of_one_identifier_are_not_predicted() -> None:
    result = expected(
        [message(1, PAYING), message(2, user={"id": "u-2"}), message(1, PAYING, user={"id": "u-3"})], RULES
    )
    assert not result.people["1001"].certain


@pytest.mark.parametrize("email", [None, "", "n/a", 7])
def test_require_email(email: Any) -> None:
    rules = replace(RULES, require_email=True)
    assert expected([message(1, PAYING, user={"email": email})], rules).absent == {"1001"}


def test_unreadable_messages_are_counted_and_harm_nobody() -> None:
    broken = [{}, {"user": {"id": "u-1"}}, {"user": "u-1", "segments": []}, {"user": {}, "segments": []}, "text"]
    result = expected([*broken, message(1, PAYING)], RULES)  # type: ignore[list-item]
    assert result.unreadable == 5
    assert list(result.people) == ["1001"]


# --- when ------------------------------------------------------------------------------------------------------------


def test_highest_version_is_the_truth_in_any_order() -> None:
    told = [message(day, PAYING, user={"plan": f"plan-{day}"}) for day in (2, 3, 1, 3)]
    assert expected(told, RULES).people["1001"].attributes["plan"] == "plan-3"


def test_exit_deletes() -> None:
    result = after("delete", message(2, STAFF), message(1, PAYING))
    assert result.absent == {"1001"}
    assert not result.people


def test_exit_keeps_what_was_true_in_the_audience() -> None:
    told = [message(1, PAYING, user={"plan": "pro"}, events=[signed_up()]), message(2, user={"plan": "none"})]
    person = after("keep", *told).people["1001"]
    assert person.attributes == {"plan": "pro", "hull_segment": ["paying"]}
    assert names(person) == (["e-1"], [])


def test_exit_clears() -> None:
    result = after("clear", message(1, PAYING, user={"plan": "pro"}), message(2, STAFF))
    assert differences(result, []) == []
    assert differences(result, [row(hull_segment=["staff"])]) == []
    assert differences(result, [row(plan="pro")]) == ['1001: attribute plan must not be there, is "pro"']


@pytest.mark.parametrize("identifies", [True, False])
def test_email_once_set_may_stay_where_it_identifies(identifies: bool) -> None:
    told = [message(1, PAYING, user={"email": "a@example.com"}), message(2, PAYING, user={"email": None})]
    result = after("keep", *told, email_identifies=identifies)
    assert (differences(result, [row(hull_segment=["paying"], email="a@example.com")]) == []) == identifies


def test_too_many_segments_are_not_predicted() -> None:
    many = [{"id": f"s-{number}", "name": f"Segment number {number}"} for number in range(100)]
    result = expected([message(1, PAYING, *many)], RULES)
    assert differences(result, [row()]) == []
    assert differences(result, [row(hull_segment=["paying"])]) == []


def test_never_in_the_audience_is_absent() -> None:
    for on_exit in ("keep", "clear", "delete"):
        assert after(on_exit, message(1, STAFF), message(2)).absent == {"1001"}


# --- attributes ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("source", ["plan", "traits_plan", "traits.plan"])
@pytest.mark.parametrize("user", [{"plan": "pro"}, {"traits_plan": "pro"}, {"traits": {"plan": "pro"}}])
def test_one_attribute_in_three_forms(source: str, user: dict[str, Any]) -> None:
    assert lookup(user, source) == "pro"


@pytest.mark.parametrize(
    "user",
    [
        {"clearbit/employees": 5},
        {"traits_clearbit/employees": 5},
        {"clearbit": {"employees": 5}},
        {"traits": {"clearbit": {"employees": 5}}},
    ],
)
def test_group_in_its_forms(user: dict[str, Any]) -> None:
    assert lookup(user, "clearbit/employees") == 5
    assert lookup(user, "clearbit/name") is None


@pytest.mark.parametrize(
    ("value", "target", "sent"),
    [
        ("2026-09-01", "since", 1788220800),
        ("2026-09-01 10:00:00 UTC", "since", 1788256800),
        ("2026-09-01T10:00:00.999Z", "since", 1788256800),
        ("2026-09-01T12:00+02:00", "since", 1788256800),
        ("2026-09-01T10:00", "since", 1788256800),
        ("2026-02-30", "since", "2026-02-30"),
        ("20260901", "created_at", "20260901"),
        ("2026-09", "created_at", "2026-09"),
        ("12", "created_at", "12"),
        (1788256800, "created_at", 1788256800),
        (1788256800123, "created_at", 1788256800),
        (1788256800123, "trial_date", 1788256800),
        (1788256800123, "revenue", 1788256800123),
        (True, "created_at", True),
        ({}, "created_at", {}),
        ([], "created_at", []),
        (None, "created_at", None),
    ],
)
def test_times(value: Any, target: str, sent: Any) -> None:
    assert cast(value, target) == sent


def test_attributes_of_a_person() -> None:
    user = {"email": None, "plan": "é" * 501}
    told = message(1, PAYING, STAFF, {"id": "s-9", "name": "PAYING"}, user=user, account={"name": "Oak"})
    person = expected([told], RULES).people["1001"]
    assert person.attributes == {"account_name": "Oak", "hull_segment": ["paying", "staff"]}


def test_value_of_exactly_the_limit_is_sent() -> None:
    person = expected([message(1, PAYING, user={"plan": "é" * 500})], RULES).people["1001"]
    assert person.attributes["plan"] == "é" * 500


# --- events ----------------------------------------------------------------------------------------------------------


def test_events_of_the_audience_once_each() -> None:
    outside = signed_up("e-2")
    page = signed_up("e-3", event="page", event_type="page")
    advert = signed_up("e-4", event="Clicked ad")
    told = [message(1, events=[outside]), message(2, PAYING, events=[signed_up(), page, advert])]
    person = expected([*told, told[1]], RULES).people["1001"]
    assert names(person) == (["e-1", "e-3"], [])


def test_events_before_an_exit_may_be_gone() -> None:
    told = [message(1, PAYING, events=[signed_up()]), message(2), message(3, PAYING, events=[signed_up("e-2")])]
    assert names(after("delete", *told).people["1001"]) == (["e-2"], ["e-1"])
    assert names(after("keep", *told).people["1001"]) == (["e-1", "e-2"], [])


def test_event_told_again_after_an_exit_may_be_gone() -> None:
    told = [message(1, PAYING, events=[signed_up()]), message(2), message(3, PAYING, events=[signed_up()])]
    assert names(after("delete", *told).people["1001"]) == ([], ["e-1"])


def test_event_before_the_identifier_was_lost_for_a_while_may_be_gone() -> None:
    told = [message(1, PAYING, events=[signed_up()]), message(2, PAYING, user={"external_id": None})]
    person = expected([*told, message(3, PAYING, events=[signed_up("e-2")])], RULES).people["1001"]
    assert names(person) == (["e-2"], ["e-1"])


def test_nameless_event_is_counted_and_not_expected() -> None:
    result = expected([message(1, PAYING, events=[signed_up(event=None), signed_up()])], RULES)
    assert result.nameless_events == 1
    assert names(result.people["1001"]) == (["e-1"], [])


def test_event_without_an_id_told_twice_may_be_there_twice() -> None:
    told = message(1, PAYING, events=[signed_up(None)])
    result = expected([told, told], RULES)
    segments = ["paying"]
    assert differences(result, [row(hull_segment=segments, events=[row_event()])]) == []
    assert differences(result, [row(hull_segment=segments, events=[row_event(), row_event(id="01B")])]) == []


def test_anonymous_event_is_merged_to_the_person() -> None:
    visit = signed_up(anonymous_id="visitor-1")
    visitor = message(1, PAYING, events=[visit], user={"external_id": None})
    person = message(2, PAYING, user={"anonymous_ids": ["visitor-1"]})
    rules = replace(RULES, anonymous_events=True)
    alone = expected([visitor], rules)
    assert [(one.anonymous_id, one.merged_into) for one in alone.anonymous] == [("visitor-1", None)]
    both = expected([person, visitor], rules)
    assert [one.merged_into for one in both.anonymous] == ["1001"]
    assert names(both.people["1001"]) == (["e-1"], [])


def test_no_anonymous_events_unless_switched_on() -> None:
    visit = signed_up(anonymous_id="visitor-1")
    assert expected([message(1, PAYING, events=[visit], user={"external_id": None})], RULES).anonymous == []


# --- comparing -------------------------------------------------------------------------------------------------------


def one_person() -> Expected:
    user = {"email": "User-0001@example.com", "plan": "pro"}
    return expected([message(1, PAYING, user=user, events=[signed_up()])], RULES)


def right(**changed: Any) -> dict[str, Any]:
    attributes = {"email": "User-0001@example.com", "plan": "pro", "hull_segment": ["paying"], "events": [row_event()]}
    return row(**{**attributes, **changed})


def test_no_differences() -> None:
    assert differences(one_person(), [right()]) == []


def test_email_may_be_among_the_identifiers() -> None:
    held = right(email=None)
    held["identifiers"]["email"] = "user-0001@example.com"
    assert differences(one_person(), [held]) == []


@pytest.mark.parametrize(
    ("rows", "line"),
    [
        ([], "1001: must be there, is absent"),
        ([right(), right()], "1001: is there twice"),
        ([right(), row("9")], "9: nobody expected is there"),
        ([right(plan="free")], '1001: attribute plan must be "pro", is "free"'),
        ([right(plan=None)], '1001: attribute plan must be "pro", is not there'),
        ([right(extra=1)], "1001: attribute extra must not be there, is 1"),
        ([right(events=[])], "1001: event Signed up of 1788256800 (e-1) must be there, is not"),
        ([right(events=[row_event(), row_event()])], "1001: event with id 01A is there 2 times"),
        ([right(events=[row_event(), row_event(id="01B")])], "must not be there, or not again"),
        ([right(events=[row_event(timestamp=1)])], "1001: event Signed up of 1 must not be there, or not again"),
        ([right(events=[row_event(attributes={})])], "1001: event Signed up of 1788256800 (e-1) must be there, is not"),
    ],
)
def test_differences(rows: list[dict[str, Any]], line: str) -> None:
    assert any(line in found for found in differences(one_person(), rows))


def test_whoever_must_be_absent_is_named() -> None:
    assert differences(after("delete", message(1, PAYING), message(2)), [row()]) == ["1001: must be absent, is there"]


def test_page_may_go_by_its_address() -> None:
    page = signed_up(event="page", event_type="page", properties={"url": "https://example.com/"})
    result = expected([message(1, PAYING, events=[page])], RULES)
    for name in ("page", "https://example.com/"):
        properties = {"url": "https://example.com/", "referrer": "https://example.org/"}
        held = row_event(name, type="page", attributes=properties)
        assert differences(result, [row(hull_segment=["paying"], events=[held])]) == []


def test_identified_by_email() -> None:
    result = after(
        "keep", message(1, PAYING, user={"email": "User@Example.com"}), identifier="email", identify_by="email"
    )
    held = {"identifiers": {"email": "user@example.com"}, "attributes": {"hull_segment": ["paying"]}, "events": []}
    assert list(result.people) == ["user@example.com"]
    assert differences(result, [held]) == []
