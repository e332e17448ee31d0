"""What a workspace's reporting webhook lacks, and the request that mends it."""

import json
from typing import Any

import pytest

from connector.customerio.reporting_webhooks import confirmed, listed, remedy
from connector.customerio.responses import Reply
from connector.errors import ConnectorError

PATH, URL = "/webhooks/customerio/main", "https://connector.example.com/webhooks/customerio/main"
EVENTS = {"email_opened", "customer_cio_subscription_preferences_changed"}
WHOLE: dict[str, Any] = {
    "id": 7,
    "name": "Ours",
    "endpoint": URL,
    "events": ["email_opened", "customer_subscription_preferences_changed", "sms_sent"],
    "disabled": False,
    "full_resolution": True,
    "with_content": True,
}


def test_a_webhook_that_reports_all_lacks_nothing() -> None:
    for url in ("", URL):
        assert remedy([{"endpoint": "https://x.example.com"}, WHOLE], PATH, url, EVENTS).lacks == ()


def test_another_installations_webhook_at_the_same_path_is_left_alone() -> None:
    theirs = {**WHOLE, "id": 3, "endpoint": f"https://staging.example.com{PATH}"}
    for endpoint in (URL, f"{URL}/"):
        found = remedy([theirs, {**WHOLE, "endpoint": endpoint, "disabled": True}], PATH, URL, EVENTS)
        assert (found.id, found.lacks) == (7, ("it is disabled",))


@pytest.mark.parametrize(
    ("changed", "url", "lack"),
    [
        ({"disabled": True}, "", "is disabled"),
        ({"full_resolution": False}, "", "only the first time"),
        ({"events": ["sms_sent", "email_opened"]}, "", "not report customer_subscription_preferences_changed"),
        ({"events": None}, "", "does not report"),
        ({"endpoint": f"https://old.example.com{PATH}/"}, URL, "another address"),
    ],
)
def test_what_it_lacks_is_mended_and_the_rest_stays(changed: dict[str, Any], url: str, lack: str) -> None:
    found = remedy([{**WHOLE, **changed}], PATH, url, EVENTS)
    [said] = found.lacks
    assert (lack in said, found.id) == (True, 7)
    body = json.loads(found.body)
    assert (body["disabled"], body["full_resolution"], body["with_content"]) == (False, True, True)
    assert {*body["events"]} >= {"email_opened", "customer_subscription_preferences_changed"}
    assert remedy([{**WHOLE, **body}], PATH, url, EVENTS).lacks == ()


def test_where_there_is_none_one_is_made() -> None:
    found = remedy([{**WHOLE, "endpoint": "https://other.example.com/webhooks/customerio/other"}], PATH, URL, EVENTS)
    body = json.loads(found.body)
    assert (found.id, body["endpoint"], body["with_content"]) == (None, URL, False)
    assert remedy([{**body, "id": 1}], PATH, URL, EVENTS).lacks == ()


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (Reply(401, b"{}"), "refuses app_api_key"),
        (Reply(200, b"<html>"), "did not list"),
        (Reply(200, b"[]"), "did not list"),
        (Reply(200, b'{"reporting_webhooks": 1}'), "did not list"),
        (Reply(0, fault="no answer from api.customer.io"), "no answer from"),
        (Reply(500), "status 500"),
    ],
)
def test_an_answer_that_lists_none_says_why(reply: Reply, said: str) -> None:
    with pytest.raises(ConnectorError, match=said):
        listed(reply, "main")


def test_what_is_not_confirmed_is_told() -> None:
    confirmed(Reply(200), "main")
    with pytest.raises(ConnectorError, match="did not change"):
        confirmed(Reply(422), "main")
