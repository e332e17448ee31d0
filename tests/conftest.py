"""What holds for all tests: the budget of the searches, the order of modules, signals, and what a skip is worth."""

import gc
import os
import signal
from collections import Counter
from collections.abc import Generator

import pytest
import structlog

from tests import authorities, budget, files_in_memory, stores

budget.keep_to_it()
files_in_memory.keep_there()

# Garbage is looked for only once all tests are known, and never again among them: that took a third of finding them.
gc.disable()

authorities.are_unknown()

# As structlog comes, it draws tracebacks with all that each function knew: that takes more than a second of CPU.
_written = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
structlog.configure(processors=[*structlog.get_config()["processors"][:-1], _written])

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A background shell starts programs so, and they start theirs so: then no Ctrl-C of a test would end anything.
    signal.signal(signal.SIGINT, signal.default_int_handler)

_LONGEST = ("test_reader.py",)
"""Modules that take minutes, most of it waiting: they begin first of all."""
_SPREAD_UNTIL = {"faults": 0.6, "acceptance": 0.8, "libraries": 0.8, "browser": 0.9, "integration": 1.0}
"""Until which part of the run the modules of a room are spread. Those that wait for servers and processes stand among
those that compute, so that the workers neither all wait nor all compute; the long ones begin long before the end."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mixes the rooms, each in the order in which it comes; the modules of tests/unit, which are short, come last."""
    items[:], left_out = stores.split(items)
    if left_out:
        config.hook.pytest_deselected(items=left_out)
    modules = list(dict.fromkeys((_room(item), item.path) for item in items))
    in_room, before, places = Counter(room for room, _ in modules), Counter[str](), {}
    for room, path in modules:
        part = (before[room] + 0.5) / in_room[room]
        places[path] = part * _SPREAD_UNTIL[room] if room in _SPREAD_UNTIL else 1 + part
        before[room] += 1
    places |= {path: 0.0 for path in places if path.name in _LONGEST}
    items.sort(key=lambda item: places[item.path])


def pytest_collection_finish() -> None:
    """From here on garbage is looked for as usual, in what the tests make."""
    gc.freeze()
    gc.enable()


def _room(item: pytest.Item) -> str:
    return next((part for part in item.path.parts if part in _SPREAD_UNTIL), "unit")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """With CI=true a test that is skipped has failed: on that machine everything is installed that tests need."""
    report = yield
    if os.environ.get("CI") == "true" and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, though CI=true: {report.longreprtext}"
    return report
