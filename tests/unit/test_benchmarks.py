"""What the benchmarks decide without measuring: their input, its oracle, their arithmetic, how figures are written."""

import json
import xml.etree.ElementTree as ET
from collections import Counter
from itertools import pairwise
from typing import Any

import pytest

from benchmarks import (
    chart,
    games,
    held,
    markdown,
    order,
    paper,
    plain,
    profile,
    race,
    report,
    safety,
    shards,
    spent,
    syncs,
    tables,
    targets,
)
from benchmarks.batches import parts
from benchmarks.latency import percentile
from benchmarks.notifications import LEAVING, REPEATED, Notifications, Step, user
from benchmarks.parts import PARTS
from benchmarks.progress import Sample, begun, rates, times
from benchmarks.simulation import Costs, Fleet, Game, Group, Line
from benchmarks.stage import SETTINGS
from benchmarks.unsafe import patches
from connector import formats
from connector.model.change import Change
from connector.settings.schema import load

GIVEN = Notifications(changes=2000, people=700)
SVG = "{http://www.w3.org/2000/svg}"
RUN: dict[str, Any] = {
    "at": "some day",
    "changes": 1000,
    "people": 500,
    "workers": 2,
    "concurrency": 2,
    "per_second": 4000,
    "cores": 2,
    "seconds": 0.25,
    "cpu": {"postgres": 0.1, "rabbitmq": 0.01, "workers main": 0.05, "workers pool": 0.15, "others": 0.1, "beat": 0.0},
    "microseconds": 310,
    "per_cpu_second": 5000,
    "per_cpu_second_with_servers": 2500,
    "requests": 2,
    "operations": 1100,
    "bytes_an_operation": 250.0,
    "servers": "PostgreSQL 15, RabbitMQ 3",
    "postgres": {"wal_bytes": 3_000_000, "inserted": 900, "updated": 2000, "updated_hot": 500, "deleted": 0},
}
CLIENT = {"per_second": 400, "per_cpu_second": 500, "per_cpu_second_with_servers": 250, "wrong_people": 7}
SCRIPT = {**CLIENT, "per_second": 8000, "rounds": [8000]}
STORAGE = {"people": 500, "entity": 900, "event": 100}
COST = {"fixed": 3000.0, "each": 60.0}
BATCHES = {
    "at": "some day",
    "sizes": {
        size: dict.fromkeys(("intake", "delivery", "store_intake", "store_delivery"), 100.0) for size in ("1", "10")
    },
    **dict.fromkeys(("intake", "delivery", "store_intake", "store_delivery"), COST),
}
LATENCY = {
    "at": "some day",
    "changes": 100,
    "changes_a_second": 200.0,
    "answer_ms": 50.0,
    "backfill": 0,
    "milliseconds": {"median": 70, "p95": 100, "p99": 110, "most": 120},
}
RESULTS: dict[str, Any] = {
    "machine": {"processor": "2 x Example"},
    "race": {**RUN, "rounds": [4000], "script": SCRIPT, "celery": CLIENT, "ratio": 0.5},
    "beside": {**RUN, "storage": STORAGE, "time": 1.05, "alone": RUN},
    "instead": {"celery_2": CLIENT},
    "latency": LATENCY,
    "order": {
        "at": "some day",
        "workers": 2,
        "runs": [{"preloaded": True, "versions": "none", "users": 6000, "wrong": 0}],
    },
    "memory": {"at": "some day", "changes": 1000, "mb": {"main": [[90, 91]] * 10, "pool": [[80, 81, 82, 83]] * 10}},
    "safety": {
        "at": "some day",
        "changes": 1000,
        "runs": [
            {"label": "everything on", "per_second": 4000, "microseconds": 300},
            {"label": "no fsync", "per_second": 5000, "microseconds": 290},
        ],
    },
    "profile": {
        "at": "some day",
        "changes": 1000,
        "rooms": {"main": {"tasks": 50.2}, "pool": {"store": 100.4, "tasks": 1.0}},
    },
    "batches": BATCHES,
}  # fmt: skip


# ---- The input -------------------------------------------------------------------------------------------------------


def test_the_same_numbers_give_the_same_notifications() -> None:
    assert list(GIVEN.bodies()) == list(Notifications(changes=2000, people=700).bodies())


def test_another_seed_is_about_other_people() -> None:
    names = {GIVEN.name(step.person) for step in GIVEN.steps}

    assert names.isdisjoint(Notifications(2000, 700, "other").name(step.person) for step in GIVEN.steps)


def test_a_notification_is_as_large_as_the_document_says_and_its_user_has_28_fields() -> None:
    sizes = [len(body) for body in GIVEN.bodies()]

    assert 2150 <= sum(sizes) / len(sizes) <= 2250
    assert len(user("u1", GIVEN.steps[0])) == 28


def test_one_in_five_comes_twice_and_one_in_seven_leaves() -> None:
    steps = GIVEN.steps
    repeats = sum(count - 1 for count in Counter(steps).values())

    assert repeats / len(steps) == pytest.approx(REPEATED, abs=0.03)
    assert sum(not step.inside for step in steps) / len(steps) == pytest.approx(LEAVING, abs=0.03)


def test_one_in_seven_is_about_somebody_who_changed_within_the_last_40() -> None:
    steps = Notifications(4000, 1_000_000).steps  # so many people that chance names nobody twice
    firsts = list(dict.fromkeys(steps))
    soon = sum(
        step.person in {each.person for each in steps[max(0, step.number - 40) : step.number]} for step in firsts
    )

    assert soon / len(steps) == pytest.approx(0.15, abs=0.03)


def test_no_two_notifications_but_repeats_are_written_at_the_same_time() -> None:
    versions = {step.number: user("u1", step)["indexed_at"] for step in GIVEN.steps}

    assert len(set(versions.values())) == len(versions)


def test_every_notification_reads_in_hulls_form() -> None:
    read = [each for body in GIVEN.bodies() for each in formats.parse("hull", json.loads(body))]

    assert [type(change) for change in read] == [Change] * 2000


def test_the_settings_of_the_benchmark_send_what_the_oracle_expects() -> None:
    sync = load(SETTINGS).syncs["main"]
    step = next(step for step in GIVEN.steps if step.inside)

    sent = {each.target or each.source for each in sync.attributes}
    assert len(sent) == len(held.attributes("u1", step)) - 1
    assert sync.segment_attribute in held.attributes("u1", step)


# ---- Its oracle ------------------------------------------------------------------------------------------------------

INSIDE = Step(0, 1, 1, inside=True, events=1)
OUTSIDE = Step(1, 1, 2, inside=False, events=1)
BACK = Step(2, 1, 3, inside=True, events=2)


def row(given: Notifications, step: Step, *events: str) -> dict[str, Any]:
    """Somebody as the simulator shows them."""
    name = given.name(step.person)
    attributes = held.attributes(name, step)
    email = attributes.pop("email")
    told = [{"attributes": {"number": number}} for number in events]
    return {"identifiers": {"id": held.identifier(name), "email": email}, "attributes": attributes, "events": told}


def of_steps(*steps: Step) -> tuple[Notifications, dict[str, held.Person]]:
    """Notifications that are just these steps, and what they lead to."""
    given = Notifications(len(steps))
    given.__dict__["steps"] = list(steps)
    return given, held.expected(given)


def test_whoever_is_as_last_said_is_right() -> None:
    given, people = of_steps(INSIDE, OUTSIDE, BACK, INSIDE)

    assert held.differences(people, [row(given, BACK, "3-0", "3-1")]) == []


def test_events_of_before_somebody_left_may_be_there() -> None:
    given, people = of_steps(INSIDE, OUTSIDE, BACK)

    assert held.differences(people, [row(given, BACK, "1-0", "3-0", "3-1")]) == []


@pytest.mark.parametrize(
    ("events", "words"),
    [(("3-0",), "has not the events"), (("3-0", "3-1", "3-1"), "twice"), (("2-0", "3-0", "3-1"), "has not the events")],
)
def test_an_event_that_is_missing_doubled_or_foreign_is_seen(events: tuple[str, ...], words: str) -> None:
    given, people = of_steps(INSIDE, OUTSIDE, BACK)

    (found,) = held.differences(people, [row(given, BACK, *events)])

    assert words in found


def test_somebody_at_an_older_turn_is_seen() -> None:
    given, people = of_steps(INSIDE, OUTSIDE, BACK)

    (found,) = held.differences(people, [row(given, INSIDE, "3-0", "3-1")])

    assert "not as last said, at turn 3" in found


def test_somebody_who_left_and_is_there_and_somebody_who_is_missing_are_seen() -> None:
    given, gone = of_steps(INSIDE, OUTSIDE)
    _, there = of_steps(INSIDE)

    assert "must not be there" in held.differences(gone, [row(given, INSIDE)])[0]
    assert "is not there" in held.differences(there, [])[0]


def test_what_a_program_without_the_connector_sends_has_the_same_attributes() -> None:
    body = json.loads(GIVEN.body(INSIDE))

    first, *events = plain.operations(plain.message_of(body))

    assert first["attributes"] == held.attributes(GIVEN.name(1), INSIDE)
    assert [event["attributes"]["number"] for event in events] == ["1-0"]
    assert plain.operations(plain.message_of(json.loads(GIVEN.body(OUTSIDE))))[0]["action"] == "delete"


# ---- Order -----------------------------------------------------------------------------------------------------------


def test_three_notifications_of_a_user_stand_one_behind_the_other() -> None:
    lives = order.Lives(users=2)
    told = [json.loads(body)["messages"][0]["user"] for body in lives.bodies()]

    assert [each["traits_plan"] for each in told] == ["first", "second", "third"] * 2
    assert not any("updated_at" in each for each in told)


def test_equal_versions_are_equal() -> None:
    lives = order.Lives(users=2, versions="equal")

    assert len({json.loads(body)["messages"][0]["user"]["updated_at"] for body in lives.bodies()}) == 1


def test_people_at_an_older_plan_and_people_who_should_have_left_are_wrong() -> None:
    lives = order.Lives(users=8, seed="o")

    assert lives.wrong({f"o-{user}": "third" for user in (1, 2, 3, 5, 6, 7)}) == 0
    assert lives.wrong({f"o-{user}": "third" for user in (0, 1, 2, 3, 5, 6)} | {"o-7": "second"}) == 2


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


def test_the_clock_runs_from_the_last_look_before_anything_was_taken_in() -> None:
    samples = [Sample(second, taken_in, 0) for second, taken_in in ((0.0, 0), (1.0, 0), (2.0, 0), (3.0, 100))]

    assert [sample.at for sample in begun(samples)] == [2.0, 3.0]
    assert begun(samples[:2]) == samples[:2]


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


def test_of_three_rounds_the_one_of_the_middle_speed_counts() -> None:
    assert race.middle([{"per_second": rate} for rate in (4, 9, 5)])["per_second"] == 5


def test_a_batch_costs_something_by_itself_and_something_for_each() -> None:
    sizes = {"1": {"intake": 1010.0}, "1000": {"intake": 11_000.0}}

    assert parts(sizes, "intake") == {"fixed": 1000.0, "each": 10.0}


def test_all_notifications_of_a_user_go_to_one_shard_in_their_order() -> None:
    dealt = shards.dealt(GIVEN, 2)
    people = [{json.loads(body)["messages"][0]["user"]["id"] for body in part} for part in dealt]

    assert sum(map(len, dealt)) == 2000
    assert people[0].isdisjoint(people[1])
    assert dealt[0] == [GIVEN.body(step) for step in GIVEN.steps if step.person % 2 == 0]


def test_four_syncs_are_four_of_the_same_each_with_a_connection_of_its_own(tmp_path: Any) -> None:
    found = load(syncs.settings(tmp_path, syncs.NAMES))

    assert [sync.connection for sync in found.syncs.values()] == list(syncs.NAMES)
    assert len({sync.attributes for sync in found.syncs.values()}) == 1


def test_samples_count_for_the_innermost_room_of_ours() -> None:
    ours, theirs = f"{profile.ROOT}/connector", "/somewhere/site-packages"
    stack = [
        f"apply ({profile.ROOT}/tasks/changes.py:9)",
        f"accept ({ours}/intake/accept.py:5)",
        f"load ({ours}/store/entities.py:7)",
        f"execute ({theirs}/sqlalchemy/engine/base.py:1)",
    ]

    assert profile.room(stack) == "store"
    assert profile.room(stack[:1]) == "tasks"
    assert profile.room([f"drain ({theirs}/kombu/connection.py:3)"]) == profile.CARRYING
    assert profile.room(["<module> (<string>:1)"]) == profile.ELSE
    assert profile.counted([";".join(stack) + " 12", "noise"]) == {"store": 12}


def test_microseconds_are_dealt_out_by_samples() -> None:
    assert profile.shares(Counter(store=3, intake=1), 200.0) == {"store": 150.0, "intake": 50.0}


# ---- Safeguards that are switched off --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", patches.PATCHES)
def test_what_is_replaced_is_still_there(name: str) -> None:
    for patch in patches.PATCHES[name]:
        assert callable(getattr(patch.owner, patch.name))


def test_everything_off_is_all_that_is_off_in_turn() -> None:
    everything = safety.all_off()

    assert set(everything.patches) == set(patches.PATCHES)
    assert {"fsync", "synchronous_commit", "full_page_writes"} == set(everything.postgres)
    assert everything.unlogged


def test_the_same_run_comes_first_and_last() -> None:
    labels = [off.label for off in safety.runs()]

    assert labels[0] == labels[-1] == "everything on"
    assert all(Counter(labels)[label] == 1 for label in labels[1:-1])


def test_a_classic_queue_has_no_argument_of_a_quorum_queue_and_keeps_the_others() -> None:
    (patch,) = patches.PATCHES["quorum queues"]
    given = getattr(patch.owner, patch.name)("segment-changes")
    made = patch.made(getattr(patch.owner, patch.name))("segment-changes")

    assert made["x-queue-type"] == "classic"
    assert given.items() - made.items() == {
        (name, given[name]) for name in ("x-queue-type", "x-delivery-limit", "x-dead-letter-strategy")
    }


# ---- On paper and by simulation --------------------------------------------------------------------------------------


def test_cost_on_paper_is_what_was_measured_times_what_there_is() -> None:
    cost = paper.Cost.of(RUN, STORAGE)
    written = dict(map(tuple, paper.rows(cost)))  # type: ignore[arg-type]

    assert written["the store"] == "100 GB"
    assert written["partitions of at most 50 GB"] == 2
    assert written["cores of workers"] == 4  # 10,000 times 200 µs are two cores, busy at 60 %
    assert written["write-ahead log a second"] == "30 MB"
    assert written["dead rows"] == "20,000 a second"


COSTS = Costs.of(BATCHES, read=50e-6, commit=0.001, answer=0.05)


def test_what_is_fast_enough_keeps_up_and_what_is_not_falls_behind() -> None:
    slow = Game(Fleet(2000, shards=1, machines=1), COSTS, 10.0).play()
    fast = Game(Fleet(20_000, shards=1, machines=1), COSTS, 10.0).play()

    assert slow.backlog < 2000
    assert slow.p99 < 1.0
    assert fast.backlog > 50_000


def test_more_shards_take_in_more() -> None:
    outcomes = [Game(Fleet(20_000, count, count), COSTS, 5.0).play().confirmed for count in (1, 2, 4)]

    assert all(more > 1.3 * fewer for fewer, more in pairwise(outcomes))


def test_nothing_is_lost_in_the_game_and_the_same_seed_plays_the_same() -> None:
    first, again = (Game(Fleet(3000, 2, 1, workspaces=7), COSTS, 5.0).play() for _ in range(2))
    other = Game(Fleet(3000, 2, 1, workspaces=7), COSTS, 5.0, seed=2).play()

    assert first == again != other
    assert first.confirmed + first.backlog == pytest.approx(15_000, rel=0.05)


def test_a_line_gives_out_what_came_first() -> None:
    line = Line()
    for at, size in ((1.0, 3), (2.0, 5)):
        line.add(Group(at, size))

    assert [(group.at, group.size) for group in line.take(4)] == [(1.0, 3), (2.0, 1)]
    assert line.size == 4


# ---- Writing down ----------------------------------------------------------------------------------------------------


def test_a_table_has_a_row_for_each_and_reads_in_thousands() -> None:
    lines = markdown.table(("what", "changes/s"), [["one", 1234], ["other", 5]]).splitlines()

    assert lines == ["| what | changes/s |", "| --- | ---: |", "| one | 1,234 |", "| other | 5 |"]


def test_every_row_of_the_table_says_what_is_to_be_reached_and_whether_it_is() -> None:
    written = targets.written(RESULTS).splitlines()

    assert "| notifications a second | 4,000 | 6,000 | 14,000 | no |" in written
    assert "| of the undurable batch script's notifications a second, same run | 0.5 | 0.42 | 1 | yes |" in written
    assert "| CSV of 200,000 rows into PostgreSQL | not measured | 40 s |  |  |" in written
    assert len(written) == 4 + len(targets.TARGETS)


def test_the_figures_say_how_many_times_better_the_fleet_is_and_who_was_wrong() -> None:
    line = "| a Celery task and a request for each, 2 processes | 400 | 500 | 250 | 7 | 10.0 |"

    assert line in tables.written(RESULTS)


def test_cpu_is_told_for_each_notification() -> None:
    found = spent.microseconds(RUN)

    assert (found["postgres"], found["workers pool"], found["workers reader"]) == (100, 150, 0)


def test_the_figures_say_how_busy_the_machine_was_with_others() -> None:
    assert spent.busy_with_others(RUN) == "20%"


def test_rooms_are_listed_by_what_they_take() -> None:
    written = spent.rooms(RESULTS)

    assert written.index("| store | 0 | 100 | 100 |") < written.index("| tasks | 50 | 1 | 51 |")


def test_what_was_not_measured_is_left_out() -> None:
    written = tables.written({"machine": RESULTS["machine"], "latency": LATENCY})

    assert "### Latency" in written
    assert "### End to end" not in written
    assert "### On paper" not in written


def test_games_say_how_late_or_how_far_behind() -> None:
    found = games.run(RESULTS, 0.001, 0.05, seconds=3.0)
    written = games.written({"games": {**found, "at": "some day"}})

    assert " left |" in written
    assert " s |" in written


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
    drawn = ET.fromstring(chart.drawn({"safety": RESULTS["safety"]}))
    widths = [float(bar.get("width", 0)) for bar in drawn.iter(f"{SVG}rect")]

    assert len(widths) == 2
    assert widths[1] / widths[0] == pytest.approx(1.25, rel=0.05)


def test_the_chart_reads_on_dark_too() -> None:
    assert "prefers-color-scheme: dark" in chart.drawn(RESULTS)


def test_the_document_shows_the_results_that_are_kept() -> None:
    results = json.loads(report.RESULTS.read_text())
    document = report.DOCUMENT.read_text()

    assert report.spliced(document, tables.written(results)) == document
    assert report.CHART.read_text() == chart.drawn(results)


def test_the_document_names_every_benchmark() -> None:
    document = report.DOCUMENT.read_text()

    assert [name for name in PARTS if f"`{name}`" not in document] == []
