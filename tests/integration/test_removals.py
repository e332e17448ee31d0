"""What upstream takes away is taken away, whoever had brought it; what is confirmed is not sent again."""

from collections.abc import Callable
from typing import Any

import pytest

from connector import formats
from connector.intake.accept import accept
from tests.simulated import Simulated
from tests.world import World, message

pytestmark = pytest.mark.in_turn

EVERYBODY: dict[str, Any] = {"segments": ["*"], "identifier": "id", "on_exit": "keep"}


@pytest.fixture
def make(make_world: Callable[..., World]) -> Callable[..., World]:
    """Worlds where everybody is in the audience, that keep what they send."""
    return lambda **sync: make_world(retention={"call_bodies": "all"}, sync={**EVERYBODY, **sync})


def brought(simulator: Simulated, *names: str) -> None:
    """These people are there already: another program brought them."""
    simulator.take(*({**person(name), "action": "identify", "attributes": {}} for name in names))


def person(name: str) -> dict[str, Any]:
    return {"type": "person", "identifiers": {"id": name}}


def hear(world: World, format: str, *said: dict[str, Any]) -> None:
    """Takes in each message by itself, and delivers it."""
    for each in said:
        accept(world.store, world.rules, formats.parse(format, each))
        world.settle()


# --- users -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("segments", [["*"], ["Paying"]])
@pytest.mark.parametrize(
    ("format", "said"),
    [
        ("native", {"user": {"id": "u9"}, "deleted": True}),
        ("segment", {"type": "delete", "userId": "u9"}),
        ("segment", {"type": "track", "event": "User Deleted", "userId": "u9"}),
    ],
)
def test_whom_upstream_deletes_goes_whoever_brought_them(
    make: Callable[..., World], simulator: Simulated, segments: list[str], format: str, said: dict[str, Any]
) -> None:
    brought(simulator, "u9", "u8")
    world = make(segments=segments)
    hear(world, format, said, said)

    assert set(simulator.people()) == {"u8"}
    assert len(world.sent("delete")) == 1


def test_a_deletion_whose_answer_was_lost_is_sent_again(make: Callable[..., World], simulator: Simulated) -> None:
    brought(simulator, "u9")
    world = make()
    simulator.go_wrong({"path": "/api/v2/batch", "status": 500, "times": 1})
    world.run({"user": {"id": "u9"}, "deleted": True, "version": 2})

    assert simulator.people() == {}


def test_who_comes_back_and_is_deleted_again_goes_again(make: Callable[..., World], simulator: Simulated) -> None:
    brought(simulator, "u9")
    world = make()
    gone = {"user": {"id": "u9"}, "deleted": True}
    world.run({**gone, "version": 2}, message("u9", 3, plan="gold"))
    assert simulator.people() == {"u9": {"plan": "gold"}}
    world.run({**gone, "version": 4}, {**gone, "version": 5})
    assert simulator.people() == {}
    assert len(world.sent("delete")) == 2


def test_the_guard_counts_those_whom_others_brought(make: Callable[..., World], simulator: Simulated) -> None:
    users = [f"u{number}" for number in range(5)]
    brought(simulator, *users)
    world = make(deletion_guard={"share": 0.1, "at_least": 1})
    world.take(*({"user": {"id": user}, "deleted": True, "version": 2} for user in users))
    world.settle()

    assert len(simulator.people()) == 5
    assert [kind for kind, _, _ in world.problems()] == ["held"]


def test_an_update_only_sync_deletes_nobody_whom_others_brought(
    make: Callable[..., World], simulator: Simulated
) -> None:
    brought(simulator, "u9")
    make(mode="update").run({"user": {"id": "u9"}, "deleted": True, "version": 2})

    assert set(simulator.people()) == {"u9"}


def test_by_id_or_email_a_deletion_goes_to_both(make: Callable[..., World], simulator: Simulated) -> None:
    world = make(identify_by="id_or_email")
    world.run({"user": {"id": "u9", "email": "ada@example.com"}, "deleted": True})

    named = [each["identifiers"] for each in world.sent("delete")]
    assert named == [{"id": "u9"}, {"email": "ada@example.com"}]


def test_who_cannot_be_deleted_since_nobody_knows_their_identifier_is_a_problem(
    world: World, simulator: Simulated
) -> None:
    world.run({"user": {"id": "u9"}, "deleted": True}, {"user": {"id": "u8"}, "suppressed": True})

    told = [(kind, user) for kind, user, reason in world.problems() if "external_id" in reason]
    assert told == [("identifier", "u8"), ("identifier", "u9")]


def test_the_visitor_is_forgotten_with_the_user(make: Callable[..., World], simulator: Simulated) -> None:
    world = make(anonymous_events=True)
    world.run(message("u1", 1, anonymous_id="v1"), {"user": {"id": "u1"}, "deleted": True, "version": 2})
    world.run({"user": {"id": "u1"}, "version": 3})

    last = world.sent("identify")[-1]
    assert "anonymous_id" not in last["attributes"]


@pytest.mark.parametrize(
    ("format", "said"),
    [
        ("native", {"user": {"id": "u9"}, "suppressed": False}),
        ("segment", {"type": "track", "event": "User Unsuppressed", "userId": "u9"}),
    ],
)
def test_whom_upstream_frees_is_free_whoever_had_blocked_them(
    make: Callable[..., World], simulator: Simulated, format: str, said: dict[str, Any]
) -> None:
    simulator.take({**person("u9"), "action": "suppress"})
    world = make()
    hear(world, "native", message("u9", 1, plan="gold"))
    assert simulator.people() == {}
    hear(world, format, said, said)

    assert simulator.people() == {"u9": {"plan": "gold"}}
    assert [each["action"] for each in world.sent("identify", "unsuppress")] == ["identify", "unsuppress", "identify"]


def test_who_is_outside_the_audience_is_freed_and_not_created(make: Callable[..., World], simulator: Simulated) -> None:
    world = make(segments=["Paying"])
    hear(world, "native", *[{"user": {"id": "u9"}, "suppressed": False}] * 2)

    assert len(world.sent("unsuppress", "identify")) == 1
    assert simulator.people() == {}


# --- devices, relationships, objects ---------------------------------------------------------------------------------

PHONE = {"platform": "ios", "token": "t-1"}
ACME = {"identifiers": {"object_type_id": "1", "object_id": "acme"}}


DEVICE_GONE = [
    ("segment", {"type": "track", "event": "Device Deleted", "userId": "u9", "properties": {"device_token": "t-1"}}),
    ("segment", {"type": "track", "event": "Application Uninstalled", "userId": "u9", "properties": {"token": "t-1"}}),
    ("native", {"user": {"id": "u9"}, "devices": [{"token": "t-1", "deleted": True}]}),
    ("native", {"user": {"id": "u9"}, "devices": [{"token": "t-1", "deleted": True}], "whole": True}),
    ("native", {"user": {"id": "u9"}, "devices": [{"token": "t-1", "deleted": True}], "segments": []}),
]


def with_a_device(simulator: Simulated) -> None:
    """Another program brought this user, and their telephone."""
    brought(simulator, "u9")
    simulator.take({**person("u9"), "action": "add_device", "device": PHONE})


@pytest.mark.parametrize("on_exit", ["keep", "clear", "delete"])
@pytest.mark.parametrize(("format", "said"), DEVICE_GONE)
def test_a_device_of_somebody_outside_the_audience_goes_once_and_nobody_is_created(
    make: Callable[..., World], simulator: Simulated, format: str, said: dict[str, Any], on_exit: str
) -> None:
    with_a_device(simulator)
    world = make(segments=["Paying"], on_exit=on_exit)
    hear(world, format, said, said)
    assert [each["devices"] for each in simulator.whole_people()] == [[]]
    hear(world, format, said | ({"userId": "u8"} if format == "segment" else {"user": {"id": "u8"}}))

    assert set(simulator.people()) == {"u9"}
    assert [each["identifiers"] for each in world.sent("delete_device")] == [{"id": "u9"}, {"id": "u8"}]
    assert world.sent("identify") == []


@pytest.mark.parametrize("on_exit", ["keep", "clear"])
def test_a_device_of_somebody_who_left_the_audience_goes_once(
    make: Callable[..., World], simulator: Simulated, on_exit: str
) -> None:
    with_a_device(simulator)
    world = make(segments=["Paying"], on_exit=on_exit)
    gone = {"user": {"id": "u9"}, "devices": [{"token": "t-1", "deleted": True}]}
    hear(world, "native", message("u9", 1), {"user": {"id": "u9"}, "segments": [], "version": 2})
    hear(world, "native", {**gone, "version": 3}, {**gone, "version": 4})

    assert [each["devices"] for each in simulator.whole_people()] == [[]]
    assert len(world.sent("delete_device")) == 1


def test_a_device_whose_removal_was_lost_is_taken_away_again(make: Callable[..., World], simulator: Simulated) -> None:
    with_a_device(simulator)
    world = make(segments=["Paying"])
    simulator.go_wrong({"path": "/api/v2/batch", "status": 500, "times": 1})
    hear(world, *DEVICE_GONE[0])

    assert [each["devices"] for each in simulator.whole_people()] == [[]]
    assert world.due() == 0


def test_a_device_that_is_told_gone_in_a_whole_message_goes_also_of_somebody_in_the_audience(
    make: Callable[..., World], simulator: Simulated
) -> None:
    with_a_device(simulator)
    hear(make(), "native", {"user": {"id": "u9"}, "devices": [{"token": "t-1", "deleted": True}], "whole": True})

    assert [each["devices"] for each in simulator.whole_people()] == [[]]


def test_a_device_taken_away_from_outside_comes_back_with_a_newer_word(
    make: Callable[..., World], simulator: Simulated
) -> None:
    with_a_device(simulator)
    world = make(segments=["Paying"])
    hear(world, *DEVICE_GONE[2])
    hear(world, "native", {**message("u9", 10**16), "devices": [PHONE]})

    assert [len(each["devices"]) for each in simulator.whole_people()] == [1]


@pytest.mark.parametrize(
    "said",
    [
        {"deleted": True},
        {"devices": [{"token": "t-1", "deleted": True}]},
        {"suppressed": False},
    ],
)
def test_what_another_user_holds_is_not_taken_away_and_both_are_named(
    make: Callable[..., World], simulator: Simulated, said: dict[str, Any]
) -> None:
    world = make(identifier="external_id", segments=["Paying"])
    hear(world, "native", {**message("u8", 1, external_id="1001", plan="gold"), "devices": [PHONE]})
    hear(world, "native", {"user": {"id": "u9", "external_id": "1001"}, **said})

    [one] = simulator.whole_people()
    assert (one["attributes"], len(one["devices"])) == ({"plan": "gold"}, 1)
    assert world.sent("delete", "delete_device", "unsuppress") == []
    [(kind, user, reason)] = world.problems()
    assert (kind, user) == ("conflict", "u9")
    assert "id:1001" in reason
    assert "'u8'" in reason
    hear(world, "native", {"user": {"id": "u8"}, "deleted": True, "version": 2})
    assert world.due() == 0


def test_whom_upstream_deletes_and_makes_anew_under_the_same_identifier_is_there(
    make: Callable[..., World], simulator: Simulated
) -> None:
    brought(simulator, "1001")
    world = make(identifier="external_id")
    world.run({"user": {"id": "u9", "external_id": "1001"}, "deleted": True}, message("u8", 1, external_id="1001"))

    assert set(simulator.people()) == {"1001"}
    assert [each["action"] for each in world.sent("delete", "identify")] == ["delete", "identify"]


@pytest.mark.parametrize("event", ["Device Deleted", "Application Uninstalled"])
def test_a_device_goes_whoever_had_brought_it(make: Callable[..., World], simulator: Simulated, event: str) -> None:
    brought(simulator, "u9")
    simulator.take({**person("u9"), "action": "add_device", "device": PHONE})
    world = make()
    gone = {"type": "track", "event": event, "userId": "u9", "properties": {"device_token": "t-1"}}
    hear(world, "segment", gone, gone)

    assert [each["devices"] for each in simulator.whole_people()] == [[]]
    assert len(world.sent("delete_device")) == 1
    hear(world, "native", {"user": {"id": "u9"}, "devices": [PHONE], "version": 10**16})
    assert [len(each["devices"]) for each in simulator.whole_people()] == [1]


def test_a_device_that_is_not_in_a_whole_list_any_more_is_not_taken_away_twice(
    make: Callable[..., World], simulator: Simulated
) -> None:
    world = make()
    hear(world, "native", {**message("u9", 1), "devices": [PHONE]})
    hear(world, "native", {"user": {"id": "u9"}, "devices": [{"token": "t-1", "deleted": True}], "version": 2})
    hear(world, "native", {**message("u9", 3), "devices": []})

    assert len(world.sent("delete_device")) == 1
    assert world.due() == 0


def related(simulator: Simulated) -> list[str]:
    return [name for name, each in simulator.relationships().items() if each]


def test_a_relationship_ends_whoever_had_made_it(make: Callable[..., World], simulator: Simulated) -> None:
    brought(simulator, "u9")
    simulator.take({**person("u9"), "action": "add_relationships", "cio_relationships": [ACME]})
    assert related(simulator)
    world = make(objects=[{"type": "1"}])
    gone = {"type": "track", "event": "Relationship Deleted", "userId": "u9", "properties": {"object_id": "acme"}}
    hear(world, "segment", gone, gone)

    assert not related(simulator)
    assert len(world.sent("delete_relationships")) == 1
    hear(world, "segment", {"type": "group", "userId": "u9", "groupId": "acme"})
    assert related(simulator)


@pytest.mark.parametrize(
    ("format", "said"),
    [
        (
            "segment",
            {"type": "track", "event": "Relationship Deleted", "userId": "u9", "properties": {"object_id": "acme"}},
        ),
        ("native", {"user": {"id": "u9"}, "relationships": [{"id": "acme", "deleted": True}]}),
        ("native", {"user": {"id": "u9"}, "relationships": [{"id": "acme", "deleted": True}], "whole": True}),
        ("native", {"user": {"id": "u9"}, "relationships": [{"id": "acme", "deleted": True}], "segments": []}),
    ],
)
@pytest.mark.parametrize("segments", [["Paying"], ["*"]])
def test_a_relationship_of_somebody_outside_the_audience_ends_too(
    make: Callable[..., World], simulator: Simulated, segments: list[str], format: str, said: dict[str, Any]
) -> None:
    brought(simulator, "u9")
    simulator.take({**person("u9"), "action": "add_relationships", "cio_relationships": [ACME]})
    world = make(objects=[{"type": "1"}], segments=segments)
    hear(world, format, said, said)

    assert not related(simulator)
    assert len(world.sent("delete_relationships")) == 1
    assert set(simulator.people()) == {"u9"}


@pytest.mark.parametrize(
    ("format", "said"),
    [
        ("native", {"object": {"id": "acme", "deleted": True}}),
        ("segment", {"type": "track", "event": "Object Deleted", "properties": {"object_id": "acme"}}),
    ],
)
def test_an_object_goes_whoever_had_brought_it(
    make: Callable[..., World], simulator: Simulated, format: str, said: dict[str, Any]
) -> None:
    simulator.take({"type": "object", **ACME, "action": "identify", "attributes": {"name": "Acme"}})
    world = make(objects=[{"type": "1", "on_exit": "delete"}])
    hear(world, format, said, said)

    assert simulator.objects() == {}
    assert len(world.sent("delete")) == 1


def test_an_object_that_only_left_stays_if_another_program_had_brought_it(
    make: Callable[..., World], simulator: Simulated
) -> None:
    simulator.take({"type": "object", **ACME, "action": "identify", "attributes": {"name": "Acme"}})
    world = make(objects=[{"type": "1", "on_exit": "delete"}])
    hear(world, "native", {"object": {"id": "acme", "left": True}})

    assert set(simulator.objects()) == {"1/acme"}


# --- users who turn out to be one ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("format", "said"),
    [
        ("segment", {"type": "alias", "previousId": "u0", "userId": "u1"}),
        ("native", {"user": {"id": "u1"}, "merges": ["u0"]}),
    ],
)
def test_whom_nobody_here_had_brought_is_merged_once(
    make: Callable[..., World], simulator: Simulated, format: str, said: dict[str, Any]
) -> None:
    brought(simulator, "u0")
    world = make(anonymous_events=True)
    hear(world, "native", message("u1", 1, plan="gold"))
    hear(world, format, said, said)

    assert simulator.people() == {"u1": {"plan": "gold"}}
    assert [each["secondary"] for each in world.sent("merge")] == [{"id": "u0"}]


def test_an_alias_of_an_address_merges_the_lead(make: Callable[..., World], simulator: Simulated) -> None:
    world = make(identify_by="id_or_email", attributes=["plan"], anonymous_events=True)
    hear(world, "segment", {"type": "identify", "anonymousId": "v1", "traits": {"email": "ada@example.com"}})
    hear(world, "segment", {"type": "alias", "previousId": "ada@example.com", "userId": "u1"})

    [one] = simulator.whole_people()
    assert (one["identifiers"]["id"], one["attributes"].get("anonymous_id")) == ("u1", "v1")
