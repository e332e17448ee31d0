"""`connector demo`: what `make run` shows."""

import os
import signal
from pathlib import Path

import httpx
import pytest

from tests.processes import SHIPPED_SETTINGS, bare_environment, check_text, connector, running, until


def test_demo_once(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    ended = connector("demo", "--once", "--settings", SHIPPED_SETTINGS, "--folder", folder, environ=bare_environment())
    assert ended.code == 0, ended.err
    assert "Customer.io holds exactly what it must." in ended.out
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in ended.out.splitlines() if line.count("│") == 4]
    shown = {what: int(count.replace(",", "")) for what, count, _ in rows if count}
    assert shown["people in Customer.io (main)"] == 189
    assert (shown["messages"], shown["unreadable"], shown["problems: unreadable"]) == (1124, 10, 10)
    assert shown["created"] >= 189
    assert shown["deleted"] == shown["created"] - 189
    assert shown["events sent"] + shown.get("events dropped", 0) == shown["events accepted"]
    assert {path.name for path in folder.iterdir()} >= {"environment.sh", "sample.ndjson.gz", "connector.log"}
    for log in folder.glob("*.log"):
        check_text(log.read_text())
    assert processes_of(folder) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_demo_ended_in_the_middle_ends_its_children(tmp_path: Path, number: signal.Signals) -> None:
    folder = tmp_path / "demo"
    arguments = ("demo", "--settings", SHIPPED_SETTINGS, "--folder", folder)
    with running(*arguments, environ=bare_environment(), output=tmp_path / "demo.log") as demo:
        until(lambda: "The connector:" in demo.text, "the demo's processes")
        children = processes_of(folder)
        assert len(children) == 2
        code = demo.end(number)
        left = processes_of(folder)
        for pid in left:
            os.kill(pid, signal.SIGKILL)
        assert (left, code) == ([], 130 if number is signal.SIGINT else 143)
        check_text(demo.text)


def test_the_demo_ends_with_the_address_of_the_console_which_says_that_all_is_well(tmp_path: Path) -> None:
    arguments = ("demo", "--settings", SHIPPED_SETTINGS, "--folder", tmp_path / "demo")
    with running(*arguments, environ=bare_environment(), output=tmp_path / "demo.log") as demo:
        until(lambda: "Look at it in a browser: " in demo.text, "the address of the console", seconds=120)
        address = demo.text.partition("Look at it in a browser: ")[2].split()[0]
        assert "up to date" in httpx.get(address).text
        assert demo.end(signal.SIGINT) == 0


def processes_of(folder: Path) -> list[int]:
    """The processes that write their logs into this folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            error_output = (process / "fd" / "2").readlink()
        except OSError:  # it has ended, or is somebody else's
            continue
        if error_output.parent == folder:
            found.append(int(process.name))
    return found
