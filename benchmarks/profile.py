"""Where a notification's microseconds go: py-spy beside a run, a row for each room of the code.

A sample counts for the innermost room of ours on the stack, with all that the room called in libraries: the store's
time is also SQLAlchemy's and psycopg's. What no room of ours called is Celery's and its libraries', or Python's own.
"""

import re
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from benchmarks import usage
from benchmarks.fleet import Figures, Fleet, measure
from benchmarks.notifications import Notifications
from benchmarks.stage import ROOT, Stage
from connector.errors import ConnectorError

_A_SECOND = 100
_LONGEST_SECONDS = 3600
_END_SECONDS = 60.0
_FRAME = re.compile(r" \((?P<path>[^()]+?)(?::\d+)?\)$")
_CARRIERS = ("celery", "kombu", "amqp", "billiard", "vine")
CARRYING, ELSE = "Celery, kombu and AMQP", "Python itself"


def run(fleet: Fleet, given: Notifications) -> Figures:
    """Profiles all processes of the workers through a run from a full queue. Returns microseconds by room."""
    if not find_spec("py_spy") and not _program().exists():
        raise ConnectorError("py-spy is not installed: run `make bench` once, it installs it")
    with _watched(fleet.stage) as samples:
        told = measure(fleet, given)
    by_role = samples.read()
    spent = {role: 1e6 * told["cpu"].get(f"workers {role}", 0.0) / given.changes for role in by_role}
    return {
        "changes": given.changes,
        "per_second": told["per_second"],
        "rooms": {role: shares(counts, spent[role]) for role, counts in by_role.items()},
    }


def shares(counts: Counter[str], microseconds: float) -> dict[str, float]:
    """Returns the microseconds of a notification, dealt out by samples."""
    total = sum(counts.values())
    return {room: round(microseconds * count / total, 1) for room, count in counts.most_common()} if total else {}


def counted(lines: Iterable[str]) -> Counter[str]:
    """Returns samples by room, of py-spy's raw output: frames from the outermost to the innermost, and how often."""
    found: Counter[str] = Counter()
    for line in lines:
        stack, _, times = line.rstrip().rpartition(" ")
        if times.isdigit():
            found[room(stack.split(";"))] += int(times)
    return found


def room(stack: Iterable[str]) -> str:
    """Returns the innermost room of ours on a stack; else whether Celery and its libraries carry something there."""
    paths = [match["path"] for frame in stack if (match := _FRAME.search(frame))]
    ours = [found for path in paths if (found := _ours(path))]
    if ours:
        return ours[-1]
    return CARRYING if any(f"/{name}/" in path for path in paths for name in _CARRIERS) else ELSE


def _ours(path: str) -> str:
    """Returns the room of one of our files: `store`, `tasks`; "" where the file is not ours."""
    if not path.startswith(f"{ROOT}/") or "site-packages" in path:
        return ""
    top, _, rest = path.removeprefix(f"{ROOT}/").partition("/")
    if top == "tasks":
        return top
    inner = rest.partition("/")[0].removesuffix(".py")
    return inner if top == "connector" else ""


class _Samples:
    """The files that py-spy writes, by what the process does."""

    def __init__(self) -> None:
        self._files: list[tuple[str, Path]] = []

    def expect(self, role: str, path: Path) -> None:
        self._files.append((role, path))

    def read(self) -> dict[str, Counter[str]]:
        found: dict[str, Counter[str]] = {}
        for role, path in self._files:
            text = path.read_text(errors="replace") if path.exists() else ""
            found.setdefault(role, Counter()).update(counted(text.splitlines()))
        return found


@contextmanager
def _watched(stage: Stage) -> Iterator[_Samples]:
    samples, started = _Samples(), []
    for pid, role in _processes(stage).items():
        path = stage.folder / f"profile-{pid}.txt"
        samples.expect(role, path)
        started.append(_spy(pid, path))
    try:
        yield samples
    finally:
        for each in started:
            each.send_signal(signal.SIGINT)
        for each in started:
            each.wait(_END_SECONDS)


def _processes(stage: Stage) -> Mapping[int, str]:
    """Returns every process of the workers, and what it does."""
    found: dict[int, str] = {}
    for main, *others in usage.trees(stage.processes["workers"]).values():
        found |= {main.pid: "main", **{each.pid: usage.role(each) for each in others}}
    return found


def _spy(pid: int, path: Path) -> "subprocess.Popen[bytes]":
    options = ("--rate", str(_A_SECOND), "--duration", str(_LONGEST_SECONDS), "--format", "raw", "--full-filenames")
    command = (str(_program()), "record", "--pid", str(pid), *options, "--nonblocking", "--output", str(path))
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _program() -> Path:
    return Path(sys.executable).with_name("py-spy")
