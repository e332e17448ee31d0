"""docs/reliability.md: each test that it names exists, and no test of the fleet's faults is left out."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

DOC = Path(__file__).parents[2] / "docs" / "reliability.md"
FAULTS = DOC.parents[1] / "tests" / "faults"
_LINK = re.compile(r"\[(?P<name>test_\w+)?(?:\[(?P<case>[^\]]+)\])?\]\((?P<file>\.\./tests/[^)]+)\)")


def named() -> list[tuple[str | None, str | None, Path]]:
    """Test, case and file of each link to a test."""
    links = _LINK.finditer(DOC.read_text())
    return [(link["name"], link["case"], (DOC.parent / link["file"]).resolve()) for link in links]


@cache
def functions_of(file: Path) -> set[str]:
    return {node.name for node in ast.walk(_parsed(file)) if isinstance(node, ast.FunctionDef)}


@cache
def texts_of(file: Path) -> set[str]:
    return {node.value for node in ast.walk(_parsed(file)) if isinstance(node, ast.Constant)}


def _parsed(file: Path) -> ast.Module:
    return ast.parse(file.read_text(), str(file))


@pytest.mark.parametrize(("name", "case", "file"), named())
def test_each_test_that_is_named_exists(name: str | None, case: str | None, file: Path) -> None:
    assert name is None or name in functions_of(file)
    assert case is None or case in texts_of(file)


@pytest.mark.parametrize("file", sorted(FAULTS.glob("test_fleet_*.py")), ids=lambda file: file.stem)
def test_each_fault_of_a_fleet_that_is_tested_stands_there(file: Path) -> None:
    there = {name for name in functions_of(file) if name.startswith("test_")}
    good_days = "test_a_fleet_on_good_days_brings_everybody_there"

    assert there - {name for name, _, linked in named() if linked == file} == {good_days} & there


def test_every_row_of_the_tables_of_faults_has_a_test() -> None:
    rows = re.findall(r"^\| (?!fault|step|---|\*\*)(.+) \|$", DOC.read_text(), re.MULTILINE)

    assert rows
    assert [row for row in rows if not _LINK.search(row)] == []
