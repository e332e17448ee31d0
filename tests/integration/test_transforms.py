"""Attributes that go through steps, from the door to Customer.io."""

from collections.abc import Callable

from connector import formats
from connector.admin.preview.preview import Previewer
from tests.build_settings import rules
from tests.simulated import Simulated
from tests.world import World, message

EVENTS = [{"name": "Order Completed", "transform": {"total": ["number"], "currency": [{"default": "EUR"}]}}]
ORDERS = [
    {"name": "Order Completed", "id": "e-1", "properties": {"total": "12.5", "paid": "2020-01-01"}},
    {"name": "Order Completed", "id": "e-2", "properties": {"total": "many"}},
]
ATTRIBUTES = [
    {"from": "plan", "transform": ["trim", "lower", {"default": "free"}]},
    {"from": "tags", "transform": [{"join": "; "}]},
    {"from": "seats", "transform": ["number"]},
    "city",
]


def test_customer_io_holds_what_the_steps_made(make_world: Callable[..., World], simulator: Simulated) -> None:
    world = make_world(sync={"attributes": ATTRIBUTES})
    world.run(
        message("u1", 1, plan=" Gold ", tags=["a", "b"], seats="12", city=" Bergen "),
        message("u2", 1, seats="many"),
    )

    assert simulator.people() == {
        "u1": {"plan": "gold", "tags": "a; b", "seats": 12, "city": " Bergen "},
        "u2": {"plan": "free"},
    }
    [(kind, who, reason)] = world.problems()
    assert (kind, who) == ("attribute", "u2")
    assert reason.startswith("attribute 'seats' is text that the step \"number\" cannot take")


def test_a_changed_step_reaches_a_person_with_the_next_message(
    make_world: Callable[..., World], simulator: Simulated
) -> None:
    make_world().run(message("u1", 1, plan="Gold"))
    world = make_world(sync={"attributes": [{"from": "plan", "transform": ["upper"]}]})
    world.settle()
    assert simulator.people() == {"u1": {"plan": "Gold"}}
    world.run(message("u1", 2, plan="Gold"))

    assert simulator.people() == {"u1": {"plan": "GOLD"}}


def test_a_plan_shows_what_the_steps_make() -> None:
    told = formats.parse("native", [message("u1", 1, plan=" Gold ", seats="many")])
    [preview] = Previewer((rules(attributes=ATTRIBUTES),)).preview(told)

    assert [operation["attributes"] for operation in preview.operations] == [{"plan": "gold"}]
    [problem] = preview.problems
    assert problem.reason.startswith("attribute 'seats' is text that the step")


def test_customer_io_holds_the_properties_that_the_steps_of_events_made(
    make_world: Callable[..., World], simulator: Simulated
) -> None:
    world = make_world(sync={"events": EVENTS})
    world.run({**message("u1", 1), "events": ORDERS})

    [person] = simulator.whole_people()
    assert [each["attributes"] for each in person["events"]] == [
        {"total": 12.5, "paid": 1577836800, "currency": "EUR"},
        {"currency": "EUR"},
    ]
    [(kind, who, reason)] = world.problems()
    assert (kind, who) == ("event", "u1")
    assert reason.startswith("the property 'total' of the event 'Order Completed' is text that the step \"number\"")


def test_a_plan_shows_the_properties_that_the_steps_of_events_made() -> None:
    told = formats.parse("native", [{**message("u1", 1), "events": ORDERS}])
    [preview] = Previewer((rules(events=EVENTS),)).preview(told)

    sent = [each["attributes"] for each in preview.operations if "name" in each]
    assert sent == [{"total": 12.5, "paid": 1577836800, "currency": "EUR"}, {"currency": "EUR"}]
    [problem] = preview.problems
    assert problem.reason.startswith("the property 'total' of the event 'Order Completed' is text that the step")
