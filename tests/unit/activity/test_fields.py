"""Every row of Lytics' table of profile fields, what each reads, and fields of one's own."""

from typing import Any

import pytest

from connector.activity import fields, profile_state
from connector.activity.webhook import Activity, parse
from connector.settings.profiles import ProfilesSettings

AT = 1_700_000_000  # 22:13:20 UTC


def activity(object_type: str, metric: str, at: int = AT, id: str = "e1", **data: Any) -> Activity:
    who = {"customer_id": "user-1", "identifiers": {"id": "user-1", "email": "Ada@example.com"}}
    kind = {"event_id": id, "object_type": object_type, "metric": metric, "timestamp": at}
    found = parse({**kind, "data": {**who, **data}})
    assert isinstance(found, Activity)
    return found


def profile(*activities: Activity, **settings: Any) -> dict[str, Any]:
    chosen = fields.of(ProfilesSettings.model_validate(settings))
    state: profile_state.ProfileState = {}
    for each in activities:
        state = profile_state.combine(state, profile_state.state_of(each, chosen))
    return profile_state.shown(state, chosen)


EVERYBODY = {"cio_customer_id": "user-1", "email": "ada@example.com"}


# The table: the field, its type, the activity that fills it, what it then is.
TABLE: list[tuple[str, str, Activity, Any]] = [
    ("cio_customer_id", "text", activity("customer", "subscribed"), "user-1"),
    ("email", "text", activity("customer", "subscribed"), "ada@example.com"),
    ("cio_email_last_bounced_ts", "date", activity("email", "bounced"), AT),
    ("cio_email_last_clicked_ts", "date", activity("email", "clicked"), AT),
    ("cio_email_last_open_ts", "date", activity("email", "opened"), AT),
    ("cio_email_last_send_ts", "date", activity("email", "sent"), AT),
    ("cio_inapp_last_bounced_ts", "date", activity("in-app", "bounced"), AT),
    ("cio_inapp_last_clicked_ts", "date", activity("in_app", "clicked"), AT),
    ("cio_inapp_last_open_ts", "date", activity("in_app", "opened"), AT),
    ("cio_inapp_last_send_ts", "date", activity("in_app", "sent"), AT),
    ("cio_push_last_bounced_ts", "date", activity("push", "bounced"), AT),
    ("cio_push_last_clicked_ts", "date", activity("push", "clicked"), AT),
    ("cio_push_last_open_ts", "date", activity("push", "opened"), AT),
    ("cio_push_last_send_ts", "date", activity("push", "sent"), AT),
    ("cio_slack_last_bounced_ts", "date", activity("slack", "failed"), AT),
    ("cio_slack_last_clicked_ts", "date", activity("slack", "clicked"), AT),
    ("cio_slack_last_send_ts", "date", activity("slack", "sent"), AT),
    ("cio_sms_last_bounced_ts", "date", activity("sms", "bounced"), AT),
    ("cio_sms_last_clicked_ts", "date", activity("sms", "clicked"), AT),
    ("cio_sms_last_send_ts", "date", activity("sms", "sent"), AT),
    ("last_active_ts", "date", activity("whatsapp", "opened"), AT),
    ("cio_campaign_ids", "list", activity("email", "sent", campaign_id=7), ["7"]),
    ("cio_campaign_names", "list", activity("email", "sent", campaign_name="Onboarding"), ["Onboarding"]),
    ("cio_journey_ids", "list", activity("email", "sent", journey_id="01HJ"), ["01HJ"]),
    ("cio_channels", "list", activity("email", "sent"), ["email"]),
    ("cio_subjects", "list", activity("email", "sent", subject="Hello"), ["Hello"]),
    ("cio_events", "counts", activity("email", "sent"), {"email_sent": 1}),
    (
        "hashedurls",
        "counts",
        activity("email", "clicked", href="https://www.example.com/a?b=1"),
        {"2680d284a82a0108": 1},
    ),
    ("cio_email_hourlyopens", "counts", activity("email", "opened"), {"22": 1}),
]


@pytest.mark.parametrize(
    ("aggregate", "type"), [("latest", "date"), ("max", "date"), ("count", "number"), ("set", "list")]
)
def test_what_is_counted_is_a_number_whatever_it_is_counted_of(aggregate: Any, type: str) -> None:
    assert fields.ProfileField("timestamp", "x", aggregate).type == type


@pytest.mark.parametrize(("target", "type", "activity", "value"), TABLE, ids=[row[0] for row in TABLE])
def test_each_row_of_the_table_is_filled(target: str, type: str, activity: Activity, value: Any) -> None:
    assert profile(activity)[target] == value
    assert {each.target: each.type for each in fields.USUAL}[target] == type


def test_the_table_is_whole() -> None:
    assert [each.target for each in fields.USUAL] == [row[0] for row in TABLE]


@pytest.mark.parametrize(("target", "type", "filling", "value"), TABLE, ids=[row[0] for row in TABLE])
def test_other_activities_do_not_fill_it(target: str, type: str, filling: Activity, value: Any) -> None:
    if type == "date":
        assert target not in profile(activity("webhook", "drafted"), activity("email", "converted"))


# ---- What many come to -----------------------------------------------------------------------------------------------


def test_the_last_time_counts_and_what_is_counted_adds_up() -> None:
    found = profile(
        activity("email", "opened", AT + 10, "e2", campaign_id=7, subject="Again"),
        activity("email", "opened", AT, "e1", campaign_id=9, subject="Hello"),
        activity("email", "clicked", AT + 7200, "e3", href="https://www.example.com/a/"),
        activity("email", "clicked", AT + 3600, "e4", href="http://WWW.example.com/a?utm=1#x"),
    )
    assert found == {
        **EVERYBODY,
        "cio_email_last_open_ts": AT + 10,
        "cio_email_last_clicked_ts": AT + 7200,
        "last_active_ts": AT + 7200,
        "cio_campaign_ids": ["7", "9"],
        "cio_channels": ["email"],
        "cio_subjects": ["Again", "Hello"],
        "cio_events": {"email_clicked": 2, "email_opened": 2},
        "hashedurls": {"2680d284a82a0108": 2},
        "cio_email_hourlyopens": {"22": 2},
    }


@pytest.mark.parametrize("href", ["", "?a=1", "http://[::1", 7, None, ["x"]])
def test_what_is_no_url_is_not_counted(href: Any) -> None:
    assert "hashedurls" not in profile(activity("email", "clicked", href=href))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ({"from": "timestamp", "to": "x", "metrics": ["opened"], "aggregate": "earliest"}, AT),
        ({"from": "timestamp", "to": "x", "metrics": ["opened"], "aggregate": "latest"}, AT + 5),
        ({"from": "subject", "to": "x", "aggregate": "latest"}, "last"),
        ({"from": "subject", "to": "x", "aggregate": "earliest"}, "first"),
        ({"from": "event", "to": "x", "object_types": ["email"], "aggregate": "count"}, 2),
        ({"from": "score", "to": "x", "aggregate": "max"}, 4.5),
        ({"from": "subject", "to": "x", "aggregate": "max"}, None),
        ({"from": "deep.in", "to": "x", "aggregate": "set"}, ["1", "true"]),
        ({"from": "deep", "to": "x", "aggregate": "set"}, None),
        ({"from": "nothing", "to": "x", "aggregate": "count"}, None),
        ({"from": "metric", "to": "x", "object_types": ["sms"], "aggregate": "set"}, None),
        ({"from": "score", "to": "cio_events", "aggregate": "latest"}, 2),
    ],
)
def test_a_field_of_ones_own(field: dict[str, Any], value: Any) -> None:
    found = profile(
        activity("email", "opened", AT + 5, "e2", subject="last", score=2, deep={"in": True}),
        activity("email", "opened", AT, "e1", subject="first", score=4.5, deep={"in": 1}),
        fields=[field],
    )
    assert found.get(field["to"]) == value


@pytest.mark.parametrize(
    ("given", "counts"),
    [
        (1_700_000_000, {"22": 1}),
        (1_700_000_000_000, {"22": 1}),
        ("2026-01-31T10:00:00Z", {"10": 1}),
        (10**18, None),
        (-1, None),
        ("soon", None),
        (True, None),
    ],
)
def test_the_hour_of_a_time_is_read_and_what_is_no_time_costs_its_own_field_alone(given: Any, counts: Any) -> None:
    field = {"from": "read_at", "to": "x", "aggregate": "count_by_key", "read_as": "hour_of_day"}
    found = profile(activity("email", "opened", AT, "e1", read_at=given), fields=[field])
    assert (found.get("x"), found["cio_events"]) == (counts, {"email_opened": 1})


@pytest.mark.parametrize(
    ("types", "metrics"),
    [(["in-app"], ["opened"]), (["In_App"], ["Opened"]), (["inapp", "email"], []), ([], ["opened "])],
)
def test_a_field_of_ones_own_may_spell_types_and_metrics_as_customerio_or_lytics_does(
    types: list[str], metrics: list[str]
) -> None:
    own = {"from": "timestamp", "to": "mine", "object_types": types, "metrics": metrics}
    assert profile(activity("in_app", "opened"), fields=[own])["mine"] == AT


def test_without_the_usual_fields_only_ones_own_are_kept() -> None:
    own = {"from": "event", "to": "events", "aggregate": "count"}
    assert profile(activity("email", "sent"), default_fields=False, fields=[own]) == {"events": 1}
