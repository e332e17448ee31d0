"""`connector show` over HTTP, on SQLite and on PostgreSQL: all that is known of one person, and of nobody else."""

import json
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from connector.activity import fields
from connector.activity.fold import Folding
from connector.activity.receive import Posted, receive
from connector.admin.person import gather
from connector.admin.person.as_json import as_json
from connector.cli import commands
from connector.errors import ConnectorError, SettingsError
from connector.model.problem import Problem
from connector.settings.profiles import ProfilesSettings
from connector.store import connection_health, problems
from connector.store.connection_health import Health
from connector.store.engine import Store
from tests.build_settings import API_KEY, SITE_ID, TOKEN, values, write
from tests.simulated import Simulated
from tests.webhooks import reported
from tests.world import World, event, message

PEOPLE = "/v1/customers/attributes"
EMAIL = "ada@example.com"
APP_KEY = "app-api-key"
MakeWorld = Callable[..., World]


@pytest.fixture
def world(make_world: MakeWorld, simulator: Simulated) -> World:
    """People are sent with their address, and read back; calls keep their bodies."""
    simulator.reset(app_rate_limit=0)
    return make_world(
        sync={"attributes": ["plan", "city", "email"]},
        connection={"app_api_key": APP_KEY},
        retention={"call_bodies": "all"},
    )


def show(world: World, user: str = "user-1", sync: str = "") -> dict[str, Any]:
    """A person as JSON, without what Customer.io holds at this moment."""
    shown: dict[str, Any] = json.loads(json.dumps(as_json(gather.gather(world.runtime, user, sync)), default=dict))
    return shown


def only(world: World, user: str = "user-1") -> dict[str, Any]:
    [found] = show(world, user)["syncs"]
    return dict(found)


def asked(simulator: Simulated) -> int:
    return len([call for call in simulator.calls() if call["endpoint"].startswith(PEOPLE)])


def test_all_that_is_known_of_a_person_stands_together(world: World) -> None:
    world.run(
        message("user-1", 7, event("Signed up", "a"), plan="pro", city="Bergen", email=EMAIL, external_id="1001"),
        message("user-2", 3, plan="pro", email="bob@example.com", external_id="1002"),
    )
    world.take(
        message("user-1", 8, event("Signed up", "b"), plan="gold", city="Bergen", email=EMAIL, external_id="1001")
    )
    with world.store.writing() as tx:
        told = [Problem("failed later", "user-1", "dropped later"), Problem("refused", "user-2", "of somebody else")]
        problems.add(tx, "main", told, world.store.now(tx))
        problems.add(tx, "", [Problem("queue", "user-1", "a queue of that name")], world.store.now(tx))

    whole = show(world)
    [found] = whole["syncs"]
    assert (whole["key"], found["sync"], found["connection"]) == ("user-1", "main", "main")
    assert {"id": "1001"} in found["identifiers"]
    assert (found["standing"], found["why"]) == ("in the audience", "`segments` names Paying")
    assert found["waits"] == ["they are due"]
    assert (found["said"]["version"], found["said"]["segments"]) == (8, ["Paying"])
    assert found["said"]["attributes"]["plan"] == found["should"]["attributes"]["plan"] == "gold"
    assert found["said"]["at"] > 0
    assert found["confirmed"]["identifier"] == {"id": "1001"}
    assert found["confirmed"]["attributes"]["plan"] == "pro"
    assert found["events"]["counts"] == {"pending": 1, "sent": 1}
    assert [(each["state"], each["name"]) for each in found["events"]["latest"]] == [
        ("pending", "Signed up"),
        ("sent", ""),
    ]
    assert [(each["kind"], each["reason"]) for each in whole["problems"]] == [("failed later", "dropped later")]


def test_the_calls_that_kept_a_body_and_mention_them_are_listed_with_their_answers(world: World) -> None:
    world.run(message("user-1", 1, external_id="person-one"), message("user-2", 1, external_id="person-two"))
    [one], [other] = only(world)["calls"], only(world, "user-2")["calls"]
    assert one["id"] != other["id"]
    assert (one["status"], one["verdict"], one["items"]) == (200, "settled", 1)


@pytest.mark.parametrize("name", ["user-1", "1001", EMAIL, EMAIL.upper()])
def test_a_person_is_found_by_key_identifier_and_address(world: World, name: str) -> None:
    world.run(message("user-1", 1, email=EMAIL, external_id="1001"), message("user-2", 1, external_id="1002"))
    assert show(world, name)["key"] == "user-1"


def test_a_person_is_found_by_the_anonymous_id_of_the_visitor_whom_they_were(make_world: MakeWorld) -> None:
    world = make_world(sync={"anonymous_events": True})
    world.run(message("user-1", 1, anonymous_id="visitor-1"), message("user-2", 1))
    found = show(world, "visitor-1")
    assert (found["key"], found["syncs"][0]["anonymous_ids"]) == ("user-1", ["visitor-1"])


def test_a_key_comes_before_an_identifier_of_somebody_else(world: World) -> None:
    world.run(message("user-1", 1, external_id="1001"), message("1001", 1, external_id="1002"))
    assert show(world, "1001")["key"] == "1001"


def test_a_name_of_several_users_names_them(world: World) -> None:
    world.take(message("user-1", 1, email=EMAIL, external_id=...), message("user-2", 1, email=EMAIL, external_id=...))
    with pytest.raises(ConnectorError, match="may be any of 2 users: 'user-1', 'user-2'"):
        show(world, EMAIL)


def test_nobody_is_known_and_a_sync_that_is_not_there_are_errors(world: World) -> None:
    world.run(message("user-1", 1))
    with pytest.raises(ConnectorError, match="nobody is known as 'nobody' in any sync"):
        show(world, "nobody")
    with pytest.raises(SettingsError, match="no sync 'other'"):
        show(world, "user-1", "other")
    assert show(world, "user-1", "main")["syncs"]


def test_somebody_of_whom_only_a_problem_is_left_is_shown(world: World) -> None:
    with world.store.writing() as tx:
        problems.add(tx, "main", [Problem("identifier", "user-9", "it is too long")], world.store.now(tx))
    found = show(world, "user-9")
    assert (found["syncs"], [each["reason"] for each in found["problems"]]) == ([], ["it is too long"])


def test_an_identifier_that_another_user_holds_is_waited_for_and_not_theirs(world: World) -> None:
    world.run(message("user-1", 1, external_id="1001", email=EMAIL))
    world.run(message("user-2", 1, external_id="1001", email=EMAIL))
    found = only(world, "user-2")
    assert found["waits"] == ["they wait for the identifier id:1001, which the user 'user-1' holds"]
    assert (found["identifiers"], found["calls"], held(world, "user-2").state) == ([], [], "not known")
    assert [each["kind"] for each in show(world, "user-2")["problems"]] == ["conflict"]


def test_a_pause_of_their_connection_is_told(world: World) -> None:
    world.take(message("user-1", 1))
    with world.store.writing() as tx:
        connection_health.pause(tx, "main", Health(world.store.now(tx) + 600, "Customer.io answered 503", 1))
    paused, due = only(world)["waits"]
    assert paused.startswith("the connection is paused for ")
    assert paused.endswith(" s more: Customer.io answered 503")
    assert due == "they are due"


def test_a_row_that_cannot_be_read_is_told_and_nothing_is_made_up(world: World) -> None:
    world.run(message("user-1", 1))
    with world.store.writing() as tx:
        tx.execute(text("UPDATE entity SET facts = 'broken'"))
    found = only(world)
    assert "their row cannot be read" in found["waits"][0]
    assert (found["standing"], found["should"]) == (None, None)


def test_a_sync_that_the_settings_have_no_more_is_told(world: World) -> None:
    world.run(message("user-1", 1))
    with world.store.writing() as tx:
        tx.execute(text("UPDATE entity SET sync = 'old'"))
    found = only(world)
    assert (found["sync"], found["connection"], found["should"]) == ("old", None, None)
    assert found["waits"] == ["the settings have no such sync any more: nothing is sent"]


def test_what_the_webhooks_reported_of_them_is_there_and_of_nobody_else(world: World) -> None:
    world.run(message("user-1", 1, external_id="1001"), message("user-2", 1, external_id="user-1"))
    bodies = [reported(1, user="1001", campaign_id=7), reported(2, user="user-1", campaign_id=8)]
    receive(world.store, [Posted("main", json.dumps(body).encode()) for body in bodies])
    Folding(fields.of(ProfilesSettings())).fold(world.store, ["main"])

    [mine] = show(world)["profiles"]
    assert (mine["identifiers"], mine["fields"]["cio_campaign_ids"]) == ({"id": ["1001"]}, ["7"])


# --- what Customer.io holds ------------------------------------------------------------------------------------------


def held(world: World, user: str = "user-1") -> gather.HeldNow:
    [person] = gather.gather(world.runtime, user).syncs
    return gather.held_now(world.runtime, person)


def test_what_customerio_holds_is_asked_by_one_request(world: World, simulator: Simulated) -> None:
    world.run(message("user-1", 1, plan="pro", external_id="1001"), message("user-2", 1))
    world.run(message("user-2", 2, segments=[]))
    found = held(world)
    assert (found.state, found.attributes["plan"], found.reason) == ("there", "pro", "")
    assert asked(simulator) == 1
    assert held(world, "user-2") == gather.HeldNow("not there", {})


def test_a_failing_app_api_is_a_reason_and_not_tried_again(world: World, simulator: Simulated) -> None:
    world.run(message("user-1", 1))
    simulator.go_wrong({"path": PEOPLE, "status": 500})
    found = held(world)
    assert found.state == "not known"
    assert "500" in found.reason
    assert asked(simulator) == 1


def test_without_a_key_nothing_is_asked(make_world: MakeWorld, simulator: Simulated) -> None:
    world = make_world()
    world.run(message("user-1", 1))
    assert held(world).reason == "the connection 'main' has no app_api_key"
    assert asked(simulator) == 0


# --- the command -----------------------------------------------------------------------------------------------------


@pytest.fixture
def command(store: Store, store_url: str, simulator: Simulated, tmp_path: Path) -> Callable[..., str]:
    """Runs `connector show` over the store of the test; what it printed."""
    simulator.reset(app_rate_limit=0)
    key = {"CONNECTOR__CONNECTIONS__MAIN__APP_API_KEY": APP_KEY}
    environ = write(tmp_path, values(store=store_url, track_url=simulator.url)) | key

    def run(*arguments: str, code: int = 0) -> str:
        ended = CliRunner().invoke(commands.app, ["show", *arguments], env=environ)
        said = f"{ended.output}{ended.exception or ''}"
        assert ended.exit_code == code, said
        return said

    return run


def test_the_command_shows_a_person_in_words_and_as_json(world: World, command: Callable[..., str]) -> None:
    world.run(message("user-1", 1, event("Signed up", "a"), plan="pro", external_id="1001"))
    shown = command("user-1")
    for each in ("known as: id 1001", "stands: in the audience: `segments` names Paying", "is held now: there"):
        assert each in shown
    assert "events: 1 sent" in shown
    [found] = json.loads(command("1001", "--sync", "main", "--json"))["syncs"]
    assert (found["held"]["state"], found["held"]["attributes"]["plan"]) == ("there", "pro")
    for secret in (APP_KEY, SITE_ID, API_KEY, TOKEN):
        assert secret not in shown


def test_nobody_is_one_line_and_exit_code_1(world: World, command: Callable[..., str]) -> None:
    assert command("nobody", code=1).splitlines() == [
        "nobody is known as 'nobody' in any sync: give their key upstream, id, e-mail or anonymous id"
    ]


def test_no_control_character_of_a_persons_data_reaches_a_terminal(world: World, command: Callable[..., str]) -> None:
    forged = "\x1b[2Jgone\r\n  stands: suppressed\u202e"
    world.run(message("user-1", 1, event("Signed up", "a"), plan=forged, segments=["Paying", forged]))
    for shown in (command("user-1"), command("user-1", "--json")):
        assert not [each for each in shown if each != "\n" and unicodedata.category(each) in ("Cc", "Cf")]
        assert not [line for line in shown.splitlines() if line.startswith("  stands: suppressed")]
