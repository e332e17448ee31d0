"""Lytics' audience triggers, from the HTTP door to Customer.io."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import pytest
from uvicorn import Config

from connector.web.app import create_app
from connector.web.server import serving
from tests.build_settings import TOKEN
from tests.simulated import Simulated
from tests.world import World

MakeWorld = Callable[..., World]
Post = Callable[[World, Any], httpx.Response]
SYNC = {"segments": ["paying"], "identifier": "email", "identify_by": "email", "attributes": ["plan", "email"]}
EMAIL = "u1@example.com"


@pytest.fixture
def post() -> Iterator[Post]:
    """Posts a body to the door of a world, and delivers what came of it."""
    with ExitStack() as stack:

        def posted(world: World, body: Any) -> httpx.Response:
            url = stack.enter_context(serving(doors(world), "127.0.0.1", 0))
            answer = httpx.post(f"{url}/v1/lytics", json=body, headers={"Authorization": f"Bearer {TOKEN}"})
            world.settle()
            return answer

        yield posted


def doors(world: World) -> Config:
    return Config(create_app(world.runtime, lambda _: None), log_config=None, access_log=False, lifespan="off")


def world_that(make_world: MakeWorld, on_exit: str) -> World:
    return make_world(sync={**SYNC, "on_exit": on_exit}, web={"token": TOKEN})


def trigger(happened: str, second: int, plan: str, **meta: Any) -> dict[str, Any]:
    data = {"email": EMAIL, "plan": plan}
    return {"data": data, "meta": {"event": happened, "timestamp": f"2026-03-01T00:00:{second:02}Z", **meta}}


ENTER = trigger("enter", 1, "gold", audience_slug="paying")
UPDATE = trigger("update", 2, "pro")
EXIT = trigger("exit", 3, "free", audience_slug="paying")


def plans(simulator: Simulated) -> dict[str, Any]:
    return {name: attributes.get("plan") for name, attributes in simulator.people().items()}


def test_enter_update_and_exit_with_deletion(make_world: MakeWorld, simulator: Simulated, post: Post) -> None:
    world = world_that(make_world, "delete")
    answer = post(world, ENTER)
    assert (answer.status_code, answer.json()) == (200, {"changes": 1, "unreadable": 0, "skipped": 0})
    assert plans(simulator) == {EMAIL: "gold"}
    post(world, [UPDATE])
    assert plans(simulator) == {EMAIL: "pro"}
    post(world, EXIT)
    assert plans(simulator) == {}


def test_enter_update_and_exit_with_the_person_kept(make_world: MakeWorld, simulator: Simulated, post: Post) -> None:
    world = world_that(make_world, "keep")
    for body in (ENTER, UPDATE, EXIT):
        post(world, body)
    assert plans(simulator) == {EMAIL: "pro"}


def test_the_order_of_arrival_does_not_matter(make_world: MakeWorld, simulator: Simulated, post: Post) -> None:
    world = world_that(make_world, "delete")
    post(world, [EXIT, UPDATE, ENTER])
    assert plans(simulator) == {}


def test_another_audience_does_not_let_anybody_in(make_world: MakeWorld, simulator: Simulated, post: Post) -> None:
    world = world_that(make_world, "delete")
    post(world, trigger("enter", 1, "gold", audience_slug="trial"))
    assert simulator.calls() == []


def test_a_bad_message_is_a_problem_and_its_neighbour_goes_on(
    make_world: MakeWorld, simulator: Simulated, post: Post
) -> None:
    world = world_that(make_world, "delete")
    answer = post(world, [{"data": {"plan": "gold"}}, ENTER])
    assert (answer.json()["changes"], answer.json()["unreadable"]) == (1, 1)
    assert plans(simulator) == {EMAIL: "gold"}
    assert world.problems() == [("unreadable", "", "the message names no user")]


def test_a_body_that_is_no_message_is_refused(make_world: MakeWorld, post: Post) -> None:
    answer = post(world_that(make_world, "delete"), "enter")
    assert answer.status_code == 400
    assert answer.json()["detail"].startswith("the body is neither")


def test_who_does_not_show_the_token_stays_outside(make_world: MakeWorld) -> None:
    world = world_that(make_world, "delete")
    with serving(doors(world), "127.0.0.1", 0) as url:
        assert httpx.post(f"{url}/v1/lytics", json=ENTER).status_code == 401
