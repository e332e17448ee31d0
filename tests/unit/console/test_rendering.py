"""Words of the console's pages: escaped, masked, in units that people would say."""

from typing import Any

import pytest

from connector.console import charts, rendering


def test_what_stands_between_backticks_is_a_command_and_everything_is_escaped() -> None:
    assert rendering.words("run `a <b>` & go") == "run <code>a &lt;b&gt;</code> &amp; go"


@pytest.mark.parametrize(
    ("duration", "words"),
    [(0.04, "0.0 s"), (9.96, "10.0 s"), (59, "59 s"), (60, "1 min"), (7200, "2 h"), (172_800, "2 days"), (None, "-")],
)
def test_a_duration_is_said_in_the_unit_that_people_use(duration: float | None, words: str) -> None:
    assert rendering.seconds(duration) == words


@pytest.mark.parametrize("value", ["someone@example.com", 12345, {"email": "someone@example.com"}, ["x", "y"]])
def test_a_mask_leaves_one_character_at_the_most(value: Any) -> None:
    shown = rendering.masked(value, sees=False)
    assert len(shown.rstrip("•")) <= 1
    assert rendering.masked(value, sees=True) == rendering.shown(value)


def test_integers_keep_all_their_digits() -> None:
    assert rendering.shown({"n": 2**63 + 1}) == '{\n  "n": 9223372036854775809\n}'


def test_charts_say_what_they_show_and_escape_it() -> None:
    drawn = str(charts.bars([("<a>", 1.0), ("b", 0.0)], 'of "x"'))
    assert "<a>" not in drawn
    assert 'aria-label="of &quot;x&quot;"' in drawn
    assert str(charts.sparkline([], "nothing")).count("polyline") == 0
