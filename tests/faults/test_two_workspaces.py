"""A workspace whose Customer.io hangs holds up nobody of another one, however many are due in both."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from tests.build_settings import API_KEY, SITE_ID
from tests.fleet import Fleet, Program, Servers, settings
from tests.forkserver import CONNECTOR
from tests.lives import lives, shared_out
from tests.processes import bare_environment
from tests.servers import eventually
from tests.simulated import Simulated

TIMEOUT_SECONDS = 120.0
"""Longer than all that the test waits for: no request to the workspace that hangs ends before it."""
_SECRETS = {"SITE_ID": SITE_ID, "API_KEY": API_KEY}


@pytest.fixture
def hanging(servers: Servers) -> Iterator[Simulated]:
    """Another workspace's Customer.io, which takes requests and does not answer."""
    keys = ("--site-id", SITE_ID, "--api-key", API_KEY)
    program = Program("hanging", servers.folder, bare_environment(), (CONNECTOR, "simulator", "--port", "0", *keys))
    program.until_it_says("Ready: ")
    simulated = Simulated(program.said.partition("Ready: ")[2].split()[0])
    simulated.go_wrong({"path": "/api/", "latency": 10 * TIMEOUT_SECONDS})
    yield simulated
    simulated.close()
    program.clear_away()


@pytest.fixture
def fleet_of_two(servers: Servers, hanging: Simulated, tmp_path: Path) -> Iterator[Fleet]:
    """Two workers and a beat, which serve the usual workspace and the one that hangs."""
    fleet = Fleet(
        servers,
        tmp_path,
        with_another(settings(servers), hanging.url),
        {f"CONNECTOR__CONNECTIONS__HANGING__{name}": secret for name, secret in _SECRETS.items()},
    )
    fleet.make_ready(2)
    yield fleet
    fleet.dismiss()
    fleet.close()


def with_another(given: dict[str, Any], track_url: str) -> dict[str, Any]:
    """The settings with another workspace, to which a sync of the same kind sends."""
    main, sync = given["connections"]["main"], given["syncs"]["main"]
    other = {**main, "track_url": track_url, "app_url": track_url}
    del other["site_id"], other["api_key"]
    return {
        **given,
        "delivery": {**given["delivery"], "timeout_seconds": TIMEOUT_SECONDS},
        "connections": {"main": main, "hanging": other},
        "syncs": {"hanging": {**sync, "connection": "hanging"}, "main": sync},
    }


def test_all_of_one_workspace_are_sent_while_not_one_request_to_the_other_ends(
    fleet_of_two: Fleet, hanging: Simulated, prefix: str
) -> None:
    told = lives(prefix)
    with fleet_of_two.flowing(*shared_out(told, 4), pace=1000.0):
        eventually(lambda: sum(hanging.fired()) > 0)
    fleet_of_two.check(told)
    assert ended(fleet_of_two, "hanging") == 0


def ended(fleet: Fleet, connection: str) -> int:
    """How many requests to a workspace have come to their end."""
    with fleet.store.reading() as tx:
        counted = text("SELECT count(*) FROM call WHERE connection = :name")
        return int(tx.execute(counted, {"name": connection}).scalar_one())
