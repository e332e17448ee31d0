"""Objects and relationships, from the door to a simulated Customer.io."""

from collections.abc import Callable
from typing import Any

import pytest

from connector import formats
from connector.admin import problems as remedy
from connector.admin.privacy import find_user, forget
from connector.bulk.resync import advance, start
from connector.delivery import object_gate
from connector.intake.accept import accept
from connector.model.entity import Identifier, Profile
from connector.planning.settlement import Confirmed
from connector.store import claims, overview, problems, settlements
from tests.simulated import Simulated
from tests.world import World, event, message

pytestmark = pytest.mark.in_turn

COMPANY = {"type": "1", "attributes": ["name", "plan"], "relationship_attributes": ["role"]}
COURSE = {"type": "2", "from": ["object"], "attributes": ["title"], "on_exit": "delete"}
ACCOUNT = {"type": "1", "from": ["account"], "attributes": ["name"], "relationship_attributes": ["role"]}


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    return make_world(sync={"objects": [COMPANY, COURSE]})


def company(id: str, version: int | None = None, **told: Any) -> dict[str, Any]:
    return {"object": {"type": "1", "id": id, **told}, "version": version}


def course(id: str, version: int | None = None, **told: Any) -> dict[str, Any]:
    return {"object": {"type": "2", "id": id, **told}, "version": version}


def related(id: str, **told: Any) -> dict[str, Any]:
    return {"type": "1", "id": id, **told}


def part(*relationships: dict[str, Any], version: int | None = None, user: str = "u1") -> dict[str, Any]:
    return {"user": {"id": user}, "relationships": list(relationships), "version": version}


def spoken(world: World, *calls: dict[str, Any]) -> None:
    """Takes in calls of the Segment spec, each delivered before the next one comes."""
    for number, call in enumerate(calls, 1):
        told = {"messageId": f"m{number}", "timestamp": f"2026-01-31T10:00:{number:02}Z", **call}
        accept(world.store, world.rules, formats.parse("segment", told))
        world.settle()


def test_an_object_arrives_is_changed_and_goes(world: World, simulator: Simulated) -> None:
    found = []
    for each in (
        course("c1", 1, attributes={"title": "Ada", "secret": 1}),
        course("c1", 2, attributes={"title": "Bee"}),
        course("c1", 3, attributes={"title": None}),
        course("c1", 4, deleted=True),
        course("c1", 5, attributes={"title": "Cee"}),
    ):
        world.run(each)
        found.append(simulator.objects())

    assert found == [
        {"2/c1": {"title": "Ada"}},
        {"2/c1": {"title": "Bee"}},
        {"2/c1": {}},
        {},
        {"2/c1": {"title": "Cee"}},
    ]
    assert {name: count for name, count in world.tallies().items() if name.startswith("objects")} == {
        "objects created": 2,
        "objects deleted": 1,
        "objects updated": 2,
    }


@pytest.mark.parametrize(("kind", "there"), [(course, {}), (company, {"1/x": {}})])
def test_what_becomes_of_an_object_that_left_is_a_setting(
    world: World, simulator: Simulated, kind: Callable[..., dict[str, Any]], there: dict[str, Any]
) -> None:
    world.run(kind("x", 1), kind("x", 2, left=True, attributes={"name": "late"}))

    assert simulator.objects() == there


def test_an_older_word_on_an_object_changes_nothing(world: World, simulator: Simulated) -> None:
    world.run(company("a", 3, attributes={"name": "new"}), company("a", 2, attributes={"name": "old", "plan": "pro"}))
    world.run(course("c", 5, deleted=True), course("c", 4, attributes={"title": "late"}))

    assert simulator.objects() == {"1/a": {"name": "new", "plan": "pro"}}


def test_relationships_arrive_with_their_person_and_after_their_objects(world: World, simulator: Simulated) -> None:
    world.run({
        **message("u1", 1, event("Signed up", "e1"), plan="gold"),
        "relationships": [related("a", attributes={"role": "admin", "secret": 1}), {"type": "2", "id": "c"}],
    })  # fmt: skip

    assert simulator.relationships() == {"u1": {"1/a": {"role": "admin"}, "2/c": {}}}
    assert simulator.objects() == {"1/a": {}, "2/c": {}}
    assert simulator.event_names("u1") == ["Signed up"]
    assert not world.problems()
    assert not simulator.failures()


def test_a_type_that_the_settings_do_not_name_is_not_sent(world: World, simulator: Simulated) -> None:
    world.run({**message("u1", 1), "relationships": [{"type": "7", "id": "x"}]}, {"object": {"type": "7", "id": "x"}})

    assert simulator.relationships() == {"u1": {}}
    assert simulator.objects() == {}


def test_without_objects_in_the_settings_nothing_is_sent_of_them(
    make_world: Callable[..., World], simulator: Simulated
) -> None:
    world = make_world()
    world.run({**message("u1", 1), "relationships": [related("a")]}, company("a", 1))

    assert simulator.summary()["items"] == 1


def test_a_part_adds_changes_and_ends_relationships_and_leaves_the_others(world: World, simulator: Simulated) -> None:
    world.run(
        {**message("u1", 1), "relationships": [related("a", attributes={"role": "admin"})]},
        part(related("b", attributes={"role": "guest"}), version=2),
        part(related("a", deleted=True), version=3),
        part(related("b", attributes={"role": None}), version=4),
        message("u1", 5),
    )

    assert simulator.relationships() == {"u1": {"1/b": {}}}
    assert set(simulator.objects()) == {"1/a", "1/b"}


def test_a_relationship_that_comes_back_does_not_bring_its_old_attributes(world: World, simulator: Simulated) -> None:
    world.run(
        {**message("u1", 1), "relationships": [related("a", attributes={"role": "admin"})]},
        part(related("a", deleted=True), version=2),
        part(related("a"), version=3),
    )

    assert simulator.relationships() == {"u1": {"1/a": {}}}


def test_a_whole_message_that_names_relationships_names_all_of_them(world: World, simulator: Simulated) -> None:
    world.run(
        {**message("u1", 1), "relationships": [related("a"), related("b")]},
        {**message("u1", 2), "relationships": [related("b")]},
        part(related("a"), version=1),
    )

    assert simulator.relationships() == {"u1": {"1/b": {}}}


def test_an_object_says_who_is_related_to_it(world: World, simulator: Simulated) -> None:
    world.run(message("u1", 1), message("u2", 1))
    people = [{"user": {"id": "u1"}, "attributes": {"role": "admin"}}, {"user": {"id": "u2"}}]
    world.run(company("a", attributes={"name": "Example"}, relationships=people))
    world.run(company("a", relationships=[{"user": {"id": "u2"}, "deleted": True}]))

    assert simulator.relationships() == {"u1": {"1/a": {"role": "admin"}}, "u2": {}}


@pytest.mark.parametrize("on_exit", ["delete", "clear", "keep"])
def test_who_leaves_is_related_to_nothing_any_more_unless_kept(
    make_world: Callable[..., World], simulator: Simulated, on_exit: str
) -> None:
    world = make_world(sync={"on_exit": on_exit, "objects": [COMPANY]})
    world.run({**message("u1", 1, plan="x"), "relationships": [related("a")]}, message("u1", 2, segments=[]))

    expected = {"delete": {}, "clear": {"u1": {}}, "keep": {"u1": {"1/a": {}}}}[on_exit]
    assert simulator.relationships() == expected
    assert simulator.objects() == {"1/a": {}}


def test_objects_of_who_is_outside_are_not_created(world: World, simulator: Simulated) -> None:
    world.run({**message("u1", 1, segments=["Other"]), "relationships": [related("a")]})
    assert simulator.objects() == {}

    world.run({**part(related("b"), version=2)}, {"user": {"id": "u1", "external_id": "u1"}, "entered": ["Paying"]})
    assert simulator.relationships() == {"u1": {"1/b": {}}}


def test_a_lost_answer_leaves_no_relationship_that_ended_meanwhile(world: World, simulator: Simulated) -> None:
    world.run(message("u1", 1, plan="gold"), company("a", 1))
    simulator.go_wrong({"path": "/api/v2/batch", "drop": "after", "times": 1})
    world.take(part(related("a", attributes={"role": "admin"}), version=2))
    world.cycle()
    assert simulator.relationships() == {"u1": {"1/a": {"role": "admin"}}}
    world.take(part(related("a", deleted=True), version=3))
    world.settle()

    assert simulator.relationships() == {"u1": {}}


def test_a_lost_answer_to_an_object_is_no_doubt_for_long(world: World, simulator: Simulated) -> None:
    simulator.go_wrong({"path": "/api/v2/batch", "drop": "after", "times": 1})
    world.take(course("c", 1, attributes={"title": "Ada"}))
    world.cycle()
    world.take(course("c", 2, deleted=True))
    world.settle()

    assert simulator.objects() == {}


def test_a_refused_object_is_a_problem_and_its_neighbours_go_on(world: World, simulator: Simulated) -> None:
    simulator.go_wrong({"path": "/api/v2/batch", "items": "a", "times": 1})
    world.take(
        company("a", 1, attributes={"name": "bad"}),
        company("b", 1, attributes={"name": "good"}),
        {**message("u1", 1), "relationships": [related("a"), related("b")]},
    )
    world.settle()

    assert simulator.objects() == {"1/b": {"name": "good"}}
    assert simulator.relationships() == {"u1": {"1/b": {}}}
    ((kind, subject, reason),) = world.problems()
    assert (kind, subject) == ("refused", "1/a")
    assert reason.startswith("object identify refused")

    with world.store.reading() as tx:
        (kept,) = problems.kept(tx)
    remedy.replay(world.runtime, kept, "native")
    world.settle()
    assert simulator.relationships() == {"u1": {"1/a": {}, "1/b": {}}}


def test_a_refused_relationship_is_a_problem_and_its_neighbours_go_on_and_can_end(
    world: World, simulator: Simulated
) -> None:
    world.run(company("bad", 1), company("b", 1), message("u1", 1, plan="gold"))
    simulator.go_wrong({"path": "/api/v2/batch", "items": "bad", "times": 1})
    world.run(part(related("bad"), related("b", attributes={"role": "x"}), version=2))

    assert simulator.relationships() == {"u1": {"1/b": {"role": "x"}}}
    ((kind, subject, reason),) = world.problems()
    assert (kind, subject) == ("refused", "u1")
    assert reason.startswith("add_relationships to the object 1/bad refused")
    world.run(part(related("b", deleted=True), version=3))
    assert simulator.relationships() == {"u1": {"1/bad": {}}}


def test_an_oversize_attribute_of_an_object_is_left_out_and_a_problem(world: World, simulator: Simulated) -> None:
    world.run(company("a", 1, attributes={"name": "x" * 1001, "plan": "pro"}))

    assert simulator.objects() == {"1/a": {"plan": "pro"}}
    assert world.problems() == [("attribute", "1/a", "attribute 'name' exceeds 1000 bytes: it is left out")]


def test_a_deleted_object_that_comes_back_gets_its_people_back(world: World, simulator: Simulated) -> None:
    world.run({**message("u1", 1), "relationships": [{"type": "2", "id": "c"}]})
    world.run(course("c", 2, deleted=True))
    assert simulator.relationships() == {"u1": {}}
    world.run(message("u1", 3, plan="other"))
    assert simulator.objects() == {}

    world.run(course("c", 4, attributes={"title": "again"}))
    assert simulator.relationships() == {"u1": {"2/c": {}}}


def test_an_object_that_goes_and_comes_before_its_people_are_looked_at(world: World, simulator: Simulated) -> None:
    world.run({**message("u1", 1), "relationships": [{"type": "2", "id": "c"}]})
    courier = world.runtime.courier("main")
    for each in (course("c", 2, deleted=True), course("c", 3, attributes={"title": "again"})):
        world.take(each)
        courier._cycle("object")
    assert simulator.relationships() == {"u1": {}}
    world.settle()

    assert simulator.relationships() == {"u1": {"2/c": {}}}


def test_the_guard_holds_deletions_of_objects_apart_from_those_of_people(
    make_world: Callable[..., World], simulator: Simulated
) -> None:
    guard = {"share": 0.1, "at_least": 1}
    world = make_world(sync={"objects": [COURSE], "deletion_guard": guard})
    world.take(*(course(f"c{number}", 1) for number in range(5)), message("u1", 1))
    world.settle()
    world.take(*(course(f"c{number}", 2, deleted=True) for number in range(5)), message("u1", 2, segments=[]))
    world.settle()

    assert len(simulator.objects()) == 5
    assert simulator.people() == {}
    assert [(kind, subject) for kind, subject, _ in world.problems()] == [("held", "main/objects")]
    assert remedy.approve(world.runtime, "main") == 5
    world.settle()
    assert simulator.objects() == {}
    assert not world.problems()


def test_a_resync_sends_objects_and_relationships_again(world: World, simulator: Simulated) -> None:
    people = [{"user": {"id": "u1"}, "attributes": {"role": "admin"}}]
    world.run(message("u1", 1), company("a", attributes={"name": "Example"}, relationships=people))
    before = simulator.objects(), simulator.relationships()
    simulator.reset()
    start(world.runtime, "main", 1000.0)
    advance(world.runtime)
    world.settle()

    assert (simulator.objects(), simulator.relationships()) == before


def test_the_account_is_an_object_and_the_user_is_related_to_one_at_a_time(
    make_world: Callable[..., World], simulator: Simulated
) -> None:
    world = make_world(sync={"objects": [ACCOUNT], "attributes": ["plan", "account.name"]})
    world.run({**message("u1", 1, role="admin"), "account": {"id": "a", "name": "Ada Ltd"}})
    assert simulator.people() == {"u1": {"account_name": "Ada Ltd"}}
    world.run({**message("u1", 2, role="guest"), "account": {"id": "b", "name": "Bee Ltd"}})

    assert simulator.objects() == {"1/a": {"name": "Ada Ltd"}, "1/b": {"name": "Bee Ltd"}}
    assert simulator.relationships() == {"u1": {"1/b": {"role": "guest"}}}
    world.run(message("u1", 3))
    assert simulator.relationships() == {"u1": {}}


def test_the_account_of_who_is_outside_is_no_object(make_world: Callable[..., World], simulator: Simulated) -> None:
    world = make_world(sync={"objects": [ACCOUNT]})
    world.run({**message("u1", 1, segments=[]), "account": {"id": "a", "name": "Ada Ltd"}})

    assert simulator.objects() == {}


def test_group_calls_make_objects_and_relationships_and_events_end_them(
    make_world: Callable[..., World], simulator: Simulated
) -> None:
    world = make_world(sync={"segments": ["*"], "objects": [COMPANY], "attributes": ["account.name"]})
    traits = {"name": "Ada Ltd", "relationshipAttributes": {"role": "admin"}}
    group = {"type": "group", "userId": "u1", "groupId": "a", "traits": traits}
    spoken(world, group, {**group, "groupId": "b", "traits": {"object_type_id": 1, "name": "Bee Ltd"}})
    assert simulator.objects() == {"1/a": {"name": "Ada Ltd"}, "1/b": {"name": "Bee Ltd"}}
    assert simulator.relationships() == {"u1": {"1/a": {"role": "admin"}, "1/b": {}}}
    assert simulator.people() == {"u1": {"account_name": "Bee Ltd"}}

    ended = {"type": "track", "userId": "u1", "event": "Relationship Deleted", "timestamp": "2026-01-31T11:00:00Z"}
    spoken(world, {**ended, "properties": {"objectId": "a", "objectTypeId": "1"}})
    assert simulator.relationships() == {"u1": {"1/b": {}}}
    gone = {"type": "track", "event": "Object Deleted", "timestamp": "2026-01-31T11:00:00Z"}
    spoken(world, {**gone, "properties": {"objectId": "b"}})
    assert simulator.objects() == {"1/a": {"name": "Ada Ltd"}}
    assert simulator.relationships() == {"u1": {}}


def test_an_identify_call_passes_relationships(make_world: Callable[..., World], simulator: Simulated) -> None:
    world = make_world(sync={"segments": ["*"], "objects": [COMPANY]})
    listed = [{"identifiers": {"object_type_id": "1", "object_id": "a"}, "relationship_attributes": {"role": "x"}}]
    spoken(world, {"type": "identify", "userId": "u1", "traits": {"cio_relationships": listed}})

    assert simulator.relationships() == {"u1": {"1/a": {"role": "x"}}}


def test_who_is_only_updated_is_not_created_by_a_relationship(
    make_world: Callable[..., World], simulator: Simulated
) -> None:
    world = make_world(sync={"mode": "update", "on_exit": "keep", "objects": [COMPANY]})
    world.run({**message("u1", 1, plan="x"), "relationships": [related("a")]})

    assert simulator.people() == {}
    assert simulator.objects() == {"1/a": {}}


def test_who_is_merged_keeps_the_relationships_that_are_wanted(world: World, simulator: Simulated) -> None:
    world.run({**message("u1", 1), "relationships": [related("a"), related("b")]})
    world.run({**message("u1", 2, external_id="other"), "relationships": [related("b")]})

    assert simulator.relationships() == {"other": {"1/b": {}}}


def test_who_is_being_sent_for_when_their_object_comes_stays_due(world: World, simulator: Simulated) -> None:
    world.take({**message("u1", 1), "relationships": [related("a")]})
    (rules,) = world.rules
    with world.store.writing() as tx:
        claimed = claims.claim(tx, "main", "a-lease", 10, world.store.now(tx), 60.0)
    (claim,) = object_gate.reachable(world.store, rules, claimed)
    assert claim.entity.facts.relationships.values == {}
    world.runtime.courier("main").cycle()  # the object; the person is leased
    assert simulator.objects() == {"1/a": {}}

    settled = Confirmed(claim.entity, Profile(Identifier("id", "u1"), {}))
    with world.store.writing(may_be_lost=True) as tx:
        settlements.settle(tx, "main", "a-lease", [settled], world.store.now(tx))
    world.settle()
    assert simulator.relationships() == {"u1": {"1/a": {}}}


def test_who_is_forgotten_is_related_to_nothing_and_the_object_stays(world: World, simulator: Simulated) -> None:
    world.run(*({**message(user, 1), "relationships": [related("a")]} for user in ("u1", "u2")))
    found = find_user.find(world.runtime, "u1")
    forget.Forgetting(world.runtime, found).run()

    assert simulator.relationships() == {"u2": {"1/a": {}}}
    with world.store.reading() as tx:
        assert overview.of(tx, "main").relationships == 1


def test_what_is_held_and_due_is_counted(world: World) -> None:
    world.run({**message("u1", 1), "relationships": [related("a"), related("b")]})
    world.take(company("c", 1))
    with world.store.reading() as tx:
        found = overview.of(tx, "main")

    assert (found.people, found.due, found.objects, found.objects_due, found.relationships) == (1, 0, 2, 1, 2)
