"""The rule of imports (.importlinter) is broken by a planted import of each kind, and by nothing else."""

import os
import re
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

import pytest

from tests.forkserver import ROOT

RULES = ROOT / ".importlinter"
PLANTED = [
    ("Imports point down this list", "connector.model", "connector.cli"),
    ("Imports point down this list", "connector.cli", "tasks"),
    ("Imports point down this list", "connector.web", "connector.bulk"),
    ("Imports point down this list", "connector.intake", "connector.delivery"),
    ("Decisions know no network, store, clock or chance", "connector.audience", "time"),
    ("Decisions know no network, store, clock or chance", "connector.planning", "sqlalchemy"),
    ("Only customerio (and the download) speak HTTP", "connector.store", "httpx"),
    ("The broker's libraries stay in broker and tasks", "connector.admin", "kombu"),
    ("Pages ask what the commands ask, never the store", "connector.console.pages", "connector.store"),
]
"""Contract, importer, imported."""


def rooms() -> set[str]:
    """Every module of ours that the contracts name."""
    parser = ConfigParser()
    parser.read(RULES)
    return set(
        re.findall(
            r"\b(?:connector|tasks)(?:\.\w+)*",
            "\n".join(parser[each].get(key, "") for each in parser.sections() for key in parser[each] if key != "name"),
        )
    )


def linted(folder: Path, planted: list[tuple[str, str, str]]) -> "subprocess.CompletedProcess[str]":
    """What import-linter says, by our contracts, of a tree of empty rooms with these imports."""
    for room in rooms():
        place = folder.joinpath(*room.split("."))
        place.mkdir(parents=True, exist_ok=True)
        imports = [f"import {imported}\n" for _, importer, imported in planted if importer == room]
        (place / "__init__.py").write_text("".join(imports))
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache", "--config", str(RULES)]
    environ = {**os.environ, "PYTHONPATH": str(folder), "COLUMNS": "200"}
    return subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, check=False, timeout=60)


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> "subprocess.CompletedProcess[str]":
    return linted(tmp_path_factory.mktemp("planted"), PLANTED)


def test_rooms_that_import_nothing_keep_every_contract(tmp_path: Path) -> None:
    done = linted(tmp_path, [])
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(("contract", "importer", "imported"), PLANTED)
def test_a_planted_import_breaks_its_contract(
    said: "subprocess.CompletedProcess[str]", contract: str, importer: str, imported: str
) -> None:
    assert said.returncode == 1
    assert f"{contract} BROKEN" in said.stdout
    assert re.search(
        rf"\b{re.escape(importer)}(\.\w+)* (->|is not allowed to import) {re.escape(imported)}\b", said.stdout
    ), said.stdout


def test_every_contract_has_a_planted_import_that_breaks_it() -> None:
    parser = ConfigParser()
    parser.read(RULES)
    contracts = {parser[each]["name"] for each in parser.sections() if each.startswith("importlinter:contract:")}
    assert contracts == {contract for contract, _, _ in PLANTED}
