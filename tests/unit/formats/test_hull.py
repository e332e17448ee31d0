"""Hull's notifications are read as docs/hull.md says, without the faults of Hull's connector."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector import formats
from connector.errors import UnreadableError
from connector.model.change import Change, Event, Segment, Unreadable

PAYING = {"id": "seg-7", "name": "Paying", "type": "users_segment"}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
FIELDS = st.sampled_from(
    (
        "messages",
        "user",
        "segments",
        "segment_ids",
        "users_segments",
        "account",
        "events",
        "channel",
        "notification_id",
        "message_id",
        "id",
        "email",
        "external_id",
        "anonymous_ids",
        "anonymous_id",
        "indexed_at",
        "updated_at",
        "name",
        "event",
        "event_id",
        "created_at",
        "properties",
        "context",
        "page",
        "url",
        "referrer",
    )
)
VALUES = st.sampled_from(
    ("user:update", "page", "screen", "user-1", "2026-01-31T10:00:00Z", "\x00", "\ud800", "x" * 501)
)
HULL_LIKE = st.recursive(
    VALUES | st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(FIELDS, inner, max_size=8),
    max_leaves=30,
)


def message(user: Any = None, **fields: Any) -> dict[str, Any]:
    return {"user": {"id": "user-1"} if user is None else user, "segments": [PAYING], **fields}


def one(body: object) -> Change:
    (answer,) = formats.parse("hull", body)
    assert isinstance(answer, Change), answer
    return answer


def refusal(body: object) -> str:
    (answer,) = formats.parse("hull", body)
    assert isinstance(answer, Unreadable), answer
    return answer.reason


def event_of(event: dict[str, Any]) -> Event:
    (found,) = one(message(events=[event])).events
    return found


def test_a_full_message_is_read() -> None:
    user = {
        "id": "user-1",
        "email": "user-1@example.com",
        "anonymous_ids": ["visitor-1", "visitor-2"],
        "indexed_at": "2026-01-31T10:00:00.000001Z",
        "updated_at": "2020-01-01T00:00:00Z",
        "traits_plan": "pro",
        "clearbit": {"employees": 12},
    }
    event = {
        "event_id": "event-1",
        "event": " Signed up ",
        "created_at": "2026-01-31 10:00:00 UTC",
        "properties": {"plan": "pro"},
        "anonymous_id": "visitor-1",
    }
    body = {
        "notification_id": "notification-1",
        "channel": "user:update",
        "messages": [
            message(user, message_id="message-1", account={"domain": "example.com"}, events=[event], changes={"a": []})
        ],
    }
    assert one(body) == Change(
        key="user-1",
        user=user,
        account={"domain": "example.com"},
        whole=True,
        segments=(Segment("seg-7", "Paying"),),
        events=(Event("event-1", "Signed up", "event", 1769853600, {"plan": "pro"}, "visitor-1"),),
        version=1769853600000001,
        anonymous_id="visitor-1",
        message_id="message-1",
    )


def test_the_user_is_not_copied() -> None:
    body = message({"id": "user-1", "traits": {"plan": "pro"}})
    assert one(body).user is body["user"]


class TestBodies:
    """A body is a notification, a message, or a list of either; anything else is no envelope."""

    def test_a_list_of_notifications_and_messages(self) -> None:
        notification = {"messages": [message({"id": "a"}), message({"id": "b"})]}
        answers = formats.parse("hull", [notification, message({"id": "c"}), 5, {"channel": "account:update"}])
        assert [each.key for each in answers if isinstance(each, Change)] == ["a", "b", "c"]
        assert [each.message for each in answers if isinstance(each, Unreadable)] == [5, {"channel": "account:update"}]

    @pytest.mark.parametrize("body", [None, 1, "text", True, {}, {"user_id": 1}, {"messages": None}, {"messages": {}}])
    def test_what_is_no_envelope_raises(self, body: object) -> None:
        with pytest.raises(UnreadableError):
            formats.parse("hull", body)

    def test_another_channel_is_named(self) -> None:
        with pytest.raises(UnreadableError, match='"account:update" is not user:update'):
            formats.parse("hull", {"channel": "account:update", "messages": []})

    @pytest.mark.parametrize("channel", [{}, {"channel": None}, {"channel": "user:update"}])
    def test_the_channel_may_be_absent(self, channel: dict[str, Any]) -> None:
        assert formats.parse("hull", {**channel, "messages": []}) == []

    def test_nothing_is_nothing(self) -> None:
        assert formats.parse("hull", []) == []


class TestWho:
    """Users without an id never collapse into one, as they did in Hull's connector."""

    @pytest.mark.parametrize(
        ("user", "key"),
        [
            ({"id": "user-1", "external_id": "x"}, "user-1"),
            ({"id": 17}, "17"),
            ({"id": 0}, "0"),
            ({"id": " ", "external_id": 5, "email": "a@example.com"}, "external_id:5"),
            ({"id": None, "external_id": "", "email": " User-1@Example.com "}, "email:user-1@example.com"),
            ({"anonymous_ids": [None, " ", "v-1"], "anonymous_id": "v-0"}, "anonymous_id:v-1"),
            ({"anonymous_ids": [], "anonymous_id": "v-0"}, "anonymous_id:v-0"),
            ({"email": "n/a", "anonymous_id": "v-0"}, "anonymous_id:v-0"),
        ],
    )
    def test_key(self, user: dict[str, Any], key: str) -> None:
        assert one(message(user)).key == key

    @pytest.mark.parametrize(
        "user", [None, [], "user-1", {}, {"plan": "pro"}, {"id": True}, {"id": 1.5}, {"id": ["a"]}, {"email": "n/a"}]
    )
    def test_nobody(self, user: object) -> None:
        assert refusal({"user": user, "segments": []}) == "the message names no user"

    @pytest.mark.parametrize("bad", ["a\x00b", "a\nb", "a\x7f", "a\x85b", "\ud800"])
    def test_control_characters(self, bad: str) -> None:
        assert refusal(message({"id": bad})) == "the user's identifier has control characters or broken Unicode"
        assert isinstance(formats.parse("hull", message({"email": f"{bad}x@example.com"}))[0], Unreadable)

    def test_length(self) -> None:
        assert one(message({"id": "x" * 500})).key == "x" * 500
        assert refusal(message({"id": "x" * 501})) == "the user's identifier is longer than 500 characters"
        assert refusal(message({"id": 10**4400})) == "the message names no user"

    @given(st.lists(st.dictionaries(st.sampled_from(["external_id", "email", "anonymous_id", "plan"]), VALUES | JSON)))
    def test_users_without_ids_share_a_key_only_with_an_identifier(self, users: list[dict[str, Any]]) -> None:
        answers = formats.parse("hull", {"messages": [message(user) for user in users]})
        known: dict[str, set[object]] = {}
        for change in (each for each in answers if isinstance(each, Change)):
            identifiers = {_comparable(change.user.get(name)) for name in ("external_id", "email", "anonymous_id")}
            shared = known.setdefault(change.key, identifiers - {None})
            assert shared & identifiers


def _comparable(value: object) -> object:
    return value.strip().lower() if isinstance(value, str) else repr(value)


class TestSegments:
    """The membership is what the message gives; where it gives none, nothing is guessed."""

    def test_duplicates_and_missing_names(self) -> None:
        given_ones = [PAYING, PAYING, {"name": "No id"}, {"id": "only-id", "name": None}, {"id": 9, "name": "Nine"}]
        assert one(message(segments=given_ones)).segments == (
            Segment("seg-7", "Paying"),
            Segment("No id", "No id"),
            Segment("only-id", "only-id"),
            Segment("9", "Nine"),
        )

    def test_none(self) -> None:
        assert one(message(segments=[])).segments == ()

    @pytest.mark.parametrize("field", ["segments", "users_segments"])
    def test_ids_are_looked_up_in_the_envelope(self, field: str) -> None:
        body = {
            field: [PAYING, None, {"id": "seg-8"}],
            "messages": [{"user": {"id": "user-1"}, "segment_ids": ["seg-7", "seg-9", "seg-7"]}],
        }
        assert one(body).segments == (Segment("seg-7", "Paying"), Segment("seg-9", "seg-9"))

    def test_ids_of_the_user_come_second(self) -> None:
        user = {"id": "user-1", "segment_ids": ["seg-1"]}
        assert one({"user": user}).segments == (Segment("seg-1", "seg-1"),)
        assert one({"user": user, "segment_ids": []}).segments == ()
        assert one({"user": user, "segment_ids": ["seg-2"]}).segments == (Segment("seg-2", "seg-2"),)
        assert one({"user": user, "segments": []}).segments == ()

    @pytest.mark.parametrize("fields", [{}, {"segments": None}, {"segment_ids": None}])
    def test_unknown_membership(self, fields: dict[str, Any]) -> None:
        reason = "the message does not say which segments the user is in"
        assert refusal({"user": {"id": "user-1"}, **fields}) == reason

    def test_null_segments_do_not_fall_back(self) -> None:
        assert "does not say" in refusal({"user": {"id": "user-1"}, "segments": None, "segment_ids": ["seg-1"]})

    @pytest.mark.parametrize("segments", ["Paying", {"id": "seg-7"}, 5, True])
    def test_no_list(self, segments: object) -> None:
        assert refusal(message(segments=segments)) == "the segments of the message are not a list"

    @pytest.mark.parametrize("entry", [{}, None, [], {"id": " ", "name": ""}, True])
    def test_a_segment_without_a_name_could_be_the_one_that_counts(self, entry: object) -> None:
        assert refusal(message(segments=[PAYING, entry])) == "a segment has neither an id nor a name"

    @pytest.mark.parametrize("bad", ["a\x00", "\udfff"])
    def test_what_cannot_be_stored(self, bad: str) -> None:
        assert "broken Unicode" in refusal(message(segments=[{"id": "seg-7", "name": bad}]))


class TestVersion:
    """In Hull's connector a message without `indexed_at` won over all others; here it has no version."""

    @pytest.mark.parametrize(
        ("user", "version"),
        [
            ({"indexed_at": "1970-01-01T00:00:01Z", "updated_at": 9}, 1_000_000),
            ({"indexed_at": "soon", "updated_at": "1970-01-01T00:00:02Z"}, 2_000_000),
            ({"updated_at": 1769853600000}, 1769853600000),
            ({"indexed_at": None}, None),
            ({}, None),
        ],
    )
    def test_version(self, user: dict[str, Any], version: int | None) -> None:
        assert one(message({"id": "user-1", **user})).version == version

    def test_a_time_that_cannot_be_read_is_told(self) -> None:
        told = one(message({"id": "user-1", "indexed_at": "soon", "anonymous_id": "a\0"})).left_out
        assert [each.partition(" ")[0] for each in told] == ['"anonymous_id"', '"indexed_at"']
        assert one(message({"id": "user-1", "indexed_at": None, "updated_at": 5})).left_out == ()


class TestMessageId:
    def test_own_id_else_place_in_the_notification_else_none(self) -> None:
        messages = [message(), message(message_id="message-1"), message(message_id=" ")]
        answers = formats.parse("hull", {"notification_id": "n-1", "messages": messages})
        assert [each.message_id for each in answers if isinstance(each, Change)] == ["n-1:0", "message-1", "n-1:2"]
        assert one(message()).message_id is None


class TestAccount:
    @pytest.mark.parametrize("fields", [{}, {"account": None}, {"account": {}}])
    def test_none(self, fields: dict[str, Any]) -> None:
        assert one(message(**fields)).account == {}

    @pytest.mark.parametrize("account", [[1], "x", 0, False])
    def test_not_an_object(self, account: object) -> None:
        assert refusal(message(account=account)) == "the account is not an object"


class TestEvents:
    """Each event stays one, with its own time and id; a page finds its URL and referrer wherever they stand."""

    @pytest.mark.parametrize("fields", [{}, {"events": None}, {"events": []}])
    def test_none(self, fields: dict[str, Any]) -> None:
        assert one(message(**fields)).events == ()

    def test_every_event_without_an_id_is_kept(self) -> None:
        change = one(message(events=[{"event": "A"}, {"event": "B"}, {"event": "A", "event_id": ""}]))
        assert [(each.id, each.name) for each in change.events] == [(None, "A"), (None, "B"), (None, "A")]

    def test_ids_with_dots_brackets_and_digits_keep_their_place(self) -> None:
        ids = ["z", "a.b", "a[0]", "10", "9", 8, "__proto__"]
        change = one(message(events=[{"event": "A", "event_id": each} for each in ids]))
        assert [each.id for each in change.events] == ["z", "a.b", "a[0]", "10", "9", "8", "__proto__"]

    @pytest.mark.parametrize(
        ("created_at", "occurred_at"),
        [("2026-01-31 10:00:00 UTC", 1769853600), ("2026-01-31T10:00:00.9Z", 1769853600), (None, None)],
    )
    def test_time(self, created_at: object, occurred_at: int | None) -> None:
        assert event_of({"event": "A", "created_at": created_at}).occurred_at == occurred_at

    @pytest.mark.parametrize(
        ("bad", "reason"),
        [
            (5, "the event is not an object"),
            (
                {"event": "A", "created_at": "soon"},
                "the time of the event is neither an ISO 8601 time nor unix seconds",
            ),
            ({"event": "A", "event_id": "a\0"}, "the event's id has NUL or broken Unicode"),
            (None, "the event is not an object"),
            ({}, "the event has no name"),
            ({"event": " "}, "the event has no name"),
            ({"event": 5}, "the event has no name"),
            ({"event": "a\x00"}, "the event's name has NUL or broken Unicode"),
            ({"event": "A", "properties": ["x"]}, "the event's properties are not an object"),
            ({"event": "A", "properties": "x"}, "the event's properties are not an object"),
        ],
    )
    def test_a_bad_event_costs_neither_the_user_nor_the_others(self, bad: object, reason: str) -> None:
        change, refused = formats.parse("hull", message(events=[{"event": "A"}, bad, {"event": "B"}]))
        assert isinstance(change, Change)
        assert [each.name for each in change.events] == ["A", "B"]
        assert refused == Unreadable(reason, bad)

    def test_events_that_are_no_list_cost_no_user(self) -> None:
        change, refused = formats.parse("hull", message(events={"event": "A"}))
        assert isinstance(change, Change)
        assert change.events == ()
        assert refused == Unreadable("the events of the message are not a list", {"event": "A"})

    @pytest.mark.parametrize(
        ("fields", "name", "properties"),
        [
            ({}, "page", {}),
            ({"properties": None, "context": None}, "page", {}),
            (
                {"properties": {"url": "u", "referrer": "r"}, "context": {"page": {"url": "x"}, "referrer_url": "y"}},
                "u",
                {"url": "u", "referrer": "r"},
            ),
            (
                {"context": {"page": {"url": "u"}, "referrer": {"url": "r"}, "page_url": "x", "referrer_url": "y"}},
                "u",
                {"referrer": "r"},
            ),
            (
                {"properties": {"a": 1}, "context": {"page_url": "u", "referrer_url": "r"}},
                "u",
                {"a": 1, "referrer": "r"},
            ),
            ({"context": {"page": "x", "referrer": []}}, "page", {}),
        ],
    )
    def test_page(self, fields: dict[str, Any], name: str, properties: dict[str, Any]) -> None:
        before = copy.deepcopy(fields)
        event = event_of({"event": "page", **fields})
        assert (event.kind, event.name, event.properties) == ("page", name, properties)
        assert fields == before

    def test_screen(self) -> None:
        named, bare = event_of({"event": "screen", "properties": {"name": "Checkout"}}), event_of({"event": "screen"})
        assert (named.kind, named.name) == ("screen", "Checkout")
        assert (bare.kind, bare.name) == ("screen", "screen")

    def test_kinds_are_case_sensitive(self) -> None:
        assert event_of({"event": "Page"}).kind == "event"


class TestNeighbours:
    """One malformed message never harms the others, as it did in Hull's connector."""

    @given(JSON | HULL_LIKE)
    def test_any_value_is_read_or_refused(self, body: object) -> None:
        try:
            answers = formats.parse("hull", body)
        except UnreadableError:
            return
        assert all(isinstance(each, Change | Unreadable) for each in answers)

    @given(HULL_LIKE)
    def test_any_user_is_read_or_refused(self, value: Any) -> None:
        formats.parse(
            "hull", {"messages": [message(value), message(events=[value, {"event": "page", "context": value}])]}
        )

    @given(st.lists(st.none() | st.booleans() | st.integers() | st.text() | st.just({}) | st.just({"user": {}})))
    def test_good_messages_survive_bad_ones(self, bad: list[Any]) -> None:
        good = [message({"id": f"user-{number}"}) for number in range(len(bad))]
        mixed = [each for pair in zip(bad, good, strict=True) for each in pair]
        answers = formats.parse("hull", {"messages": mixed})
        assert [each.key for each in answers if isinstance(each, Change)] == [each["user"]["id"] for each in good]
        assert [each.message for each in answers if isinstance(each, Unreadable)] == bad
