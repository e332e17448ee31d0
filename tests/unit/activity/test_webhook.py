"""Reporting webhooks of every shape, type and metric become activities; what cannot, says why."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector import formats
from connector.activity import webhook
from connector.activity.webhook import METRICS, PREFERENCES_CHANGED, Activity, ReportedPerson, Unusable, parse

ADA = {"id": "user-1", "email": "Ada@Example.com", "cio_id": "a1b2c3"}
WHO = ReportedPerson("user-1", "ada@example.com", "a1b2c3")
AT = 1_700_000_000
SOURCES: dict[str, dict[str, Any]] = {
    "campaign": {
        "campaign_id": 7,
        "action_id": 9,
        "journey_id": "01HJ",
        "parent_action_id": 3,
        "trigger_event_id": "01HE",
    },
    "broadcast": {"broadcast_id": 4, "trigger_id": 5, "action_id": 6, "journey_id": "01HJ", "parent_action_id": 2},
    "newsletter": {"newsletter_id": 11, "content_id": 12},
    "transactional": {"transactional_message_id": 13},
}


def reported(object_type: str = "email", metric: str = "opened", **data: Any) -> dict[str, Any]:
    """A webhook of the current shape."""
    who = {"customer_id": "user-1", "identifiers": ADA, "delivery_id": "RPILAgUBcRhIBqSfeiIwdIYJKxTY"}
    return {
        "event_id": "01E4C4CT6YDC7Y5M7FE1GWWPQJ",
        "object_type": object_type,
        "metric": metric,
        "timestamp": AT,
        "data": {**who, **data},
    }


def of(body: object) -> Activity:
    found = parse(body)
    assert isinstance(found, Activity), found
    return found


# What the documents say of each metric beside who and which delivery.
BY_METRIC: dict[str, dict[str, Any]] = {
    "clicked": {"href": "https://www.example.com/a?b=1", "link_id": 1},
    "attempted": {"failure_message": "try again later"},
    "bounced": {"failure_message": "no such address"},
    "dropped": {"failure_message": "suppressed"},
    "failed": {"failure_message": "a template is broken"},
    "undeliverable": {"failure_message": "no address"},
    "sent": {"content": "<p>Hello</p>", "headers": {"X-A": "1"}},
    "opened": {"proxied": False, "prefetched": False, "synthetic": True},
    "replied": {"inbound_event_id": "01IN", "to": "+15550100", "recipient": "+15550101"},
    PREFERENCES_CHANGED: {"content": '{"subscription_preferences":{"topics":{"topic_1":false}}}'},
}


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize(
    ("object_type", "metric"), [(kind, each) for kind, metrics in METRICS.items() for each in sorted(metrics)]
)
def test_every_metric_of_every_type_is_read(object_type: str, metric: str, source: str) -> None:
    more = SOURCES[source] | BY_METRIC.get(metric, {})
    found = of(reported(object_type, metric, **more))

    assert (found.event, found.timestamp, found.person) == (f"{object_type}_{metric}", AT, WHO)
    assert found.event_id == "01E4C4CT6YDC7Y5M7FE1GWWPQJ"
    assert {name: found.data[name] for name in more} == more


def test_all_that_is_documented_is_in_the_table() -> None:
    assert {kind: len(metrics) for kind, metrics in METRICS.items()} == {
        "customer": 3,
        "email": 15,
        "push": 11,
        "sms": 10,
        "whatsapp": 12,
        "in_app": 8,
        "slack": 7,
        "webhook": 7,
    }


def test_a_push_keeps_its_devices_with_their_failures() -> None:
    devices = [{"device_id": "d1", "device_platform": "ios", "failure_message": "gone"}]
    assert of(reported("push", "bounced", recipients=devices)).data["recipients"] == devices


def test_a_click_in_the_application_keeps_its_response() -> None:
    assert of(reported("in_app", "clicked", tracked_response="Yes")).data["tracked_response"] == "Yes"


# ---- Both spellings --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "metric", [PREFERENCES_CHANGED, "customer_subscription_preferences_changed", "subscription_preferences_changed"]
)
@pytest.mark.parametrize("key", ["object_type", "object_type_type"])
def test_changed_preferences_are_known_in_all_spellings(key: str, metric: str) -> None:
    body = reported("customer", metric, email_address="ada@example.com")
    body[key] = body.pop("object_type")
    assert of(body).event == "customer_cio_subscription_preferences_changed"


@pytest.mark.parametrize(
    ("given", "read"), [("in-app", "in_app"), ("In_App", "in_app"), ("whatasapp", "whatsapp"), ("Email ", "email")]
)
def test_a_type_is_known_in_other_spellings(given: str, read: str) -> None:
    assert of(reported(given)).object_type == read


def test_a_type_that_stands_beside_an_empty_one_is_read() -> None:
    assert of({**reported("customer", "subscribed"), "object_type": None, "object_type_type": "customer"}).event == (
        "customer_subscribed"
    )


def test_what_is_not_documented_is_read_too() -> None:
    assert of(reported("carrier_pigeon", "arrived")).event == "carrier_pigeon_arrived"


OLD = {
    "event_id": "01E4C4CT6YDC7Y5M7FE1GWWPQJ",
    "timestamp": AT,
    "data": {
        "campaign_id": "7",
        "campaign_name": "Onboarding",
        "customer_id": "user-1",
        "email_address": "Ada <Ada@example.com>",
        "email_id": "RPILAgUBcRhIBqSfeiIwdIYJKxTY",
        "message_id": "9",
        "message_name": "Welcome",
        "subject": "Hello",
        "template_id": "12",
        "variables": {"customer": {"id": "user-1"}},
    },
}


@pytest.mark.parametrize(
    ("event_type", "object_type", "metric"),
    [
        ("email_delivered", "email", "delivered"),
        ("in_app_opened", "in_app", "opened"),
        ("customer_unsubscribed", "customer", "unsubscribed"),
        ("customer_subscription_preferences_changed", "customer", PREFERENCES_CHANGED),
        ("email_deferred", "email", "deferred"),
        ("pigeon_flew_away", "pigeon", "flew_away"),
    ],
)
def test_the_shape_from_before_2020_is_read(event_type: str, object_type: str, metric: str) -> None:
    found = of({**OLD, "event_type": event_type})
    assert (found.object_type, found.metric) == (object_type, metric)
    assert (found.person, found.address) == (ReportedPerson("user-1"), "ada@example.com")
    assert found.data["campaign_name"] == "Onboarding"


# ---- Who -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "person", "address"),
    [
        ({"identifiers": ADA}, WHO, "ada@example.com"),
        ({"identifiers": {"id": "user-1"}, "recipient": "b@example.com"}, ReportedPerson("user-1"), "b@example.com"),
        ({"customer_id": "user-1", "identifiers": None}, ReportedPerson("user-1"), ""),
        ({"customer_id": 42}, ReportedPerson("42"), ""),
        ({"customer_id": "", "identifiers": {"id": None, "cio_id": "a1"}}, ReportedPerson(cio_id="a1"), ""),
        (
            {"customer_id": "", "recipient": "Ada <ada@example.com>"},
            ReportedPerson(email="ada@example.com"),
            "ada@example.com",
        ),
        (
            {"recipient": '"Lovelace, Ada" <ADA@example.com>'},
            ReportedPerson(email="ada@example.com"),
            "ada@example.com",
        ),
        *(
            ({"recipient": given}, ReportedPerson(email=address), address)
            for given, address in (
                ("ada@example.com by Shop <bob@example.com>", "bob@example.com"),
                ('"bob <x>" <ada@example.com>', "ada@example.com"),
                ("Ada O'Neil <O'Neil@example.com>", "o'neil@example.com"),
                ("o'neil@example.com", "o'neil@example.com"),
                ("'ada@example.com'", "ada@example.com"),
                ("Ada < ada@example.com >", "ada@example.com"),
                ("ada@example.com <>", "ada@example.com"),
            )
        ),
        ({"customer_id": "user-1", "recipient": "+15550100"}, ReportedPerson("user-1"), ""),
        ({"customer_id": "user-1", "recipient": ["x"], "identifiers": []}, ReportedPerson("user-1"), ""),
        ({"email_address": "ada@example.com"}, ReportedPerson(email="ada@example.com"), "ada@example.com"),
    ],
)
def test_who_it_is_about(data: dict[str, Any], person: ReportedPerson, address: str) -> None:
    body = reported()
    found = of({**body, "data": data})
    assert (found.person, found.address) == (person, address)


# ---- By machines -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("metric", "flags", "by_machine"),
    [
        ("opened", {"proxied": True}, True),
        ("opened", {"prefetched": True}, True),
        ("clicked", {"machine": True}, True),
        ("opened", {"synthetic": True}, False),
        ("opened", {"proxied": "true"}, False),
        ("opened", {}, False),
        ("sent", {"machine": True}, False),
    ],
)
def test_opens_and_clicks_by_machines_are_told_apart(metric: str, flags: dict[str, Any], by_machine: bool) -> None:
    assert of(reported("email", metric, **flags)).by_machine is by_machine


# ---- What is of no use -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ([reported()], "is an object"),
        ("text", "is an object"),
        (None, "is an object"),
        ({**reported(), "data": None}, "no `data`"),
        ({**reported(), "data": [1]}, "no `data`"),
        ({**reported(), "metric": None}, "neither"),
        ({**reported(), "object_type": 7}, "neither"),
        ({**reported(), "metric": "with space"}, "neither"),
        ({**reported(), "event_type": ""}, "neither"),
        ({**reported(), "timestamp": None}, "no `timestamp`"),
        ({**reported(), "timestamp": True}, "no `timestamp`"),
        ({**reported(), "timestamp": -1}, "no `timestamp`"),
        ({**reported(), "timestamp": AT + 2000}, "to come"),
        ({**reported(), "data": {}}, "names nobody"),
        ({**reported(), "data": {"identifiers": {"id": "", "email": "nobody"}, "customer_id": True}}, "names nobody"),
        ({**reported(), "data": {"customer_id": "nul\0"}}, "names nobody"),
    ],
)
def test_what_is_of_no_use_says_why(body: object, reason: str) -> None:
    found = parse(body, AT + 1000)
    assert isinstance(found, Unusable)
    assert reason in found.reason


@pytest.mark.parametrize("timestamp", [AT, str(AT), AT + 0.5, AT * 1000])
def test_a_time_is_known_as_seconds_and_as_milliseconds(timestamp: Any) -> None:
    assert of({**reported(), "timestamp": timestamp}).timestamp == AT


def test_what_no_store_can_keep_is_left_out_and_said() -> None:
    found = of(reported(subject="nul\0", href="https://www.example.com/"))
    assert "subject" not in found.data
    assert found.data["href"] == "https://www.example.com/"
    assert found.left_out == ("`subject` has a NUL character, which a store cannot keep: it is left out",)


# ---- The id ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("id", [None, "", 7, "x" * 101, "nul\0"])
def test_a_webhook_without_an_id_is_known_by_what_it_says(id: Any) -> None:
    first, again = of({**reported(), "event_id": id}), of({**reported(), "event_id": id})
    other = of({**reported(), "event_id": id, "timestamp": AT + 1})
    assert first.event_id == again.event_id != other.event_id
    assert len(first.event_id) == 64


def test_what_is_kept_of_it_is_read_as_the_same() -> None:
    for body in (reported(), {**OLD, "event_type": "email_clicked"}, reported("customer", "unsubscribed")):
        found = of(body)
        assert of(json.loads(webhook.as_text(found))) == found


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
KEYS = ["event_id", "object_type", "metric", "timestamp", "data", "event_type", "object_type_type"]
DATA = ["customer_id", "identifiers", "recipient", "email_address", "content", "machine"]


@given(
    st.dictionaries(st.sampled_from(KEYS), JSON).flatmap(
        lambda body: st.dictionaries(st.sampled_from(DATA), JSON).map(lambda data: {**reported(), **body, "data": data})
    )
)
def test_no_body_brings_a_traceback_and_what_is_kept_can_be_read(body: dict[str, Any]) -> None:
    found = parse(body)
    if isinstance(found, Activity):
        again = parse(formats.decode(webhook.as_text(found)))
        assert isinstance(again, Activity)
        assert (again.event_id, again.event, again.person) == (found.event_id, found.event, found.person)
