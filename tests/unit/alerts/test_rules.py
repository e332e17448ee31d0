"""Which alerts are open, by the facts: pure."""

from typing import Any

import pytest

from connector.alerts.facts import AlertFacts, ConnectionFacts, Hourly, SourceFacts, TargetFacts, WebhookFacts
from connector.alerts.freshness import Promise
from connector.alerts.rules import findings
from connector.model.alert import ALERT_KINDS as KINDS
from connector.settings.alerts import AlertsSettings

NOW = 1_790_812_800.0
DAY = 86_400.0


def promise(behind: float, within: float = 0.0, segment: str = "") -> Promise:
    return Promise("main", segment, "production", within, NOW - behind, NOW)


def failing(seconds: float, **given: Any) -> ConnectionFacts:
    return ConnectionFacts("production", "Customer.io answered 503", NOW - seconds, paused=True, **given)


def keys(settings: AlertsSettings | None = None, **facts: Any) -> list[str]:
    return [each.key for each in findings(AlertFacts(NOW, **facts), settings or AlertsSettings())]


EACH: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "fleet gone": ({"gone": {"worker": NOW - 60}}, {}, "No worker lives (last seen at 23:59:00 UTC)"),
    "connection paused": (
        {"connections": [failing(400)]},
        {},
        "production is paused: Customer.io takes nothing for 7 min: Customer.io answered 503. Nothing is lost",
    ),
    "credentials refused": (
        {"connections": [failing(10, for_human=True)]},
        {},
        "Customer.io refuses the credentials of production: Customer.io answered 503 at 23:59:50 UTC. Nothing is lost",
    ),
    "queue held": (
        {"queues_held": {"segment-changes": "the disk is full"}},
        {},
        "Nothing can be taken in from segment-changes, nothing is lost: the disk is full",
    ),
    "deletions held": (
        {"held": {"main": 1200, "other": 0}},
        {},
        "The guard holds 1,200 deletions of main: `connector approve main` lets them go",
    ),
    "freshness broken": (
        {"promises": [promise(120, 60, "Paying")]},
        {},
        "main: everybody who entered or left Paying before 23:58:00 UTC is in Customer.io; promised within 1 min: "
        "broken",
    ),
    "backlog": ({"promises": [promise(1000)]}, {}, "The oldest change of main waits for 17 min"),
    "out failing": (
        {"out": [TargetFacts("hull", NOW - 3700, "it answers 503"), TargetFacts("new", NOW - 60, "it answers 503")]},
        {},
        "Nothing goes on to hull since 22:58:20 UTC: it answers 503",
    ),
    "out refused": (
        {"out_refused": {"hull": 2}},
        {},
        "hull has refused 2 messages, which were put aside: `connector problems` has them",
    ),
    "export failing": (
        {"exports": [TargetFacts("log", NOW - 3700, "no room"), TargetFacts("new", NOW - 60, "no room")]},
        {},
        "The export log fails since 22:58:20 UTC: no room",
    ),
    "problems": (
        {"problems": {"main": 101, "other": 100}},
        {},
        "101 problems of main came within an hour: `connector problems --group` has their causes",
    ),
    "nothing from upstream": (
        {"heard_at": NOW - 3700},
        {"nothing_from_upstream_seconds": 3600.0},
        "Upstream says nothing since 22:58:20 UTC",
    ),
    "segment off its mean": (
        {"segments": [Hourly("main: Paying", 40, 100.0), Hourly("main: Trial", 90, 100.0)]},
        {"segment_off_mean": 0.5},
        "main: Paying has 40 people, 100 in the mean of the week",
    ),
    "count off its mean": (
        {"counts": [Hourly("main", 301, 100.0), Hourly("small", 0, 3.0)]},
        {"count_off_mean": 2.0},
        "main had 301 changes in the last hour, 100 in the mean of that hour",
    ),
    "source late": (
        {"sources": [SourceFacts("customers", NOW - 3700), SourceFacts("orders", NOW - 3700, running=True)]},
        {},
        "The source customers is due since 22:58:20 UTC",
    ),
    "drift found": (
        {"drift": {"main": 3, "other": 0}},
        {},
        "The last audit of main found 3 people who are not as delivered, and did not repair them",
    ),
    "webhooks badly signed": (
        {"unsigned": {"production": "webhooks are refused"}},
        {},
        "production: webhooks are refused",
    ),
    "webhooks silent": (
        {"webhooks": [WebhookFacts("production", NOW - 3700), WebhookFacts("never")]},
        {"webhooks_silent_seconds": 3600.0},
        "Customer.io reports nothing of production since 22:58:20 UTC",
    ),
    "queue unread": (
        {"queues_unread": ["of-old"]},
        {},
        "Messages wait in of-old, which the settings name no more: name it in [intake] former_queues",
    ),
    "dead letters": ({"dead_letters": 3}, {}, "3 dead letters: `connector dead-letters` shows them"),
}


def test_each_kind_has_an_example() -> None:
    assert set(EACH) == set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_what_needs_somebody_is_found_and_said_in_a_sentence(kind: str) -> None:
    facts, settings, sentence = EACH[kind]
    (found,) = findings(AlertFacts(NOW, **facts), AlertsSettings(**settings))
    assert (found.kind, found.sentence) == (kind, sentence)


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_that_is_off_is_not_told_of(kind: str) -> None:
    facts, settings, _ = EACH[kind]
    assert keys(AlertsSettings(**settings, off=(kind,)), **facts) == []


def test_where_all_is_well_nothing_is_found() -> None:
    well = {"promises": [promise(0, 60)], "connections": [ConnectionFacts("production")], "problems": {"main": 5}}
    assert keys(**well, heard_at=NOW - DAY, counts=[Hourly("main", 0, 1000.0)]) == []


def test_a_short_failure_is_none() -> None:
    assert keys(connections=[failing(30)], promises=[promise(30, 60)]) == []


def test_what_follows_from_a_paused_connection_is_no_alert_of_its_own() -> None:
    late = [promise(4000, 60), promise(4000, 60, "Paying")]
    assert keys(connections=[failing(4000)], promises=late) == ["connection paused: production"]


def test_a_promise_that_an_outage_breaks_is_told_as_the_outage() -> None:
    assert keys(connections=[failing(70)], promises=[promise(70, 60)]) == ["connection paused: production"]


def test_an_outage_that_was_told_of_stays_one_until_it_is_over() -> None:
    told = frozenset({"connection paused: production"})
    assert keys(connections=[failing(70)], promises=[promise(70, 60)], open=told) == ["connection paused: production"]


def test_after_an_outage_there_is_as_long_as_was_promised_to_make_up_for_it() -> None:
    late = {"promises": [promise(DAY, 60)]}
    assert keys(**late, open=frozenset({"connection paused: production"})) == []
    assert keys(**late, recovered={"connection paused: production": NOW - 30}) == []
    assert keys(**late, recovered={"connection paused: production": NOW - 90}) == ["freshness broken: main"]


def test_a_dead_fleet_is_one_alert_for_each_role() -> None:
    late = {"promises": [promise(4000, 60)], "gone": {"worker": NOW - 4000, "beat": None}}
    assert keys(**late) == ["fleet gone: worker", "fleet gone: beat"]


def test_another_connections_outage_excuses_nobody() -> None:
    other = ConnectionFacts("other", "down", NOW - 4000, paused=True)
    assert keys(connections=[other], promises=[promise(4000, 60)]) == [
        "connection paused: other", "freshness broken: main", "backlog: main",
    ]  # fmt: skip


def test_a_source_that_fails_for_long_is_late_though_it_is_tried_again_and_again() -> None:
    source = SourceFacts("customers", NOW + 60, failing_since=NOW - 7200, reason="no such table")
    (found,) = findings(AlertFacts(NOW, sources=[source]), AlertsSettings())
    assert found.sentence == "The source customers fails since 22:00:00 UTC: no such table"


def test_an_export_that_is_due_and_that_nobody_runs_is_told_after_the_same_time_as_one_that_fails() -> None:
    (found,) = findings(AlertFacts(NOW, exports_due={"log": NOW - 3700, "new": NOW - 3500}), AlertsSettings())
    assert (found.key, found.sentence) == (
        "export failing: log", "The export log is due since 22:58:20 UTC, and nobody runs it",
    )  # fmt: skip
    assert keys(AlertsSettings(target_failing_seconds=0.0), exports_due={"log": NOW - DAY}) == []


def test_that_nobody_runs_an_export_is_told_as_the_fleet_that_is_gone_and_later_counts_from_its_end() -> None:
    due = {"exports_due": {"log": NOW - DAY}}
    assert keys(**due, gone={"beat": NOW - DAY}) == ["fleet gone: beat"]
    assert keys(**due, gone={"web": NOW - DAY}) == ["fleet gone: web", "export failing: log"]
    assert keys(**due, open=frozenset({"fleet gone: worker"})) == []
    assert keys(**due, recovered={"fleet gone: worker": NOW - 3500}) == []
    assert keys(**due, recovered={"fleet gone: worker": NOW - 3700}) == ["export failing: log"]
