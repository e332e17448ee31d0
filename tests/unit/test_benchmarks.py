"""What the benchmarks decide without measuring: their input, their arithmetic, and how the figures are written down."""

import json
import xml.etree.ElementTree as ET
from itertools import chain
from typing import Any

import pytest

from benchmarks import chart, fleet_tables, markdown, paper, report, tables
from benchmarks.input import Input
from benchmarks.latency import percentile
from benchmarks.paper import Cost
from benchmarks.progress import Sample, rates, times
from connector import formats
from connector.model.change import Change

GIVEN = Input(changes=200, people=100)
SVG = "{http://www.w3.org/2000/svg}"
RUN = {
    "at": "some day",
    "changes": 1000,
    "people": 500,
    "workers": 2,
    "concurrency": 2,
    "per_second": 4000,
    "tenths": [4000] * 10,
    "cores": 2,
    "seconds": 0.25,
    "cpu": {"postgres": 0.1, "workers main": 0.05, "workers pool": 0.15, "others": 0.1},
    "per_cpu_second": 5000,
    "per_cpu_second_with_servers": 2500,
    "requests": 2,
    "operations": 1100,
    "bytes_an_operation": 250.0,
    "storage": {"people": 500, "entity": 900, "event": 100},
    "servers": "PostgreSQL 15, RabbitMQ 3",
}
CLIENT = {"per_second": 400, "per_cpu_second": 500, "per_cpu_second_with_servers": 250, "wrong_people": 0}
RESULTS: dict[str, Any] = {
    "machine": {"processor": "2 x Example"},
    "fleet preloaded": RUN,
    "fleet preloaded beside 1000000": {**RUN, "per_second": 3200},
    "instead": {"celery_2": CLIENT},
    "latency": {
        "at": "some day",
        "changes": 100,
        "changes_a_second": 200.0,
        "answer_ms": 50.0,
        "milliseconds": {"median": 70, "p99": 110},
    },
    "memory": {"at": "some day", "changes": 1000, "main_mb": [[90, 91]] * 10, "pool_mb": [[80, 81, 82, 83]] * 10},
}


# ---- The input -------------------------------------------------------------------------------------------------------


def test_the_same_numbers_give_the_same_changes() -> None:
    assert list(GIVEN.bodies()) == list(Input(changes=200, people=100).bodies())


def test_another_seed_is_about_other_people() -> None:
    assert GIVEN.last_turns.keys().isdisjoint(Input(changes=200, people=100, seed="other").last_turns)


def test_all_first_versions_come_before_any_second_one() -> None:
    turns = [turn for _, turn in GIVEN.order()]

    assert turns == [1] * 100 + [2] * 100


def test_everybody_comes_once_in_each_round_and_the_rounds_are_ordered_differently() -> None:
    people = [person for person, _ in GIVEN.order()]

    assert sorted(people[:100]) == sorted(people[100:]) == list(range(100))
    assert people[:100] != people[100:]


def test_a_round_may_end_half_way() -> None:
    assert [turn for _, turn in Input(changes=5, people=3).order()] == [1, 1, 1, 2, 2]


def test_one_change_in_ten_brings_an_event_and_no_two_are_the_same() -> None:
    events = list(chain.from_iterable(message.get("events", ()) for message in GIVEN.messages()))

    assert len(events) == len({event["id"] for event in events}) == GIVEN.events == 20


def test_every_change_reads_in_the_native_form() -> None:
    read = formats.parse("native", list(GIVEN.messages()))

    assert [type(change) for change in read] == [Change] * 200


def test_a_change_is_as_large_as_the_document_says() -> None:
    sizes = [len(body) for body in Input(changes=10_000, people=5_000).bodies()]

    assert 500 <= sum(sizes) / len(sizes) <= 600


def test_two_versions_of_a_person_differ() -> None:
    first, second = (message["user"] for message in Input(changes=2, people=1).messages())

    assert first != second
    assert first["id"] == second["id"]


# ---- The arithmetic --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("share", "value"), [(0.5, 50), (0.99, 99), (1.0, 100), (0.001, 1)])
def test_a_percentile_is_the_smallest_value_that_the_share_does_not_exceed(share: float, value: int) -> None:
    assert percentile([float(number) for number in range(1, 101)], share) == value


def test_what_is_due_is_not_confirmed() -> None:
    assert Sample(at=0.0, taken_in=10, due=4).confirmed == 6


def test_a_steady_run_has_even_tenths() -> None:
    samples = [Sample(at=5.0 + second, taken_in=100 * second, due=0) for second in range(11)]

    assert times(samples, 1000) == pytest.approx(range(1, 11))
    assert rates(times(samples, 1000), 1000) == pytest.approx([100] * 10)


def test_tenths_that_end_between_two_looks_end_on_the_line_between_them() -> None:
    samples = [Sample(0.0, 0, 0), Sample(10.0, 1000, 0)]

    assert times(samples, 1000) == pytest.approx(range(1, 11))


def test_a_run_that_slows_down_shows_it() -> None:
    samples = [Sample(0.0, 0, 0), Sample(1.0, 500, 0), Sample(6.0, 1000, 0)]

    assert rates(times(samples, 1000), 1000) == pytest.approx([500] * 5 + [100] * 5)


def test_work_that_falls_due_again_does_not_count_twice() -> None:
    samples = [Sample(0.0, 0, 0), Sample(1.0, 600, 100), Sample(2.0, 900, 500), Sample(3.0, 1000, 0)]

    seconds = times(samples, 1000)

    assert len(seconds) == 10
    assert seconds == sorted(seconds)


def test_cost_on_paper_is_what_was_measured_times_people() -> None:
    cost = Cost.of(RUN)

    assert cost.storage(10_000_000) == "10 GB"
    assert cost.people_a_request == paper.CLAIMED
    assert cost.requests(10_000_000) == 10_000
    assert cost.limit_seconds(10_000_000, 100) == 100
    assert cost.cpu_hours(9_000_000) == 1.0
    assert cost.partitions(1_000_000_000) == 20


def test_large_people_fill_a_request_by_bytes() -> None:
    assert Cost.of({**RUN, "bytes_an_operation": 1000.0}).people_a_request == 500


# ---- Writing down ----------------------------------------------------------------------------------------------------


def test_a_table_has_a_row_for_each_and_reads_in_thousands() -> None:
    lines = markdown.table(("what", "changes/s"), [["one", 1234], ["other", 5]]).splitlines()

    assert lines == ["| what | changes/s |", "| --- | ---: |", "| one | 1,234 |", "| other | 5 |"]


def test_the_figures_say_how_much_slower_a_full_store_is() -> None:
    assert "takes 1.25 times as long" in tables.written(RESULTS)


def test_the_figures_say_how_many_times_better_the_fleet_is() -> None:
    assert "| a Celery task and a request for each change, 2 processes | 400 | 500 | 250 | 10.0 |" in tables.written(
        RESULTS
    )


def test_halves_weigh_tenths_by_the_time_they_took() -> None:
    assert fleet_tables.halves([100, 300, 50, 50]) == (150, 50)


def test_cpu_is_told_for_each_change() -> None:
    spent = fleet_tables.microseconds(RUN)

    assert (spent["postgres"], spent["workers pool"], spent["rabbitmq"]) == (100, 150, 0)


def test_the_figures_say_where_the_machine_ends() -> None:
    written = tables.written(RESULTS)

    assert "takes 300 microseconds of CPU in all" in written
    assert "end at 6,667 changes a second" in written
    assert "5,000 changes a second for each core of theirs" in written


def test_the_figures_say_how_busy_the_machine_was_with_others() -> None:
    assert "| 20% |" in tables.written(RESULTS)


def test_what_was_not_measured_is_left_out() -> None:
    written = tables.written({"machine": RESULTS["machine"], "latency": RESULTS["latency"]})

    assert "### Latency" in written
    assert "### End to end" not in written
    assert "### On paper" not in written


def test_new_figures_take_the_place_of_the_old_ones_and_nothing_else() -> None:
    document = f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n"

    once = report.spliced(document, "new")

    assert once == f"before\n{report.BEGIN}\n\nnew\n\n{report.END}\nafter\n"
    assert report.spliced(once, "new") == once


@pytest.mark.parametrize(
    "document",
    ["no marks", report.BEGIN, f"{report.END}\n{report.BEGIN}", f"{report.BEGIN}{report.END}{report.BEGIN}"],
)
def test_a_document_without_its_marks_is_not_written_over(document: str) -> None:
    with pytest.raises(ValueError, match="must have these two lines once"):
        report.spliced(document, "new")


def test_the_chart_draws_bars_in_proportion() -> None:
    drawn = ET.fromstring(chart.drawn(RESULTS))
    widths = [float(bar.get("width", 0)) for bar in drawn.iter(f"{SVG}rect")]

    assert len(widths) == 2
    assert widths[0] / widths[1] == pytest.approx(10, rel=0.05)


def test_the_chart_has_a_line_for_each_run() -> None:
    drawn = ET.fromstring(chart.drawn(RESULTS))

    assert [len(line.get("points", "").split()) for line in drawn.iter(f"{SVG}polyline")] == [10, 10]


def test_the_chart_reads_on_dark_too() -> None:
    assert "prefers-color-scheme: dark" in chart.drawn(RESULTS)


def test_the_document_shows_the_results_that_are_kept() -> None:
    results = json.loads(report.RESULTS.read_text())
    document = report.DOCUMENT.read_text()

    assert report.spliced(document, tables.written(results)) == document
    assert report.CHART.read_text() == chart.drawn(results)
