"""The demo's stage: a simulated Customer.io and a connector, and how to send to the one and look into the other."""

import json
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, Protocol

import httpx

from connector.demo.cast import Cast, Process
from connector.errors import ConnectorError

_SITE_ID, _API_KEY, _APP_API_KEY = "demo-site", "demo-key", "demo-app-key"
_ENVIRONMENT = "environment.sh"

OnSent = Callable[[int], None]
"""Is told how many notifications were taken by now."""


class Alive(Protocol):
    """Something that should go on until the end."""

    def check_alive(self) -> None:
        """Raises ConnectorError where it has ended."""


@dataclass(frozen=True, slots=True)
class Stage:
    """Everything that runs, and how to reach it.

    `places` are addresses to show, by what is there; `environ` is what our commands need; `send` sends notifications as
    an upstream does; `sender` is the command that does so with a file.
    """

    folder: Path
    simulator: str
    connector: str
    places: Mapping[str, str]
    environ: Mapping[str, str]
    running: Sequence[Alive]
    send: Callable[[Sequence[bytes], OnSent], None]
    sender: str

    @property
    def environment(self) -> Path:
        """A shell file with what a terminal needs to join the demo."""
        return self.folder / _ENVIRONMENT

    @property
    def sample(self) -> Path:
        """The sample as a file of the demo's folder."""
        return self.folder / "sample.ndjson.gz"

    def settled(self, messages: int, seconds: float) -> dict[str, Any]:
        """Returns the status once that many messages came in and nothing is due any more.

        Raises ConnectorError where that takes longer than `seconds`, or where something that should go on has ended.
        """
        end = time.monotonic() + seconds
        while True:
            status = self._status()
            came = status["messages"].get("messages", 0)
            if came >= messages and not any(sync["due"] for sync in status["syncs"].values()):
                return status
            if time.monotonic() > end:
                paused = json.dumps(status["connections"])
                raise ConnectorError(
                    f"after {seconds:.0f} s, {came} of {messages} messages came in, or something is due: {paused}"
                )
            self.check_alive()
            time.sleep(0.3)

    def _status(self) -> dict[str, Any]:
        command = [sys.executable, "-m", "connector", "status", "--json"]
        done = subprocess.run(command, env=dict(self.environ), capture_output=True, text=True, check=False)
        if not done.stdout:  # it ends with 1 also where it has told all: somebody is needed
            raise ConnectorError(f"connector status failed: {done.stderr.strip()}")
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def people(self) -> list[dict[str, Any]]:
        """Returns the people that the simulated Customer.io holds."""
        return [json.loads(line) for line in httpx.get(f"{self.simulator}/_simulator/people").text.splitlines()]

    def summary(self) -> dict[str, Any]:
        """Returns the simulator's own counts."""
        found: dict[str, Any] = httpx.get(f"{self.simulator}/_simulator/summary").json()
        return found

    def check_alive(self) -> None:
        """Raises ConnectorError where something that should go on has ended."""
        for each in self.running:
            each.check_alive()

    def prepare(self, ours: Mapping[str, str]) -> None:
        """Puts into the folder what the demo's guests need: the sample, and `ours`, the environment, for a shell."""
        self.sample.write_bytes(resources.files(__package__).joinpath("sample.ndjson.gz").read_bytes())
        self.environment.write_text("".join(f"export {name}='{value}'\n" for name, value in ours.items()))


def emptied(folder: Path) -> Path:
    """Returns the folder, new and empty, as absolute path. Raises ConnectorError if it holds what is not a demo's."""
    mark = folder / _ENVIRONMENT
    if folder.is_dir() and any(folder.iterdir()) and not mark.exists():
        raise ConnectorError(f"{folder} holds what no demo left there, and would be emptied: give another --folder")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    mark.touch(0o600)  # keys will be in it
    return folder.resolve()


def start_simulator(cast: Cast, environ: Mapping[str, str]) -> Process:
    """Returns a simulated Customer.io that knows the demo's keys."""
    keys = ("--site-id", _SITE_ID, "--api-key", _API_KEY, "--app-api-key", _APP_API_KEY)
    return cast.connector("simulator", "simulator", "--port", "0", *keys, environ=environ)


def environment(settings: Path, simulator: str, store_url: str, broker_url: str) -> dict[str, str]:
    """Returns the environment of a demo: the shipped settings, pointed at what the demo started, and a free port.

    Args:
        settings: The settings file.
        simulator: The URL of the simulator.
        store_url: The URL of the store.
        broker_url: The URL of the broker.
    """
    return {
        "CONNECTOR_SETTINGS": str(settings.resolve()),
        "CONNECTOR__STORE__URL": store_url,
        "CONNECTOR__BROKER__URL": broker_url,
        "CONNECTOR__INTAKE__FORMAT": "hull",  # the sample's
        "CONNECTOR__WEB__PORT": "0",
        "CONNECTOR__WEB__TOKEN": secrets.token_urlsafe(24),
        "CONNECTOR__CONNECTIONS__MAIN__SITE_ID": _SITE_ID,
        "CONNECTOR__CONNECTIONS__MAIN__API_KEY": _API_KEY,
        "CONNECTOR__CONNECTIONS__MAIN__APP_API_KEY": _APP_API_KEY,
        "CONNECTOR__CONNECTIONS__MAIN__TRACK_URL": simulator,
        "CONNECTOR__CONNECTIONS__MAIN__APP_URL": simulator,
        # The sample replays months within seconds: what left in all that time would be held as one mass deletion.
        "CONNECTOR__SYNCS__MAIN__DELETION_GUARD__SHARE": "1.0",
        "CONNECTOR__RETENTION__CALL_BODIES": "all",
    }
