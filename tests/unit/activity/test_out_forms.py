"""What goes on, in the forms of Hull and of the Segment spec."""

from typing import Any

import pytest

from connector.activity import webhook
from connector.activity.out import forms
from connector.activity.profiles import ActivityProfile
from connector.activity.webhook import Activity
from connector.model import origin
from tests.webhooks import LATELY, reported


def activity(event: str = "email_opened", **data: Any) -> Activity:
    found = webhook.parse(reported(1, event, **data))
    assert isinstance(found, Activity)
    return found


@pytest.mark.parametrize(
    ("event", "name"),
    [
        ("email_opened", "Email Opened"),
        ("email_clicked", "Email Link Clicked"),
        ("email_spammed", "Email Marked as Spam"),
        ("email_unsubscribed", "Unsubscribed"),
        ("customer_unsubscribed", "Customer Unsubscribed"),
        ("in_app_opened", "In-App Opened"),
        ("sms_undeliverable", "SMS Undeliverable"),
        ("push_sent", "Push Sent"),
    ],
)
def test_events_have_the_names_that_hull_gave_them(event: str, name: str) -> None:
    assert forms.event_name(activity(event)) == name


def test_an_event_as_a_track_call_says_that_customerio_is_not_to_have_it() -> None:
    sent = forms.event("segment", "main", activity(identifiers={"id": "user-1", "email": "ada@example.com"}))
    assert (sent.id, sent.topic) == ("event-1", "main.email_opened")
    body = dict(sent.body)
    assert body.pop("timestamp").endswith(".000Z")
    assert body.pop("properties")[origin.NAME] == "customer.io/main"
    assert body == {
        "type": "track",
        "messageId": "event-1",
        "event": "Email Opened",
        "userId": "user-1",
        "context": {origin.NAME: "customer.io/main", "traits": {"email": "ada@example.com"}},
        "integrations": {"All": True, "Customer.io": False},
    }


def test_an_event_as_hull_has_it_has_hulls_names() -> None:
    body = forms.event("hull", "main", activity(subject="Hello", recipient="ada@example.com")).body
    assert body["user"] == {"external_id": "user-1"}
    assert {"email_subject", "email_id", "email_address", origin.NAME} <= body["properties"].keys()


@pytest.mark.parametrize(("form", "prefix"), [("segment", "customerio_"), ("hull", "customerio/")])
def test_a_profile_goes_on_as_traits_that_are_known_by_their_names(form: Any, prefix: str) -> None:
    profile = ActivityProfile(
        "main",
        "id:user-1",
        {"id": ["user-1"], "email": ["ada@example.com"]},
        {"last_active_ts": 7, "email": "x"},
        LATELY,
    )
    body = forms.profile(form, profile, "profile-1").body
    traits = body["traits"] if form == "segment" else body["attributes"]
    assert traits == {f"{prefix}last_active_ts": 7, **({"email": "ada@example.com"} if form == "segment" else {})}


@pytest.mark.parametrize("form", ["segment", "hull"])
def test_who_has_no_id_is_named_by_the_strongest_that_is_known(form: Any) -> None:
    sent = forms.event(form, "main", activity(user="", identifiers={"cio_id": "a1"}))
    named = sent.body if form == "segment" else sent.body["user"]
    assert named["anonymousId" if form == "segment" else "anonymous_id"] == "cio_id:a1"
