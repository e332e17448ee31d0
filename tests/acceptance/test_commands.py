"""What all commands have in common: help, version, usage, exit codes, pipes; and the simulator as a command."""

import re
import shutil
import signal
import ssl
import subprocess
from pathlib import Path

import httpx
import pytest

from connector import __version__
from connector.cli.commands import NAMES
from tests.processes import (
    API_KEY,
    APP_API_KEY,
    CONNECTOR,
    SAMPLE,
    SHIPPED_SETTINGS,
    SITE_ID,
    bare_environment,
    connector,
    running,
    simulator,
)

STABLE = {
    "run", "check", "plan", "send", "publish", "status", "problems", "approve", "resume", "resync", "jobs", "audit",
    "calls", "dead-letters", "migrate", "simulator", "demo", "web", "import-hull", "forget", "suppress", "unsuppress",
    "sources", "backfill", "diff",
}  # fmt: skip
COMMANDS = sorted(NAMES)


def test_help_names_every_command() -> None:
    shown = connector("--help", environ=bare_environment())
    assert (shown.code, shown.err) == (0, "")
    listed = re.findall(r"^│ ([\w-]+) ", shown.out.partition("Commands")[2], re.MULTILINE)
    assert sorted(listed) == COMMANDS
    assert set(COMMANDS) >= STABLE
    assert "Exit codes: 0 done, 1 something failed, 2 settings or usage." in shown.out


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_a_command_is_a_sentence_and_its_options(command: str) -> None:
    shown = connector(command, "-h", environ=bare_environment())
    assert (shown.code, shown.err) == (0, "")
    usage, sentence = [line.strip() for line in shown.out.splitlines() if line.strip()][:2]
    assert usage.startswith(f"Usage: connector {command} [OPTIONS]")
    assert re.fullmatch(r"[A-Z].*\.", sentence)
    assert "--help" in shown.out


def test_version() -> None:
    shown = connector("--version", environ=bare_environment())
    assert (shown.code, shown.out) == (0, f"audience-sync-connector {__version__}\n")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("check", "--nope"), "No such option: --nope"),
        (("nope",), "No such command 'nope'"),
        (("plan",), "Missing argument"),
        (("simulator", "--port", "many"), "Invalid value for '--port'"),
        (("simulator", "--region", "mars"), "region of the simulator is 'mars'; it can be us or eu"),
        (("check", "--settings", "none.toml"), "none.toml: there is no such file"),
        (("problems", "--kind", "foo"), "--kind: 'foo' is not accepted; give one of unreadable, "),
        (("simulator", "--port", "70000"), "Invalid value for '--port'"),
    ],
)
def test_wrong_usage_is_said_and_exits_with_2(arguments: tuple[str, ...], says: str) -> None:
    ended = connector(*arguments, environ=bare_environment())
    assert (ended.code, ended.out) == (2, "")
    assert says in ended.err


# --- pipes -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def piped() -> tuple[list[int], str, str]:
    """Exit codes, output and errors of planning the whole sample into a reader who stops after a line."""
    shell = (
        f'set -o pipefail; "{CONNECTOR}" plan "{SAMPLE}" --settings "{SHIPPED_SETTINGS}" --json | head -n 1; '
        'echo "${PIPESTATUS[0]} ${PIPESTATUS[1]}" >&2'
    )
    command = ["bash", "-c", shell]
    done = subprocess.run(command, env=bare_environment(), capture_output=True, text=True, check=False, timeout=60)
    *errors, codes = done.stderr.splitlines()
    return [int(code) for code in codes.split()], done.stdout, "\n".join(errors)


def test_closed_pipe_is_quiet(piped: tuple[list[int], str, str]) -> None:
    _, out, errors = piped
    assert len(out.splitlines()) == 1
    assert errors == ""


def test_closed_pipe_is_no_failure(piped: tuple[list[int], str, str]) -> None:
    assert piped[0] == [0, 0]


# --- the simulator ---------------------------------------------------------------------------------------------------


def test_simulator_asks_for_its_keys(tmp_path: Path) -> None:
    with simulator(tmp_path) as url:
        region = f"{url}/api/v1/accounts/region"
        assert httpx.get(region).status_code == 401
        assert httpx.get(region, auth=(SITE_ID, "wrong")).status_code == 401
        assert httpx.get(region, auth=(SITE_ID, API_KEY)).json()["region"] == "us"
        assert httpx.get(f"{url}/v1/segments").status_code == 401
        segments = httpx.get(f"{url}/v1/segments", headers={"Authorization": f"Bearer {APP_API_KEY}"})
        assert segments.status_code == 200
        item = {"type": "person", "action": "identify", "identifiers": {"id": "1"}}
        assert httpx.post(f"{url}/api/v2/batch", json={"batch": [item]}, auth=(SITE_ID, API_KEY)).status_code == 200
        assert httpx.get(f"{url}/_simulator/summary").json()["people"] == 1


def test_simulator_whose_port_is_taken_says_so(tmp_path: Path) -> None:
    with simulator(tmp_path) as url:
        port = url.rpartition(":")[2]
        ended = connector("simulator", "--port", port, environ=bare_environment())
        assert (ended.code, ended.out) == (1, "")
        assert f"port {port}" in ended.err or f":{port}" in ended.err
        assert len(ended.err.splitlines()) == 1


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed: apt install openssl")
def test_simulator_speaks_https_with_a_certificate_of_its_own(tmp_path: Path) -> None:
    command = ("simulator", "--port", "0", "--tls")
    with running(*command, environ=bare_environment(), output=tmp_path / "simulator.log") as simulating:
        assert simulating.url.startswith("https://127.0.0.1:")
        file = simulating.text.partition("Certificate: ")[2].partition(" ")[0]
        trusting = ssl.create_default_context(cafile=file)
        answer = httpx.get(f"{simulating.url}/auth", auth=("simulated-site", "simulated-key"), verify=trusting)
        assert answer.json() == {"meta": {"message": "nice credentials."}}
        with pytest.raises(httpx.ConnectError):
            httpx.get(simulating.url)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_simulator_ends_when_asked_to(tmp_path: Path, number: signal.Signals) -> None:
    with running(
        "simulator", "--port", "0", environ=bare_environment(), output=tmp_path / "simulator.log"
    ) as simulating:
        assert simulating.url
        assert simulating.end(number) in (0, 130, -number)
        assert simulating.text.splitlines() == [f"Ready: {simulating.url}"]
