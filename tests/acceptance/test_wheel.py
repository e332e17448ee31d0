"""The wheel in an environment that holds only what it asks for: `connector` works there, away from the sources."""

import re
import subprocess
import sys
import venv
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from connector import __version__
from tests.processes import ROOT, bare_environment

NAME = "audience-sync-connector"


def run(*command: str | Path, cwd: Path) -> str:
    """What a program prints; it must succeed."""
    environ = {name: text for name, text in bare_environment().items() if not name.startswith("PYTHON")}
    done = subprocess.run(command, cwd=cwd, env=environ, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def needed(name: str, found: dict[str, metadata.Distribution], extra: str = "") -> None:
    """Adds to `found` what a distribution asks for, by the requirements that hold here, and what these ask for."""
    for text in metadata.distribution(name).requires or ():
        requirement = Requirement(text)
        if requirement.marker and not requirement.marker.evaluate({"extra": extra}):
            continue
        if requirement.name not in found:
            found[requirement.name] = metadata.distribution(requirement.name)
            for extra_of_it in ("", *requirement.extras):
                needed(requirement.name, found, extra_of_it)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of programs of an environment with the wheel, and links to what the wheel asks for."""
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "-w", folder, ROOT, cwd=folder)
    [wheel] = folder.glob("*.whl")
    venv.create(folder / "environment", symlinks=True)
    [packages] = (folder / "environment" / "lib").glob("python*/site-packages")
    target = ("--python", str(folder / "environment"), "install", "--no-deps", str(wheel))
    run(sys.executable, "-m", "pip", *target, cwd=folder)
    found: dict[str, metadata.Distribution] = {}
    needed(NAME, found)
    for distribution in found.values():
        for top in {file.parts[0] for file in distribution.files or () if file.parts[0] not in {"..", "__pycache__"}}:
            if not (packages / top).exists():
                (packages / top).symlink_to(distribution.locate_file(top))
    return folder / "environment" / "bin"


def test_it_says_its_version(installed: Path, tmp_path: Path) -> None:
    assert run(installed / "connector", "--version", cwd=tmp_path) == f"{NAME} {__version__}\n"


def test_it_runs_from_the_wheel_and_not_from_the_sources(installed: Path, tmp_path: Path) -> None:
    code = "import connector, tasks; print(connector.__file__, tasks.__file__)"
    for place in run(installed / "python", "-c", code, cwd=tmp_path).split():
        assert Path(place).is_relative_to(installed.parent)


def test_the_demo_runs_in_an_empty_folder(installed: Path, tmp_path: Path) -> None:
    shown = run(installed / "connector", "demo", "--once", cwd=tmp_path)
    assert "Customer.io holds exactly what it must." in shown
    assert re.search(r"people in Customer.io \(main\) +│ +189 ", shown)
    assert [path.name for path in tmp_path.iterdir()] == ["var"]


def test_the_settings_it_brings_are_the_shipped_ones(installed: Path) -> None:
    [shipped] = installed.parent.glob("lib/python*/site-packages/connector/demo/settings.toml")
    assert shipped.read_bytes() == (ROOT / "settings.toml").read_bytes()
