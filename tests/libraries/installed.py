"""The analytics libraries, installed once for each version of the lists that pin them, outside the environment.

Where npm is missing, or no registry is reached, the tests are skipped and say what to install; with CI=true they fail.
"""

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import NoReturn

import pytest

from tests import authorities
from tests.processes import ROOT

HERE = Path(__file__).parent
REQUIREMENTS = ROOT / "requirements-libraries.txt"
_KEPT = ROOT / "var" / "libraries"
_INSTALL_SECONDS = 300
_LISTS = (HERE / "package.json", HERE / "package-lock.json")


def node() -> Path:
    """A folder with the libraries of npm in node_modules."""
    if shutil.which("npm") is None or shutil.which("node") is None:
        _missing("npm is not installed: apt install nodejs npm")
    with _folder("node", _LISTS) as (folder, fresh):
        if fresh:
            for each in _LISTS:
                shutil.copy(each, folder)
            _install(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], folder)
    return folder


def python() -> Path:
    """A folder with the libraries of PyPI."""
    with _folder("python", [REQUIREMENTS]) as (folder, fresh):
        if fresh:
            options = ["--quiet", "--disable-pip-version-check", "--require-hashes", "--target", str(folder)]
            _install([sys.executable, "-m", "pip", "install", *options, "-r", str(REQUIREMENTS)], folder)
    return folder


@contextmanager
def _folder(name: str, lists: Sequence[Path]) -> Iterator[tuple[Path, bool]]:
    """The folder for these lists, and whether it is still to be filled; one process at a time is in here."""
    digest = sha256(b"".join(each.read_bytes() for each in lists)).hexdigest()[:16]
    folder = _KEPT / f"{name}-{digest}"
    folder.mkdir(parents=True, exist_ok=True)
    done = folder / "installed"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield folder, not done.exists()
        done.touch()


def _install(command: Sequence[str], folder: Path) -> None:
    environ = authorities.known()
    ran = subprocess.run(
        command, cwd=folder, env=environ, capture_output=True, text=True, timeout=_INSTALL_SECONDS, check=False
    )
    if ran.returncode:
        _missing(f"{command[0]} could not install the libraries: {ran.stderr[-2000:]}")


def _missing(reason: str) -> NoReturn:
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)
