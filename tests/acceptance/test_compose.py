"""The commands of docker-compose.yml, in its environment, on private servers: only hosts and ports are others."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests import composed
from tests.processes import SHIPPED_SETTINGS, Running, bare_environment, check_text, people, started, until
from tests.servers import Postgres, RabbitMQ, free_port

PATH = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
SECRETS = {name: f"{name.lower().replace('_', '-')}-of-tests" for name in composed.example() if "__" not in name}
READY = {"web": "Ready: ", "simulator": "Ready: ", "worker": " ready.", "beat": "beat: Starting"}


@dataclass(frozen=True)
class Composed:
    """What docker-compose.yml describes, on servers that run."""

    folder: Path
    variables: Mapping[str, str]
    elsewhere: Mapping[str, str]

    def environment(self, name: str) -> dict[str, str]:
        """The environment of a service, and of the image."""
        given = composed.environment(self._services()[name], self.variables)
        moved = {key: self._moved(text) for key, text in given.items()}
        return {**bare_environment(), "PATH": PATH, "PYTHONUNBUFFERED": "1", **moved, **self._port(name)}

    def command(self, name: str) -> list[str]:
        """The command of a service."""
        return [self._moved(word) for word in self._services()[name]["command"]]

    def health_check(self, name: str) -> list[str]:
        """The command that asks whether a service is well."""
        how, *command = self._services()[name]["healthcheck"]["test"]
        assert how == "CMD"
        return [self._moved(word) for word in command]

    def run(self, command: list[str], environ: Mapping[str, str]) -> "subprocess.CompletedProcess[str]":
        """Runs a command to its end."""
        return subprocess.run(
            command, env=dict(environ), cwd=self.folder, capture_output=True, text=True, check=False, timeout=60
        )

    @contextmanager
    def running(self, name: str) -> Iterator[Running]:
        """A service, once it is ready."""
        command, environ, output = self.command(name), self.environment(name), self.folder / f"{name}.log"
        output.unlink(missing_ok=True)
        with started(command, environ=environ, output=output, cwd=self.folder) as process:
            until(lambda: READY[name] in self._alive(process), f"{name} to be ready")
            yield process
        check_text(process.text)

    def _alive(self, process: Running) -> str:
        assert process.popen.poll() is None, process.text
        return process.text

    def _services(self) -> dict[str, dict[str, Any]]:
        return composed.services(self.variables)

    def _moved(self, text: str) -> str:
        for there, here in self.elsewhere.items():
            text = text.replace(there, here)
        return text

    def _port(self, name: str) -> dict[str, str]:
        """The container's port 8080 may be somebody else's on this machine."""
        return {"CONNECTOR__WEB__PORT": self.elsewhere["8080"]} if name == "web" else {}


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[Postgres, RabbitMQ]]:
    """The servers, with the users that the file gives them."""
    with Postgres() as postgres, RabbitMQ() as rabbitmq:
        role = f"CREATE ROLE connector LOGIN PASSWORD '{SECRETS['POSTGRES_PASSWORD']}'"
        postgres.run(role, "CREATE DATABASE connector OWNER connector")
        control(rabbitmq, "add_user", "connector", SECRETS["RABBITMQ_PASSWORD"])
        control(rabbitmq, "set_permissions", "connector", ".*", ".*", ".*")
        yield postgres, rabbitmq


def control(rabbitmq: RabbitMQ, *arguments: str) -> None:
    subprocess.run(["rabbitmqctl", "--quiet", *arguments], env=rabbitmq.environ(), check=True, capture_output=True)


@pytest.fixture(scope="module")
def fleet(servers: tuple[Postgres, RabbitMQ], tmp_path_factory: pytest.TempPathFactory) -> Composed:
    """The fleet for staging, its tables made, nothing of it running yet."""
    postgres, rabbitmq = servers
    folder = tmp_path_factory.mktemp("composed")
    shutil.copy(SHIPPED_SETTINGS, folder)
    elsewhere = {
        "@postgres/": f"@127.0.0.1:{postgres.port}/",
        "@rabbitmq/": f"@127.0.0.1:{rabbitmq.port}/",
        "simulator:": "127.0.0.1:",
        "0.0.0.0": "127.0.0.1",
        "8080": str(free_port()),
        "8090": str(free_port()),
    }
    fleet = Composed(folder, {**composed.example(), **SECRETS}, elsewhere)
    migrated = fleet.run(fleet.command("migrate"), fleet.environment("migrate"))
    assert (migrated.returncode, migrated.stderr) == (0, "")
    return fleet


def test_migrating_again_changes_nothing(fleet: Composed) -> None:
    again = fleet.run(fleet.command("migrate"), fleet.environment("migrate"))
    assert again.returncode == 0, again.stderr
    assert again.stdout.endswith(": up to date\n")


def test_the_database_is_well_as_long_as_it_runs(fleet: Composed, servers: tuple[Postgres, RabbitMQ]) -> None:
    postgres, _ = servers
    program, *arguments = fleet.health_check("postgres")
    check = [str(postgres.programs / program), *arguments]
    environ = {**bare_environment(), "PGPORT": str(postgres.port)}
    assert fleet.run(check, environ).returncode == 0
    postgres.stop()
    try:
        assert fleet.run(check, environ).returncode == 2
    finally:
        postgres.start()


def test_the_broker_is_well_as_long_as_it_runs(fleet: Composed, servers: tuple[Postgres, RabbitMQ]) -> None:
    _, rabbitmq = servers
    check = fleet.health_check("rabbitmq")
    well = fleet.run(check, rabbitmq.environ())
    assert well.returncode == 0, well.stderr
    rabbitmq.stop()
    try:
        assert fleet.run(check, rabbitmq.environ()).returncode != 0
    finally:
        rabbitmq.start()


def test_a_change_goes_through_the_whole_fleet_and_each_program_is_well_until_it_is_told_to_end(
    fleet: Composed,
) -> None:
    with ExitStack() as stack:
        running = {name: stack.enter_context(fleet.running(name)) for name in ("simulator", "web", "worker", "beat")}
        check_a_change_arrives(running["simulator"].url, running["web"].url)
        for name in ("worker", "beat"):
            assert running[name].popen.poll() is None
            assert running[name].end(signal.SIGTERM) in {0, 1}
        for name in ("web", "simulator"):
            check_well_until_it_ends(fleet, name, running[name])


def check_a_change_arrives(simulator: str, web: str) -> None:
    user = {"id": "u1", "external_id": "1001", "email": "user-1@example.com", "plan": "team"}
    headers = {"Authorization": f"Bearer {SECRETS['WEB_TOKEN']}"}
    change = {"user": user, "segments": ["Paying"], "version": 1}
    answer = httpx.post(f"{web}/v1/changes", json=change, headers=headers)
    assert answer.json() == {"changes": 1, "unreadable": 0, "skipped": 0}
    found = until(lambda: people(simulator), "the person to reach Customer.io")
    assert [person["identifiers"]["id"] for person in found] == ["1001"]


def check_well_until_it_ends(fleet: Composed, name: str, process: Running) -> None:
    environ = fleet.environment(name)
    well = fleet.run(fleet.health_check(name), environ)
    assert well.returncode == 0, well.stderr
    assert process.end(signal.SIGTERM) in {0, -signal.SIGTERM}
    assert fleet.run(fleet.health_check(name), environ).returncode == 1
