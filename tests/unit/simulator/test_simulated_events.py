"""Events of the known and of the anonymous (docs/customerio.md#anonymous-events)."""

import pytest

ULID = "01HF7YAT00QWERTYWXCVBNMQWE"
DAY = 86400


def send(world, identifiers, name="signed up", action="event", **rest):
    world.do(action, identifiers, name=name, **rest)


def events(world, **identifier):
    return [event.name for event in world.person(**identifier).events]


@pytest.mark.parametrize("action", ["event", "page", "screen"])
def test_an_event_is_recorded_as_sent_and_trimmed(world, action):
    world.identify({"id": "1"})
    send(world, {"id": "1"}, " home ", action, id=ULID, timestamp=5, attributes={"a": [1]})

    (event,) = world.person(id="1").events
    assert (event.id, event.name, event.type, event.timestamp, event.attributes) == (
        ULID,
        "home",
        action,
        5,
        {"a": [1]},
    )


def test_an_event_without_a_time_happened_now(world):
    send(world, {"id": "1"})

    assert world.person(id="1").events[0].timestamp == int(world.now)


@pytest.mark.parametrize("again", [ULID, ULID.lower()])
def test_a_repeated_ulid_is_accepted_and_not_recorded(world, again):
    send(world, {"id": "1"}, id=ULID)
    send(world, {"id": "2"}, id=again)

    assert events(world, id="1") == ["signed up"]
    assert world.person(id="2") is None
    assert world.log("duplicate_event") == [{"id": again, "name": "signed up"}]


@pytest.mark.parametrize("event_id", [None, "not-a-ulid", ULID[:-1], "I" + ULID[1:]])
def test_what_is_no_ulid_de_duplicates_nothing(world, event_id):
    send(world, {"id": "1"}, id=event_id)
    send(world, {"id": "1"}, id=event_id)

    assert len(events(world, id="1")) == 2


@pytest.mark.parametrize(("creates", "names"), [(True, [("1", None)]), (False, [])])
def test_an_event_for_a_stranger_creates_them_and_says_so_or_fails(world_with, creates, names):
    world = world_with(event_creates_person=creates)
    send(world, {"id": "1"}, id=ULID)

    assert world.names() == names
    assert world.log("profile_create") == [{"by": "event"}] * len(names)
    assert len(world.log("failed_event")) == 1 - len(names)


def test_an_event_that_was_not_recorded_may_come_again(world_with):
    world = world_with(event_creates_person=False)
    send(world, {"id": "1"}, id=ULID)
    world.identify({"id": "1"})
    send(world, {"id": "1"}, id=ULID)

    assert events(world, id="1") == ["signed up"]


def test_an_event_under_an_unknown_cio_id_fails(world):
    send(world, {"cio_id": "b0"})

    assert world.names() == []
    assert len(world.log("failed_event")) == 1


def test_anonymous_events_wait_for_the_identify_that_names_them(world):
    send(world, {"anonymous_id": "a"}, "viewed")
    send(world, {"anonymous_id": "b"}, "other")
    world.identify({"id": "1"}, anonymous_id="a")

    assert events(world, id="1") == ["viewed"]
    assert [one.anonymous_id for one in world.live.anonymous.unclaimed()] == ["b"]
    assert world.log("anon_merge") == [{"anonymous_id": "a", "events": 1, "events_that_can_trigger": 1}]


@pytest.mark.parametrize(("days", "kept", "fresh"), [(1, 1, 1), (4, 1, 0), (30, 1, 0), (31, 0, 0)])
def test_anonymous_events_are_kept_30_days_and_can_trigger_for_72_hours(world, days, kept, fresh):
    send(world, {"anonymous_id": "a"})
    world.now += days * DAY
    world.identify({"id": "1"}, anonymous_id="a")

    assert len(events(world, id="1")) == kept
    assert sum(entry["events_that_can_trigger"] for entry in world.log("anon_merge")) == fresh


@pytest.mark.parametrize(("seconds", "attached"), [(0, 1), (300, 1), (301, 0)])
def test_late_anonymous_events_attach_for_five_minutes(world, seconds, attached):
    world.identify({"id": "1"}, anonymous_id="a")
    world.now += seconds
    send(world, {"anonymous_id": "a"})

    assert len(events(world, id="1")) == attached
    assert len(world.live.anonymous) == 1 - attached


def test_another_identify_collects_what_came_too_late(world):
    world.identify({"id": "1"}, anonymous_id="a")
    world.now += DAY
    send(world, {"anonymous_id": "a"}, "late")
    world.identify({"id": "1"}, anonymous_id="a")

    assert events(world, id="1") == ["late"]


def test_an_anonymous_id_belongs_to_one_person(world):
    world.identify({"id": "1"}, anonymous_id="a")
    world.identify({"id": "2"}, anonymous_id="a", plan="free")

    assert world.person(id="2").attributes == {"plan": "free"}
    assert world.log("failed_attribute_change")[0]["attribute"] == "anonymous_id"


def test_an_anonymous_id_of_somebody_deleted_is_free(world):
    world.identify({"id": "1"}, anonymous_id="a")
    world.do("delete", {"id": "1"})
    world.identify({"id": "2"}, anonymous_id="a")

    assert world.person(id="2").attributes == {"anonymous_id": "a"}


def test_an_identify_under_an_anonymous_id_means_the_person_it_names(world):
    send(world, {"anonymous_id": "a"}, "viewed")
    world.identify({"anonymous_id": "a"}, id="1", plan="free")
    world.identify({"anonymous_id": "a"}, plan="paid")

    assert world.person(id="1").attributes == {"anonymous_id": "a", "plan": "paid"}
    assert events(world, id="1") == ["viewed"]


def test_an_identify_under_nobodys_anonymous_id_creates_nobody(world):
    world.identify({"anonymous_id": "a"}, plan="free")

    assert world.names() == []


def test_an_invite_stays_anonymous(world):
    send(world, {}, "invited", attributes={"recipient": "user-1@example.com"})

    (kept,) = world.live.anonymous.unclaimed()
    assert (kept.anonymous_id, kept.event.attributes) == (None, {"recipient": "user-1@example.com"})
