"""What comes to a log is shown once, in bounded looks."""

from hypothesis import given
from hypothesis import strategies as st

from connector.cli.following import MOST_AT_ONCE, Following

Entry = tuple[str, float]


class Log:
    """A log that is written to at any time, as it is read: the latest first, from a time on."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.most = 0

    def look(self, since: float, limit: int) -> list[Entry]:
        found = sorted((each for each in self.entries if each[1] >= since), key=lambda each: each[1], reverse=True)
        self.most = max(self.most, limit)
        return found[:limit]


def following(log: Log) -> Following[Entry]:
    return Following(log.look, lambda each: each[0], lambda each: each[1])


@given(st.lists(st.lists(st.floats(0.0, 200.0), max_size=5), max_size=10))
def test_each_entry_is_shown_once_however_late_it_is_logged(turns: list[list[float]]) -> None:
    log, shown = Log(), list[Entry]()
    follows = following(log)
    follows.first(10)
    for number, times in enumerate(turns):
        new = [(f"{number}-{place}", at) for place, at in enumerate(times)]
        log.entries += new
        found = follows.new()
        assert found == sorted(found, key=lambda each: each[1])
        shown += found
    assert sorted(shown) == sorted(log.entries)


def test_more_than_one_look_reads_is_said_and_a_look_stays_bounded() -> None:
    log = Log()
    follows = following(log)
    follows.first(10)
    log.entries += [(str(number), 1000.0 + number / 1000) for number in range(MOST_AT_ONCE + 1)]
    assert (len(follows.new()), follows.left_out) == (MOST_AT_ONCE, True)
    log.entries.append(("last", 2000.0))
    assert (follows.new()[-1:], follows.left_out) == ([("last", 2000.0)], False)
    assert log.most == MOST_AT_ONCE


def test_what_was_there_before_is_not_shown_later() -> None:
    log = Log()
    log.entries += [(str(number), float(number)) for number in range(5)]
    follows = following(log)
    assert follows.first(2) == [("3", 3.0), ("4", 4.0)]
    assert follows.new() == []
