"""What people see: tables at 80 columns, and no control character of anybody's data."""

import io
import logging
import sys
import unicodedata
from collections.abc import Callable

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from connector import log
from connector.cli import options
from connector.cli.tables import table
from connector.errors import SettingsError
from connector.model.visible import visible, visible_lines
from connector.settings.sections import LogSettings

UNSEEN = ("Cc", "Zl", "Zp", "Cs")
TURNS = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c"
TEXTS = st.text(st.characters() | st.sampled_from("\x1b\x9b\x07\r\u202e\ud800[]\\"))
ULID = "01M8B6JRTSRVJQYGJP5MNTZZ3R"
TIME = "2026-11-26 05:52:15"


def unseen(text: str) -> set[str]:
    """The characters that a terminal obeys instead of showing them, apart from the ends of lines."""
    return {each for each in text if each != "\n" and (unicodedata.category(each) in UNSEEN or each in TURNS)}


def shown(monkeypatch: pytest.MonkeyPatch, show: Callable[[], None], columns: int = 80) -> str:
    monkeypatch.setenv("COLUMNS", str(columns))
    file = io.StringIO()
    monkeypatch.setattr(sys, "stdout", file)  # its console looks for it each time
    show()
    return file.getvalue()


@given(TEXTS)
def test_what_is_unseen_is_shown_and_the_rest_stays(text: str) -> None:
    assert not unseen(visible(text))
    assert "\n" not in visible(text)
    assert not unseen(visible_lines(text))
    if not unseen(text) and "\n" not in text:
        assert visible(text) == text


@given(TEXTS)
def test_no_command_prints_a_control_character_raw(text: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        said = shown(patch, lambda: options.out.print(text, soft_wrap=True))
        said += shown(patch, lambda: options.out.out(text))
        said += shown(patch, lambda: options.out.print(table(("id", "reason"), [(text, text)])))
    assert not unseen(said)


def test_square_brackets_of_data_are_no_markup(monkeypatch: pytest.MonkeyPatch) -> None:
    assert shown(monkeypatch, lambda: options.out.print("a [red]user[/] b")) == "a [red]user[/] b\n"


def test_at_80_columns_ids_and_times_are_whole_and_nothing_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    user, reason = "user-" + "x" * 60, "a reason in a sentence that needs more than one line"
    said = shown(
        monkeypatch, lambda: options.out.print(table(("id", "at", "user", "reason"), [(ULID, TIME, user, reason)]))
    )
    lines = said.splitlines()

    assert max(map(len, lines)) <= 80
    assert f"│ {ULID} │ {TIME} │" in said
    cells = [[cell.strip() for cell in line.split("│")] for line in lines if line.startswith("│")]
    assert "".join(cell[3] for cell in cells) == user
    assert " ".join(cell[4] for cell in cells if cell[4]) == reason


def test_a_question_without_a_terminal_names_the_option_that_answers_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    with pytest.raises(SettingsError, match=r"^Delete \\u001b\? Nobody is at a terminal to be asked: give --yes$"):
        options.agreed("Delete \x1b?", yes=False)
    assert options.agreed("Delete?", yes=True)


@pytest.mark.parametrize("format", ["console", "json"])
def test_no_log_line_has_a_control_character_raw(format: str, capsys: pytest.CaptureFixture[str]) -> None:
    handlers, level = list(logging.root.handlers), logging.root.level
    log.configure(LogSettings(format=format))  # type: ignore[arg-type]
    try:
        structlog.get_logger("test").warning("bad \x1b[2J", user="u\x9b\r\nok", reason="x\u202e")
        logging.getLogger("other").warning("name %s", "\x1b]0;title\x07")
    finally:
        logging.root.handlers[:], logging.root.level = handlers, level
        structlog.reset_defaults()
    said = capsys.readouterr().err
    assert said.count("\n") == 2
    assert not unseen(said)
