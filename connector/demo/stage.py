"""The demo's stage: the simulator and the embedded mode as processes of their own, with the shipped settings."""

import json
import os
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import httpx

from connector.errors import ConnectorError

_START_SECONDS = 60.0
_READY = "Ready: "
_SITE_ID, _API_KEY, _APP_API_KEY = "demo-site", "demo-key", "demo-app-key"


@dataclass(frozen=True, slots=True)
class Process:
    """A child process, and the log it writes."""

    name: str
    popen: "subprocess.Popen[bytes]"
    log: Path

    def url(self) -> str:
        """The URL it says it is ready under. Raises ConnectorError, with the log's end, where it never does."""
        end = time.monotonic() + _START_SECONDS
        while time.monotonic() < end:
            for line in self.log.read_text(errors="replace").splitlines():
                if line.startswith(_READY):
                    return line.removeprefix(_READY).split()[0]
            self.check_alive()
            time.sleep(0.05)
        raise ConnectorError(f"the {self.name} did not start within {_START_SECONDS:.0f} s: see {self.log}")

    def check_alive(self) -> None:
        """Raises ConnectorError, with the log's end, where the process has ended."""
        if self.popen.poll() is not None:
            tail = "\n".join(self.log.read_text(errors="replace").splitlines()[-5:])
            raise ConnectorError(f"the {self.name} ended with {self.popen.returncode}:\n{tail}")


@dataclass(frozen=True, slots=True)
class Stage:
    """Both processes, and how to reach them."""

    folder: Path
    simulator: str
    connector: str
    processes: tuple[Process, ...]
    environ: Mapping[str, str]
    client: httpx.Client

    @property
    def environment(self) -> Path:
        """A shell file with what a terminal needs to join the demo."""
        return self.folder / "environment.sh"

    @property
    def sample(self) -> Path:
        """The sample as a file of the demo's folder."""
        return self.folder / "sample.ndjson.gz"

    def send(self, notification: bytes) -> None:
        """Sends one notification as Hull does. Raises ConnectorError where it was not taken in."""
        token = self.environ["CONNECTOR__WEB__TOKEN"]
        answer = self.client.post(
            f"{self.connector}/v1/hull", content=notification, headers={"Authorization": f"Bearer {token}"}
        )
        if answer.status_code != httpx.codes.OK:
            raise ConnectorError(f"the connector answered {answer.status_code}: {answer.text[:200]}")

    def settled(self, seconds: float) -> dict[str, Any]:
        """The status once nothing is due any more. Raises ConnectorError where that takes longer than `seconds`."""
        end = time.monotonic() + seconds
        while True:
            status = self._status()
            if not any(sync["due"] for sync in status["syncs"].values()):
                return status
            if time.monotonic() > end:
                paused = json.dumps(status["connections"])
                raise ConnectorError(f"after {seconds:.0f} s something is still due: {paused}")
            self.check_alive()
            time.sleep(0.3)

    def _status(self) -> dict[str, Any]:
        command = [sys.executable, "-m", "connector", "status", "--json"]
        done = subprocess.run(command, env=dict(self.environ), capture_output=True, text=True, check=False)
        if done.returncode:
            raise ConnectorError(f"connector status failed: {done.stderr.strip()}")
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def people(self) -> list[dict[str, Any]]:
        """The people that the simulated Customer.io holds."""
        return [json.loads(line) for line in self.client.get(f"{self.simulator}/_simulator/people").text.splitlines()]

    def summary(self) -> dict[str, Any]:
        """The simulator's own counts."""
        found: dict[str, Any] = self.client.get(f"{self.simulator}/_simulator/summary").json()
        return found

    def check_alive(self) -> None:
        """Raises ConnectorError where one of the processes has ended."""
        for process in self.processes:
            process.check_alive()


@contextmanager
def staged(settings: Path, folder: Path) -> Iterator[Stage]:
    """Both processes, running until the block ends, with a fresh store in `folder`."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with ExitStack() as stack:
        keys = ("--site-id", _SITE_ID, "--api-key", _API_KEY, "--app-api-key", _APP_API_KEY)
        command = ("simulator", "--port", "0", *keys)
        simulator = stack.enter_context(_running("simulator", command, dict(os.environ), folder))
        environ = _environ(settings, folder, simulator.url())
        whole = dict(os.environ) | environ
        connector = stack.enter_context(_running("connector", ("run",), whole, folder))
        client = stack.enter_context(httpx.Client(timeout=60))
        stage = Stage(folder, simulator.url(), connector.url(), (simulator, connector), whole, client)
        stage.environment.write_text("".join(f"export {name}='{value}'\n" for name, value in environ.items()))
        stage.sample.write_bytes(resources.files(__package__).joinpath("sample.ndjson.gz").read_bytes())
        yield stage


def _environ(settings: Path, folder: Path, simulator: str) -> dict[str, str]:
    """The shipped settings, pointed at the simulator, a store of the demo's own and a free port."""
    return {
        "CONNECTOR_SETTINGS": str(settings.resolve()),
        "CONNECTOR__STORE__URL": f"sqlite:///{(folder / 'connector.db').resolve()}",
        "CONNECTOR__BROKER__URL": "memory://",
        "CONNECTOR__WEB__PORT": "0",
        "CONNECTOR__WEB__TOKEN": secrets.token_urlsafe(24),
        "CONNECTOR__CONNECTIONS__MAIN__SITE_ID": _SITE_ID,
        "CONNECTOR__CONNECTIONS__MAIN__API_KEY": _API_KEY,
        "CONNECTOR__CONNECTIONS__MAIN__APP_API_KEY": _APP_API_KEY,
        "CONNECTOR__CONNECTIONS__MAIN__TRACK_URL": simulator,
        "CONNECTOR__CONNECTIONS__MAIN__APP_URL": simulator,
    }


@contextmanager
def _running(name: str, arguments: tuple[str, ...], environ: dict[str, str], folder: Path) -> Iterator[Process]:
    log = folder / f"{name}.log"
    with log.open("wb") as stderr:
        command = [sys.executable, "-m", "connector", *arguments]
        # A session of its own: Ctrl-C is the demo's, which then stops its children in order.
        popen = subprocess.Popen(command, env=environ, stdout=stderr, stderr=stderr, start_new_session=True)
        try:
            yield Process(name, popen, log)
        finally:
            popen.terminate()
            try:
                popen.wait(30)
            except subprocess.TimeoutExpired:
                popen.kill()
                popen.wait()
