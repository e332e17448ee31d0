"""docs/features.md: no feature is listed there without a test that shows it.

Most rows are shown by cases of the wire tests (tests/wire), which name them, the others by the tests below. So
whoever adds a row adds a case with it, or its test here; whoever rewords one, rewords it there too.
"""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from tests.wire import CASES

ROOT = Path(__file__).parents[2]
DOC = ROOT / "docs" / "features.md"
_SPEC = "Customer.io's own destination, Segment-style sources, MetaRouter"

# A row, as "Heading: feature", and a test that shows it: file, two colons, name.
ELSEWHERE = {
    "Hull: all users once more": "tests/integration/test_resync.py::test_whoever_was_lost_in_customerio_is_there_again",
    "Hull: the settings themselves": "tests/acceptance/test_import_hull.py::test_what_is_imported_passes_the_check",
    f"{_SPEC}: a webhook with a signature": "tests/integration/test_web_segment.py::test_a_signed_body_is_taken_in",
    f"{_SPEC}: in-app content events, and metrics of deliveries": "tests/integration/test_in_app.py::"
    "test_a_metric_of_a_delivery_is_reported",
    f"{_SPEC}: rate limits": "tests/integration/test_delivery.py::test_requests_keep_the_connections_pace",
    "Hightouch: a warehouse as a source: people, events or objects, on a schedule, by difference": "tests/integration/"
    "test_sources.py::test_what_changed_is_taken_in_and_nothing_else",
    "Hightouch: a query that breaks removes nobody": "tests/integration/test_sources.py::"
    "test_a_broken_query_is_told_and_the_other_sources_go_on",
    # Cases show both of these in part: the segment that is there, and what is told again.
    "Hightouch: a segment mirrored into a manual segment, new or existing": "tests/integration/"
    "test_manual_segments.py::test_a_segment_is_mirrored_into_a_manual_segment_made_by_its_name",
    "Beyond them: whoever unsubscribed in Customer.io is not subscribed again by a resend": "tests/integration/"
    "test_preferences.py::test_whoever_unsubscribed_in_customerio_stays_so",
    "Hightouch: live debugger": "tests/acceptance/test_jobs_and_calls.py::test_calls_are_listed_and_shown",
    "Beyond them: what Customer.io holds is compared with what it should": "tests/integration/test_audit.py::"
    "test_an_audit_finds_exactly_what_was_changed_behind_our_back",
    "Beyond them: held deletions let go or dropped at a page, some or all, by two people where that is set": "tests/"
    "integration/console/test_held.py::test_two_people_are_needed_who_are_not_the_same",
    "Beyond them: many problems replayed or discarded by a job: counted first, at a pace, paused, cancelled": "tests/"
    "integration/test_problem_job.py::test_whoever_takes_it_over_after_a_kill_goes_on_behind_what_is_gone",
    "Beyond them: alerts, their rules, channels and what was told at a page; taken on and tried there": "tests/"
    "integration/console/test_alerts.py::test_an_alert_is_taken_on_once_and_the_page_says_by_whom",
    "Beyond them: problems by their cause, with what to do, replayed or discarded at a page": "tests/integration/"
    "console/test_problems.py::test_problems_of_one_cause_are_one_line_with_what_to_do",
    "Beyond them: an upstream segment emptied by mistake empties nothing": "tests/integration/test_guard.py::"
    "test_too_many_at_once_are_all_held_and_are_one_problem",
    "Beyond them: what would be sent, and why each attribute, event and operation is or is not": "tests/acceptance/"
    "test_plan.py::test_it_explains_in_words_why_each_thing_is_sent_or_not",
    "Lytics: import of webhook events: activity as user fields, by a default mapping": "tests/unit/activity/"
    "test_fields.py::test_each_row_of_the_table_is_filled",
    "Lytics: import jobs: started, labelled, described, paused, ended, listed, in both directions": "tests/integration/"
    "test_imports.py::test_what_comes_while_an_import_is_paused_is_folded_when_it_goes_on",
    "Beyond them: one holder for each identifier, merges on a change": "tests/integration/test_delivery.py::"
    "test_a_changed_identifier_merges_the_old_profile_into_the_new",
    "Beyond them: two syncs into one workspace share its people, and neither takes away what the other sends": "tests/"
    "integration/test_two_syncs.py::test_who_leaves_one_sync_stays_with_what_the_other_sends",
    "Beyond them: what Customer.io reports goes on to others, signed and in order, and never back to it": "tests/"
    "integration/test_out.py::test_what_came_from_customerio_is_never_sent_back_to_it",
    "Beyond them: whoever unsubscribed, bounced or is suppressed there is sent no events, or is not created again": ""
    "tests/integration/test_feedback.py::test_who_unsubscribed_is_sent_no_events_until_they_resubscribe",
    "Beyond them: what Customer.io answered with 200 and dropped later is a problem of the person": "tests/integration/"
    "test_late_failures.py::test_what_customerio_drops_later_is_a_problem_with_its_own_reason",
    "Beyond them: a web page says in a sentence whether everything is right, what is open, and how each sync fares": ""
    "tests/integration/console/test_home.py::test_a_line_says_of_a_sync_who_is_there_and_until_when_it_is_in_step",
    "Beyond them: a funnel of every message, whose steps add up, down to samples and their people": (
        "tests/integration/test_funnel.py::test_the_steps_add_up_to_what_was_received"
    ),
    "Beyond them: who entered, changed and left by the hour: wanted, confirmed, refused, and how long it took": "tests/"
    "integration/console/test_sync.py::test_it_says_who_was_wanted_confirmed_and_refused",
    "Beyond them: the settings in effect, each with where it came from, without a secret": "tests/integration/console/"
    "test_settings.py::test_each_key_says_where_it_came_from",
    "Beyond them: metrics of the whole fleet for Prometheus, with alert rules and a dashboard": "tests/integration/"
    "test_metrics.py::test_it_tells_what_any_process_of_the_fleet_has_counted",
    "Beyond them: one trace from upstream's message to the request that Customer.io confirmed, by OpenTelemetry": ""
    "tests/integration/test_traces.py::"
    "test_one_trace_leads_from_a_request_of_upstreams_to_the_request_that_customerio_confirmed",
    "Beyond them: each request at a page: live, filtered, item by item with whose it is, copied as curl": "tests/"
    "integration/console/test_calls.py::test_one_request_says_which_items_were_refused_and_whose_they_are",
    "Beyond them: what pasted settings would create, update, clear and delete before they are deployed, and what a "
    "pasted message would send": "tests/integration/console/test_try_it.py::"
    "test_pasted_settings_show_who_would_be_deleted",
    "Beyond them: one person in the browser: why they are or are not there first, then sent again, suppressed or "
    "forgotten": "tests/integration/console/test_people.py::test_the_first_words_say_why_somebody_is_not_there",
    "Beyond them: agents ask how things stand, why somebody is or is not there, and what a message would send": "tests/"
    "integration/test_mcp.py::test_an_agent_learns_how_things_stand_and_what_a_message_would_send",
    "Beyond them: signing in to the console by password, OpenID Connect or a proxy, with roles": "tests/integration/"
    "console/test_oidc.py::test_whom_the_provider_proves_is_let_in_with_the_role_of_their_groups",
    "Beyond them: all that is known of one person: what upstream said, what should be, is confirmed and is held, and "
    "why": "tests/integration/test_show.py::test_all_that_is_known_of_a_person_stands_together",
    "Beyond them: who entered before when is in Customer.io, beside what was promised of it": "tests/integration/"
    "test_freshness.py::test_each_segment_is_as_fresh_as_who_entered_it",
    "Beyond them: what happened to a person, and each call about them with its answer": "tests/integration/"
    "test_history.py::test_what_was_said_decided_sent_and_answered_is_a_timeline",
    "Beyond them: each confirmed change, who is held now and what ran, as Parquet files or a table of one's own "
    "warehouse": "tests/integration/test_export.py::test_a_table_of_the_customers_own_has_each_change_once",
    "Beyond them: who did what by hand": "tests/integration/"
    "test_operator_log.py::test_who_did_what_and_what_came_of_it_is_noted",
    "Beyond them: what needs somebody is told in time, once: Slack, PagerDuty, e-mail, a signed webhook": "tests/"
    "integration/test_alerts.py::test_what_begins_and_what_is_over_is_told_once_and_nothing_in_between",
    "Beyond them: one sentence says how things stand, and a dead fleet is told": "tests/integration/test_status.py::"
    "test_a_dead_fleet_with_a_full_queue_says_so",
    "Beyond them: privacy requests": "tests/integration/test_forget.py::"
    "test_nothing_is_left_of_a_user_and_everything_of_the_others",
}


def rows() -> list[str]:
    """Every row of the tables, as "Heading: feature"."""
    found, heading = [], ""
    for line in DOC.read_text("utf-8").splitlines():
        if line.startswith("## "):
            heading = line.removeprefix("## ").strip()
        elif (row := re.match(r"\| (?!feature \||---)(.+?) \|", line)) is not None:
            found.append(f"{heading}: {row[1]}")
    return found


def shown_by_cases() -> set[str]:
    return {row for case in CASES for row in case.rows}


@cache
def functions_of(file: str) -> set[str]:
    tree = ast.parse((ROOT / file).read_text("utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def test_there_are_rows_and_each_stands_there_once() -> None:
    assert len(rows()) > 30
    assert len(set(rows())) == len(rows())


def test_each_feature_has_a_test() -> None:
    without = [row for row in rows() if row not in shown_by_cases() and row not in ELSEWHERE]

    assert without == [], "add a case to tests/wire that names the row, or its test to ELSEWHERE"


def test_each_row_that_is_said_to_have_a_test_stands_there() -> None:
    astray = sorted((shown_by_cases() | ELSEWHERE.keys()) - {*rows()})

    assert astray == [], "no row of docs/features.md is called so"


@pytest.mark.parametrize("test", ELSEWHERE.values())
def test_each_test_that_is_named_exists(test: str) -> None:
    file, _, name = test.partition("::")

    assert name.startswith("test_")
    assert name in functions_of(file)


def test_cases_have_names_of_their_own() -> None:
    names = [case.name for case in CASES]

    assert sorted(set(names)) == sorted(names)
