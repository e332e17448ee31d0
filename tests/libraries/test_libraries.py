"""The real analytics libraries of npm and PyPI against the doors: every call arrives, and each says that it did."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from connector.model.problem import EVERY_SYNC
from connector.simulator import running
from connector.store.engine import Store
from connector.store.migrate import migrate
from connector.web.app import create_app, served
from connector.web.server import serving
from tests.build_settings import TOKEN
from tests.libraries import installed
from tests.processes import ROOT
from tests.simulated import Simulated
from tests.world import World

PYTHON = {
    "segment-analytics-python": "segment.analytics",
    "rudder-sdk-python": "rudderstack.analytics",
    "customerio-cdp-analytics": "customerio.analytics",
}
NODE = (
    "@segment/analytics-node",
    "@customerio/cdp-analytics-node",
    "@rudderstack/rudder-sdk-node",
    "@rudderstack/rudder-sdk-node without gzip",
    "analytics-node",
)
LIBRARIES = [*NODE, *PYTHON, *(f"{name} with gzip" for name in PYTHON)]
CALLS = ["identify", "track", "page", "screen", "group", "alias"]
_OF_AN_ALIAS = 2
"""An alias speaks of its user, and of whomever its previousId may mean: a user, or a visitor."""
SYNC = {"segments": ["*"], "identifier": "id", "events": ["*"], "attributes": ["email", "plan", "account.name"]}
_SECONDS = 60


@pytest.fixture
def simulator() -> Iterator[Simulated]:
    """A simulated Customer.io, empty."""
    with running() as url:
        simulator = Simulated(url)
        yield simulator
        simulator.close()


@pytest.fixture
def world(tmp_path: Path, simulator: Simulated) -> Iterator[World]:
    store = Store(f"sqlite:///{tmp_path / 'connector.db'}")
    migrate(store)
    world = World(store, simulator, web={"token": TOKEN}, sync=SYNC)
    yield world
    world.close()
    store.close()


@pytest.fixture
def door(world: World) -> Iterator[str]:
    """The URL of doors over the world."""
    with serving(served(create_app(world.runtime, lambda _: None)), "127.0.0.1", 0) as url:
        yield url


def taken_in(world: World) -> int:
    """How many messages came."""
    return world.tallies(EVERY_SYNC).get("messages", 0)


Send = Callable[[str, str, str], dict[str, Any]]


@pytest.fixture
def send() -> Send:
    """Sends every call with a library to a URL with a key; what the library says of it."""
    return _sent


def _sent(library: str, url: str, key: str) -> dict[str, Any]:
    name, _, how = library.partition(" with")
    environ = {"PATH": os.environ["PATH"], "NO_PROXY": "*"}
    if name in PYTHON:
        environ["PYTHONPATH"] = str(installed.python())
        gzip = "gzip" if how == " gzip" else "plain"
        command = [sys.executable, str(installed.HERE / "send.py"), PYTHON[name], url, key, gzip]
    else:
        environ["NODE_PATH"] = str(installed.node() / "node_modules")
        command = ["node", str(installed.HERE / "send.js"), library, url, key]
    ran = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=_SECONDS, check=False)
    assert ran.returncode == 0, ran.stderr
    told: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
    return told


class Tried(NamedTuple):
    """What came of a library: calls sent, messages that arrived, calls that it reported as delivered."""

    sent: int
    arrived: int
    reported: int


@pytest.fixture(scope="session")
def tried() -> Iterator[dict[str, Tried]]:
    """What came of each library, by its name; printed at the end: `pytest tests/libraries -s` shows it."""
    found: dict[str, Tried] = {}
    yield found
    versions = pins()
    print("\n| library | version | calls sent | arrived | reported as delivered |\n| --- | --- | --- | --- | --- |")
    for library, came in sorted(found.items()):
        print(f"| {library} | {versions[library.partition(' with')[0]]} | {' | '.join(map(str, came))} |")


def pins() -> dict[str, str]:
    """The version of each library that is pinned."""
    found: dict[str, str] = json.loads((installed.HERE / "package.json").read_text())["dependencies"]
    pinned = re.findall(r"^([\w-]+)==(\S+)", installed.REQUIREMENTS.read_text(), re.MULTILINE)
    return found | {name: version for name, version in pinned if name in PYTHON}


BELOW = ["@segment/analytics-node", "analytics-node", *PYTHON]  # of which some keep a host's path, and some drop it


@pytest.mark.parametrize(
    ("library", "below"), [(each, "") for each in LIBRARIES] + [(each, "/v1/segment") for each in BELOW]
)
def test_every_call_of_a_library_arrives_and_is_reported_as_delivered(
    world: World, simulator: Simulated, door: str, send: Send, tried: dict[str, Tried], library: str, below: str
) -> None:
    told = send(library, door + below, TOKEN)
    tried[library] = Tried(len(told["sent"]), taken_in(world) - _OF_AN_ALIAS, len(told["delivered"]))
    assert (told["failed"], sorted(told["delivered"])) == ([], sorted(told["sent"]))
    assert set(told["sent"]) == set(CALLS)

    assert taken_in(world) == len(CALLS) + _OF_AN_ALIAS
    assert world.problems() == []
    world.settle()
    person = simulator.people()["u1"]
    assert person.items() >= {"plan": "pro", "account_name": "Example Ltd"}.items()
    assert simulator.whole_people()[0]["identifiers"].items() >= {"id": "u1", "email": "u1@example.com"}.items()
    assert sorted(simulator.event_names("u1")) == ["Home", "Main", "Signed up"]


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_library_with_a_wrong_key_says_that_nothing_was_delivered(
    world: World, door: str, send: Send, library: str
) -> None:
    told = send(library, door, "wrong")
    assert (told["delivered"], bool(told["failed"])) == ([], True)
    assert taken_in(world) == 0


def test_the_page_names_the_versions_that_were_tried_and_what_the_test_asserts_of_each() -> None:
    page = (ROOT / "docs" / "segment.md").read_text()
    rows = re.findall(r"^\| ([@\w/-]+) \| (\d\S+) \| (\d+) \| (\d+) \| (\d+) \|$", page, re.MULTILINE)
    assert {name: version for name, version, *_ in rows} == pins()
    assert {tuple(map(int, counts)) for _, _, *counts in rows} == {(len(CALLS),) * 3}
