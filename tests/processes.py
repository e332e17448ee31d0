"""The connector's commands as people start them: processes of their own, on loopback, ended by their ids."""

import json
import os
import signal
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import httpx

from tests.forkserver import CONNECTOR, ROOT, Process, start

SHIPPED_SETTINGS = ROOT / "settings.toml"
SAMPLE = ROOT / "connector" / "demo" / "sample.ndjson.gz"

SITE_ID, API_KEY, APP_API_KEY, TOKEN = "site-of-tests", "key-of-tests", "app-key-of-tests", "token-of-tests"
SECRETS = (API_KEY, APP_API_KEY, TOKEN)
NOBODY_LISTENS = "http://127.0.0.1:9"

_START_SECONDS = 60.0
_END_SECONDS = 180.0
_READY = "Ready: "


def environment(folder: Path, simulator: str = NOBODY_LISTENS, settings: Path = SHIPPED_SETTINGS) -> dict[str, str]:
    """A command's surroundings: settings, a store in `folder`, any port, and the simulator in Customer.io's place."""
    return bare_environment() | {
        "CONNECTOR_SETTINGS": str(settings),
        "CONNECTOR__STORE__URL": f"sqlite:///{folder / 'connector.db'}",
        "CONNECTOR__WEB__PORT": "0",
        "CONNECTOR__WEB__TOKEN": TOKEN,
        "CONNECTOR__CONNECTIONS__MAIN__SITE_ID": SITE_ID,
        "CONNECTOR__CONNECTIONS__MAIN__API_KEY": API_KEY,
        "CONNECTOR__CONNECTIONS__MAIN__APP_API_KEY": APP_API_KEY,
        "CONNECTOR__CONNECTIONS__MAIN__TRACK_URL": simulator,
        "CONNECTOR__CONNECTIONS__MAIN__APP_URL": simulator,
        # The sample replays months within seconds: what left in all that time would be held as one mass deletion.
        "CONNECTOR__SYNCS__MAIN__DELETION_GUARD__SHARE": "1.0",
    }


def bare_environment() -> dict[str, str]:
    """This process's surroundings without a setting of ours, with room for long lines."""
    ours = {name: value for name, value in os.environ.items() if not name.upper().startswith("CONNECTOR")}
    return ours | {"COLUMNS": "200", "TERM": "dumb", "NO_COLOR": "1"}


# --- commands that end -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Ended:
    """A command that has ended."""

    code: int
    out: str
    err: str

    def rows(self) -> list[dict[str, Any]]:
        """Its output, where that is JSON lines."""
        return [json.loads(line) for line in self.out.splitlines()]


def connector(
    *arguments: object, environ: Mapping[str, str], stdin: bytes | IO[bytes] = b"", cwd: Path | None = None
) -> Ended:
    """Runs a command to its end. Whatever it was asked, it shows no traceback and no secret."""
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        if isinstance(stdin, bytes):
            given.write(stdin)
            given.seek(0)
        command = [CONNECTOR, *map(str, arguments)]
        file = given if isinstance(stdin, bytes) else stdin
        process = start(command, env=environ, cwd=cwd, stdin=file, stdout=out, stderr=err)
        try:
            code = process.wait(_END_SECONDS)
        finally:
            process.kill()
        ended = Ended(code, _written(out), _written(err))
    check_text(ended.out + ended.err)
    return ended


def _written(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode()


def check_text(text: str) -> None:
    """Asserts that a text, a log for instance, has neither a traceback nor a secret."""
    assert "Traceback" not in text, text
    assert not [secret for secret in SECRETS if secret in text], text


# --- commands that stay ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Running:
    """A command that runs on, and the file it writes its output to."""

    popen: Process
    output: Path

    @property
    def text(self) -> str:
        return self.output.read_text(errors="replace")

    @property
    def url(self) -> str:
        """Where it listens, once it says so."""
        return until(self._url, f"{self.output.name} to be ready", _START_SECONDS)

    def _url(self) -> str | None:
        ready = [line.removeprefix(_READY).split()[0] for line in self.text.splitlines() if line.startswith(_READY)]
        assert ready or self.popen.poll() is None, self.text
        return ready[0] if ready else None

    def end(self, number: signal.Signals) -> int:
        """Sends a signal and waits for the end; the exit code."""
        self.popen.send_signal(number)
        return self.popen.wait(_END_SECONDS)


@contextmanager
def running(
    *arguments: object, environ: Mapping[str, str], output: Path, limit: int | None = None
) -> Iterator[Running]:
    """A command that runs until the block ends. `limit`: the most blocks of 512 bytes that a file of it may have."""
    command = [CONNECTOR, *map(str, arguments)]
    with started(command, environ=environ, output=output, limit=limit) as process:
        yield process


@contextmanager
def started(
    command: Sequence[str],
    *,
    environ: Mapping[str, str],
    output: Path,
    cwd: Path | None = None,
    limit: int | None = None,
) -> Iterator[Running]:
    """Any program, as long as the block lasts. `limit`: as for `running`."""
    with output.open("ab") as file:
        popen = start(command, env=environ, cwd=cwd, stdout=file, stderr=file, limit=limit)
    try:
        yield Running(popen, output)
    finally:
        popen.kill()
        popen.wait(_END_SECONDS)


@contextmanager
def simulator(folder: Path, *arguments: object) -> Iterator[str]:
    """The URL of `connector simulator`, which knows the keys of these tests and takes only what is documented."""
    keys = ("--site-id", SITE_ID, "--api-key", API_KEY, "--app-api-key", APP_API_KEY)
    output = folder / "simulator.log"
    command = ("simulator", "--port", 0, "--strict", *keys, *arguments)
    with running(*command, environ=bare_environment(), output=output) as process:
        yield process.url


def violations(simulator: str) -> list[str]:
    """What of the requests so far is not documented."""
    found: list[str] = httpx.get(f"{simulator}/_simulator/violations").json()
    return found


def people(simulator: str) -> list[dict[str, Any]]:
    """Everybody whom the simulator holds."""
    return [json.loads(line) for line in httpx.get(f"{simulator}/_simulator/people").text.splitlines()]


def until(found: Callable[[], Any], what: str, seconds: float = 60.0) -> Any:
    """What `found` gives as soon as it gives something. Fails, saying what was waited for, after `seconds`."""
    end = time.monotonic() + seconds
    while not (value := found()):
        assert time.monotonic() < end, f"waited {seconds:.0f} s for {what}"
        time.sleep(0.02)
    return value
