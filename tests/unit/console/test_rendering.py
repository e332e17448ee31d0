"""Words of the console's pages: escaped, masked, in units that people would say."""

from typing import Any

import pytest
from jinja2 import FileSystemLoader

from connector.console import charts, command_links, rendering
from connector.console.pages import routes


def test_what_stands_between_backticks_is_a_command_and_everything_is_escaped() -> None:
    assert rendering.words("run `a <b>` & go") == "run <code>a &lt;b&gt;</code> &amp; go"


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        ("connector approve main", 'the page <a href="/held/main">Held deletions</a>'),
        ("connector approve main --drop", 'the page <a href="/held/main">Held deletions</a>'),
        ("connector approve", 'the page <a href="/held">Held deletions</a>'),
        ("connector jobs resume a1b2", 'the page <a href="/jobs/a1b2">Jobs</a>'),
        ("connector jobs", 'the page <a href="/jobs">Jobs</a>'),
        ("connector problems --group", 'the page <a href="/problems">Problems</a>'),
        ("connector sources run users", 'the page <a href="/jobs">Jobs</a>'),
        ("connector sources run users --may-leave", "<code>connector sources run users --may-leave</code>"),
        ("connector resync main", "<code>connector resync main</code>"),
        ("connector", "<code>connector</code>"),
        ('connector approve "><script>', 'the page <a href="/held/%22%3E%3Cscript%3E">Held deletions</a>'),
    ],
)
def test_a_command_whose_act_a_page_offers_leads_to_that_page(command: str, shown: str) -> None:
    assert rendering.words(f"or `{command}` does it") == f"or {shown} does it"


def test_every_page_that_stands_for_a_command_is_one_of_the_console() -> None:
    assert {each.path for each in command_links._PAGES.values()} <= {each.path for each in routes()}


@pytest.mark.parametrize(
    ("duration", "words"),
    [
        (-3.0, "0.0 s"),
        (0.04, "0.0 s"),
        (9.96, "10.0 s"),
        (59, "59 s"),
        (60, "1 min"),
        (7200, "2 h"),
        (172_800, "2 days"),
        (None, "-"),
    ],
)
def test_a_duration_is_said_in_the_unit_that_people_use(duration: float | None, words: str) -> None:
    assert rendering.seconds(duration) == words


@pytest.mark.parametrize("value", ["someone@example.com", 12345, {"email": "someone@example.com"}, ["x", "y"]])
def test_a_mask_leaves_one_character_at_the_most(value: Any) -> None:
    shown = rendering.masked(value, sees=False)
    assert len(shown.rstrip("•")) <= 1


@pytest.mark.parametrize("value", ["yes", "7", True, 7, ["x", "y"]])
def test_a_mask_leaves_nothing_of_what_one_character_may_tell(value: Any) -> None:
    assert rendering.masked(value, sees=False) == "•••"


@pytest.mark.parametrize("value", ["female", "yes", True, 12345])
def test_of_an_attribute_nothing_is_left(value: Any) -> None:
    assert rendering.hidden(value, sees=False) == "•••"
    assert rendering.hidden("", sees=False) == ""
    assert rendering.masked(value, sees=True) == rendering.shown(value)


def test_integers_keep_all_their_digits() -> None:
    assert rendering.shown({"n": 2**63 + 1}) == '{\n  "n": 9223372036854775809\n}'


def test_charts_say_what_they_show_and_escape_it() -> None:
    drawn = str(charts.bars([("<a>", 1.0), ("b", 0.0)], 'of "x"'))
    assert "<a>" not in drawn
    assert 'aria-label="of &quot;x&quot;"' in drawn
    assert str(charts.sparkline([], "nothing")).count("polyline") == 0


def test_a_process_keeps_every_page_of_its_own_version_not_only_those_it_has_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rendering.compiled_aside().join()
    monkeypatch.setattr(FileSystemLoader, "get_source", lambda *_: pytest.fail("a template is read again"))
    names = {path.relative_to(rendering.TEMPLATES).as_posix() for path in rendering.TEMPLATES.rglob("*.html")}
    assert len(names) > 20
    for name in names:
        assert rendering.environment().get_template(name)
