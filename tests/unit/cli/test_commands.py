"""The list of commands: what help shows of each, and what it must not import to show it."""

import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from typer.testing import CliRunner

from connector import cli
from connector.cli import commands
from connector.cli.commands import NAMES
from tests.processes import SHIPPED_SETTINGS

HEAVY = {
    "alembic", "amqp", "celery", "fastapi", "httpx", "kombu", "psycopg", "pydantic", "sqlalchemy", "sqlmodel",
    "starlette", "structlog", "uvicorn",
}  # fmt: skip
IMPORTED = """
import os, sys
from connector.cli import main
try:
    main()
finally:
    print(*sys.modules, file=sys.stderr)
    sys.stderr.flush()
    os._exit(0)
"""


def first_paragraph(command: Any) -> str:
    return " ".join(command.help.replace("\\[", "[").split("\n\n")[0].split())


def tree(path: tuple[str, ...], command: Any) -> Iterator[tuple[tuple[str, ...], Any]]:
    """A command and those below it, with the words that call each."""
    yield path, command
    for name, below in getattr(command, "commands", {}).items():
        yield from tree((*path, name), below)


ALL = [each for name in NAMES for each in tree((name,), commands.load(name))]


@pytest.mark.parametrize("name", NAMES)
def test_help_lists_a_command_by_the_first_paragraph_of_its_own_help(name: str) -> None:
    assert NAMES[name].sentence == first_paragraph(commands.load(name))


@pytest.mark.parametrize(("path", "command"), ALL, ids=[" ".join(path) for path, _ in ALL])
def test_a_help_page_shows_every_text_as_it_was_written(path: tuple[str, ...], command: Any) -> None:
    page = CliRunner().invoke(commands.app, [*path, "--help"], env={"NO_COLOR": "1", "TERM": "dumb"})
    assert page.exit_code == 0
    shown = " ".join(re.sub("[│╭╮╰╯─]", " ", page.output).split())
    written = [text for each in (command, *command.params) if (text := getattr(each, "help", None))]
    for paragraph in "\n\n".join(written).replace("\\[", "[").split("\n\n"):
        assert " ".join(paragraph.split()) in shown


@pytest.mark.parametrize(("path", "command"), ALL, ids=[" ".join(path) for path, _ in ALL])
def test_each_parameter_of_a_command_says_what_it_is(path: tuple[str, ...], command: Any) -> None:
    assert [each.name for each in command.params if not each.help and each.name != "help"] == []


def test_some_help_text_has_brackets() -> None:
    """Else the test before this one would show nothing."""
    assert ("calls", "show") in [path for path, command in ALL if "\\[" in command.help]


def imported_by(*arguments: str) -> set[str]:
    """The modules that a command has imported when it ends."""
    command = [sys.executable, "-c", IMPORTED, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    return set(done.stderr.splitlines()[-1].split())


@pytest.mark.parametrize("arguments", [["--help"], ["--version"]], ids=" ".join)
def test_help_and_version_import_nothing_that_only_a_command_needs(arguments: list[str]) -> None:
    imported = imported_by(*arguments)
    assert {name for name in imported if name.partition(".")[0] in HEAVY} == set()
    ours = {name for name in imported if name.partition(".")[0] in {"connector", "tasks"}}
    light = {"connector.garbage", "connector.model", "connector.model.visible"}  # the latter for what an error shows
    assert ours == {"connector", "connector.cli", "connector.cli.commands", "connector.errors"} | light


def test_status_imports_the_store_and_nothing_that_sends_or_serves() -> None:
    imported = {name.partition(".")[0] for name in imported_by("status", "--settings", str(SHIPPED_SETTINGS))}
    assert imported & HEAVY == {"psycopg", "pydantic", "sqlalchemy", "sqlmodel"}


@pytest.mark.parametrize(("argument", "raised"), [("a\udcff", SystemExit), ("a", UnicodeEncodeError)])
def test_an_argument_that_is_no_text_is_a_mistake_of_usage(
    argument: str, raised: type[BaseException], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["connector", "show", argument])
    monkeypatch.setattr(cli, "app", "a\udcff".encode)
    with pytest.raises(raised) as ended:
        cli.main()
    assert getattr(ended.value, "code", 2) == 2
    assert capsys.readouterr().err == ("an argument is no text in UTF-8\n" if raised is SystemExit else "")
