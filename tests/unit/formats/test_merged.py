"""Users who turn out to be one, suppression and topics, as the forms of messages tell of them."""

from typing import Any

import pytest

from connector import formats
from connector.admin.preview.preview import Previewer
from connector.model.change import Change, Unreadable
from tests.build import rules

AT = "2026-01-31T10:00:00Z"


def told(format: str, body: dict[str, Any]) -> list[Change]:
    found = formats.parse(format, body)
    assert not [each for each in found if isinstance(each, Unreadable)]
    return [each for each in found if isinstance(each, Change)]


def refusal(body: dict[str, Any]) -> str:
    [found] = formats.parse("native", body)
    assert isinstance(found, Unreadable)
    return found.reason


def test_each_other_user_has_a_change_of_their_own() -> None:
    merges = ["old", 7, {"external_id": "e1"}, {"email": "User-1@example.com"}, "new"]
    survivor, *others = told("native", {"user": {"id": "new"}, "merges": merges, "version": 3})
    assert (survivor.key, survivor.merged_into) == ("new", None)
    assert [each.key for each in others] == ["old", "7", "external_id:e1", "email:user-1@example.com"]
    assert {(each.merged_into, each.version) for each in others} == {("new", 3)}


def test_a_visitor_goes_with_the_person() -> None:
    [survivor] = told("native", {"user": {"id": "new"}, "merges": [{"anonymous_id": "v1"}]})
    assert survivor.anonymous_id == "v1"


@pytest.mark.parametrize(
    ("field", "reason"),
    [
        ({"merges": "old"}, '"merges" is not a list of at most 100'),
        ({"merges": [None]}, 'a user in "merges" is neither an id nor an object with one'),
        ({"merges": [{}]}, "the message names no user"),
        (
            {"merges": [{"id": "old", "plan": "x"}]},
            'a user in "merges" is named by id, external_id, email, anonymous_id',
        ),
        ({"merges": ["a\nb"]}, "the user's identifier has control characters or broken Unicode"),
        ({"topics": {"topic_1": "yes"}}, '"topics" is not an object of topics, each true or false'),
        ({"suppressed": "yes"}, '"suppressed" is neither true nor false'),
    ],
)
def test_what_cannot_be_read_is_refused_with_the_reason(field: dict[str, Any], reason: str) -> None:
    assert refusal({"user": {"id": "new"}, **field}).startswith(reason)


def test_topics_are_attributes_that_leave_the_others_alone() -> None:
    [change] = told("native", {"user": {"id": "u1"}, "topics": {"topic_1": False}})
    assert change.user["cio_subscription_preferences.topics.topic_1"] is False


@pytest.mark.parametrize(
    ("call", "keys", "visitor"),
    [
        ({"previousId": "u0", "userId": "u1"}, ["u1", "u0", "anonymous_id:u0"], None),
        (
            {"previousId": "a@b.example", "userId": "u1", "anonymousId": "v1"},
            ["u1", "a@b.example", "email:a@b.example"],
            "v1",
        ),
        ({"previousId": "u0", "userId": "u1", "anonymousId": "v1"}, ["u1", "u0"], "v1"),
        ({"previousId": "v1", "userId": "u1", "anonymousId": "v1"}, ["u1"], "v1"),
        ({"previousId": "u1", "userId": "u1"}, ["u1"], None),
    ],
)
def test_alias(call: dict[str, Any], keys: list[str], visitor: str | None) -> None:
    changes = told("segment", {"type": "alias", "timestamp": AT, **call})
    assert [each.key for each in changes] == keys
    assert [each.merged_into for each in changes] == [None, "u1", "u1"][: len(keys)]
    assert changes[0].anonymous_id == visitor


@pytest.mark.parametrize(("event", "suppressed"), [("User Suppressed", True), ("User Unsuppressed", False)])
def test_the_events_that_suppress_are_no_events(event: str, suppressed: bool) -> None:
    [change] = told("segment", {"type": "track", "event": event, "userId": "u1", "timestamp": AT})
    assert (change.suppressed, change.events) == (suppressed, ())


def previews(*bodies: dict[str, Any]) -> list[Any]:
    under = rules(segments=["*"], segment_attribute="", attributes=["plan", "unsubscribed"])
    messages = [each for body in bodies for each in formats.parse("native", body)]
    return list(Previewer((under,), explained=True).preview(messages))


def user(key: str, **rest: Any) -> dict[str, Any]:
    return {"id": key, "external_id": key, **rest}


def test_a_plan_shows_the_merge_and_why() -> None:
    *_, survivor, old = previews(
        {"user": user("a", plan="x")}, {"user": user("b", plan="y")}, {"user": user("b"), "merges": ["a"]}
    )
    assert survivor.operations == ()
    assert [each["action"] for each in old.operations] == ["identify", "merge", "identify"][: len(old.operations)]
    assert old.operations[1]["secondary"] == {"id": "a"}
    assert old.reason == "merged into another user"
    assert "they turned out to be another user" in old.explanation[0].reason


def test_a_plan_shows_the_suppression_and_why() -> None:
    *_, last = previews({"user": user("a", plan="x")}, {"user": user("a"), "suppressed": True})
    assert [each["action"] for each in last.operations] == ["suppress"]
    assert last.decision == "exit"
    assert "they are suppressed" in last.explanation[0].reason


def test_a_plan_says_that_what_subscribes_is_no_news() -> None:
    *_, last = previews({"user": user("a", unsubscribed=False)}, {"user": user("a", plan="x")})
    assert [each["attributes"] for each in last.operations] == [{"plan": "x"}]
    [line] = [each for each in last.explanation if each.name == "unsubscribed"]
    assert line.reason.startswith("no news")
