"""The activity log: what a page says, and that each entry is taken once, whatever comes between two looks."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import to_json

from connector.customerio import activities
from connector.customerio.activities import ActivityPage, LogEntry, LogPosition
from connector.customerio.responses import Pause, Reply
from connector.model.entity import Identifier

NOW = 1_800_000_000.0
ROW = {
    "id": "01A",
    "type": "failed_attribute_change",
    "timestamp": NOW,
    "customer_id": "7",
    "customer_identifiers": {"id": "7", "email": "ada@example.com", "cio_id": "a1"},
    "data": {"attribute": "email", "reason": "is\nanother person's"},
}


def reply(body: Any, status: int = 200) -> Reply:
    return Reply(status, body if isinstance(body, bytes) else to_json(body))


def only(row: dict[str, Any]) -> LogEntry:
    page = activities.read(reply({"activities": [row], "next": ""}))
    assert isinstance(page, ActivityPage)
    (found,) = page.activities
    return found


def test_an_entry_says_whom_it_is_about_and_why() -> None:
    found = only(ROW)
    assert (found.id, found.type, found.at) == ("01A", "failed_attribute_change", NOW)
    assert found.identifiers == (
        Identifier("id", "7"), Identifier("email", "ada@example.com"), Identifier("cio_id", "a1"),
    )  # fmt: skip
    assert found.reason == "is another person's"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ({"error": "too long"}, "too long"),
        ({"errors": ["one", "two"]}, '["one","two"]'),
        ({"attribute": "plan"}, '{"attribute":"plan"}'),
        ({}, ""),
        (None, ""),
        ({"reason": "x" * 1000}, "x" * 500),
    ],
)
def test_the_reason_is_customerios_own_wherever_it_stands(data: Any, reason: str) -> None:
    assert only({**ROW, "data": data}).reason == reason


@pytest.mark.parametrize(
    ("row", "key"),
    [
        ({"type": "_o:1:failed_attribute_change", "object_identifiers": {"object_id": "acme"}}, "1/acme"),
        ({"type": "_o:2:failed_attribute_change", "data": {"object_id": 7}}, "2/7"),
        ({"type": "_o:2:failed_attribute_change", "data": {}}, ""),
        ({"type": "failed_event", "data": {"object_id": "acme"}}, ""),
    ],
)
def test_an_entry_about_an_object_says_which(row: dict[str, Any], key: str) -> None:
    assert only({**ROW, **row}).object_key == key


def entries(*rows: Any) -> tuple[LogEntry, ...]:
    page = activities.read(reply({"activities": rows, "next": None}))
    assert isinstance(page, ActivityPage)
    assert page.following == ""
    return page.activities


def test_what_is_no_entry_is_left_out_and_its_neighbours_go_on() -> None:
    assert [each.id for each in entries("odd", ROW, 7, {"id": "x"}, None)] == ["01A", "x"]


@pytest.mark.parametrize("given", [7, "7"])
def test_an_id_may_be_a_number(given: Any) -> None:
    assert only({**ROW, "id": given, "customer_id": given, "customer_identifiers": {"id": given}}).id == "7"
    assert only({**ROW, "customer_identifiers": {"id": given}}).identifiers == (Identifier("id", "7"),)
    assert only({**ROW, "type": "_o:1:failed_event", "data": {"object_id": given}}).object_key == "1/7"


@pytest.mark.parametrize("id", [None, "", True, ["x"], "x" * 9_000, "nul\0"])
def test_an_entry_without_an_id_is_known_by_what_it_says(id: Any) -> None:
    one, again, other = entries({**ROW, "id": id}, {**ROW, "id": id}, {**ROW, "id": id, "customer_id": "8"})
    assert one.id == again.id != other.id


@pytest.mark.parametrize("given", [NOW, int(NOW), "1800000000", "2027-01-15T08:00:00Z", NOW * 1000, NOW * 1_000_000])
def test_a_time_may_be_written_in_several_ways(given: Any) -> None:
    assert only({**ROW, "timestamp": given}).at == NOW


@pytest.mark.parametrize("given", [None, "soon", 10**400, "9" * 5_000, -1e300, True, {}])
def test_an_entry_without_a_time_has_that_of_its_neighbour(given: Any) -> None:
    odd = {**ROW, "timestamp": given}
    assert [each.at for each in entries(odd, ROW, odd, {**ROW, "timestamp": NOW - 9})] == [NOW, NOW, NOW, NOW - 9]


@pytest.mark.parametrize("odd", [b"\\ud800", b"a\\u0000", b"\xff"])
def test_what_no_store_can_keep_costs_its_own_name_alone(odd: bytes) -> None:
    row = to_json(
        {
            **ROW,
            "customer_id": "ODD",
            "customer_identifiers": {"id": "ODD", "email": "a@x.y"},
            "data": {"reason": "ODD"},
        }
    )
    page = activities.read(reply(b'{"activities": [' + row.replace(b"ODD", odd) + b"," + to_json(ROW) + b"]}"))
    assert isinstance(page, ActivityPage)
    assert [each.identifiers[0] for each in page.activities] == [Identifier("email", "a@x.y"), Identifier("id", "7")]
    assert page.activities[0].reason


def test_an_entry_that_is_twice_on_a_page_is_taken_once() -> None:
    entry = LogEntry("a", "failed_event", NOW, (), {})
    assert activities.taken(LogPosition(NOW), ActivityPage((entry, entry), ""))[0] == [entry]


@pytest.mark.parametrize(
    ("answer", "until"),
    [
        (Reply(0, fault="no answer in 30 s", reached=True), "backoff"),
        (reply({"errors": [{"detail": "unauthorized", "status": "401"}]}, 401), "human"),
        (reply({"errors": [{"detail": "rate limited", "status": "429"}]}, 429), "backoff"),
        (reply(b"<html>", 200), "human"),
        (reply({"activities": 7}), "human"),
        (reply({"activities": [{**ROW, "timestamp": "soon"}, {**ROW, "timestamp": None}]}), "human"),
        (reply(b"<html>", 404), "backoff"),
    ],
)
def test_what_is_no_answer_is_a_pause(answer: Reply, until: str) -> None:
    found = activities.read(answer)
    assert isinstance(found, Pause)
    assert (found.until, found.doubt) == (until, False)


def test_objects_and_relationships_of_each_type_are_asked_for() -> None:
    assert activities.types({"2", "1"})[len(activities.FAILED) :] == [
        "_o:1:failed_attribute_change", "_r:1:failed_attribute_change",
        "_o:2:failed_attribute_change", "_r:2:failed_attribute_change",
    ]  # fmt: skip


class Log:
    """An activity log, youngest first, in pages of three; the token of a page is the last entry before it."""

    def __init__(self) -> None:
        self.entries: list[LogEntry] = []

    def add(self, seconds: Sequence[float]) -> None:
        for each in seconds:
            self.entries.append(LogEntry(f"e{len(self.entries)}", "failed_event", NOW + each, (), {}))

    def page(self, start: str) -> ActivityPage:
        rows = sorted(self.entries, key=lambda each: (-each.at, each.id))
        first = 0 if not start else next(i for i, each in enumerate(rows) if each.id == start) + 1
        part = rows[first : first + 3]
        return ActivityPage(tuple(part), part[-1].id if first + 3 < len(rows) else "")


def read_all(log: Log, position: LogPosition, most: int = 1_000) -> tuple[list[str], LogPosition]:
    found: list[str] = []
    for _ in range(most):
        new, position = activities.taken(position, log.page(position.resume))
        found += [each.id for each in new]
        if not position.resume:
            break
    return found, position


@given(
    st.lists(st.lists(st.floats(0, activities.OVERLAP_SECONDS - 1), max_size=12), max_size=6),
    st.integers(1, 4),
)
def test_each_entry_is_taken_once_however_looks_and_entries_alternate(waves: list[list[float]], most: int) -> None:
    """Entries may be written after younger ones, and a look may end in the middle of its pages."""
    log, position, found = Log(), LogPosition(NOW), []
    for wave in waves:
        log.add(wave)
        new, position = read_all(log, position, most)
        found += new
    for _ in range(2):
        new, position = read_all(log, position)
        found += new
    assert sorted(found) == sorted(each.id for each in log.entries)


def test_what_is_older_than_the_first_look_is_not_taken() -> None:
    log = Log()
    log.add([-activities.OVERLAP_SECONDS - 1, -5, 3])
    assert read_all(log, LogPosition(NOW))[0] == ["e2", "e1"]


def test_a_log_that_comes_oldest_first_is_read_to_its_end() -> None:
    old = LogEntry("a", "failed_event", NOW - 9_000, (), {})
    young = LogEntry("b", "failed_event", NOW - 8_000, (), {})
    new, position = activities.taken(LogPosition(NOW), ActivityPage((old, young), "next"))
    assert (new, position.resume) == ([], "next")


def test_ids_that_cannot_be_met_again_are_forgotten() -> None:
    log = Log()
    log.add([0, 10_000])
    assert set(read_all(log, LogPosition(NOW))[1].seen) == {"e1"}


def test_an_entry_of_a_time_that_is_to_come_hides_none_that_comes_after_it() -> None:
    log, position, found = Log(), LogPosition(NOW), []
    for now, at in ((5, 5), (6, 10_000_000), (10, 10), (700, 700), (800, 20_000_000), (1_400, 1_400)):
        log.add([at])
        while True:
            new, position = activities.taken(position, log.page(position.resume), NOW + now)
            found += [each.id for each in new]
            if not position.resume:
                break
    assert found == ["e0", "e1", "e2", "e3", "e4", "e5"]


def test_a_position_of_a_time_that_is_to_come_is_one_of_now() -> None:
    entry = LogEntry("a", "failed_event", NOW, (), {})
    new, position = activities.taken(LogPosition(NOW + 10_000_000), ActivityPage((entry,), ""), NOW)
    assert (new, position.until) == ([entry], NOW)
