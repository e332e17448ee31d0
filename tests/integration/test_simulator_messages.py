"""What the simulator takes that the connector never sends, and the webhooks it sends on order."""

import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import httpx
import pytest

from connector.simulator import Options, running

KEYS = ("site-id", "api-key")
APP = {"authorization": "Bearer app-api-key"}
MESSAGE = {"transactional_message_id": 3, "to": "ada@example.com", "identifiers": {"id": "u1"}}


@pytest.fixture
def now() -> list[float]:
    return [1_790_000_000.0]


@pytest.fixture
def client(now: list[float]) -> Iterator[httpx.Client]:
    with running(Options(), clock=lambda: now[0]) as url, httpx.Client(base_url=url, auth=KEYS) as client:
        yield client


@pytest.mark.parametrize("channel", ["email", "push", "sms", "whatsapp", "in_app", "inbox_message"])
def test_a_transactional_message_is_queued_under_an_id(client: httpx.Client, channel: str) -> None:
    first, second = (client.post(f"/v1/send/{channel}", json=MESSAGE, headers=APP, auth=None) for _ in range(2))

    assert (first.status_code, first.json().keys()) == (200, {"delivery_id", "queued_at"})
    assert first.json()["delivery_id"] != second.json()["delivery_id"]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"identifiers": {}}, "identifiers must hold exactly one of id, email, cio_id"),
        ({"identifiers": {"id": "1", "email": "ada@example.com"}}, "identifiers must hold exactly one of"),
        ({"transactional_message_id": None}, "transactional_message_id is required, or body, subject and from"),
    ],
)
def test_a_message_to_nobody_or_without_content_is_refused(
    client: httpx.Client, change: dict[str, Any], says: str
) -> None:
    answer = client.post("/v1/send/email", json=MESSAGE | change, headers=APP, auth=None)
    assert answer.status_code == 400
    assert answer.json()["meta"]["error"].startswith(says)


def test_messages_have_a_rate_of_their_own_and_ask_for_the_key(client: httpx.Client) -> None:
    def send() -> int:
        return client.post("/v1/send/email", json=MESSAGE, headers=APP, auth=None).status_code

    assert [send() for _ in range(101)] == [200] * 100 + [429]
    assert client.get("/v1/segments", headers=APP, auth=None).status_code == 200
    assert client.post("/v1/send/email", json=MESSAGE).status_code == 401


def test_a_broadcast_goes_once_in_ten_seconds(client: httpx.Client, now: list[float]) -> None:
    def trigger(broadcast: str) -> httpx.Response:
        return client.post(f"/v1/campaigns/{broadcast}/triggers", json={"data": {}}, headers=APP, auth=None)

    assert trigger("7").json() == {"id": 1}
    assert trigger("7").status_code == 429
    assert trigger("8").json() == {"id": 2}
    now[0] += 10
    assert trigger("7").json() == {"id": 3}
    assert trigger("none").status_code == 404


@pytest.mark.parametrize("path", ["/api/v1/push/events", "/push/events"])
def test_events_of_pushes_are_taken_without_credentials(client: httpx.Client, path: str) -> None:
    event = {"delivery_id": "d1", "event": "opened", "device_id": "t1", "timestamp": 1}
    assert client.post(path, json=event, auth=None).text == "{}\n"
    assert client.post(path, json={**event, "event": "read"}, auth=None).status_code == 400


def test_an_id_may_be_a_whole_number_and_last_used_a_text(client: httpx.Client) -> None:
    device = {"id": "t1", "platform": "ios", "last_used": "1790000000"}
    assert client.put("/api/v1/customers/7", json={"id": 7, "plan": "pro"}).status_code == 200
    assert client.put("/api/v1/customers/7/devices", json={"device": device}).status_code == 200
    assert client.put("/api/v1/customers/7", json={"id": 8}).status_code == 400
    assert client.put("/api/v1/customers/7", json={"id": True}).status_code == 400

    (person,) = map(json.loads, client.get("/_simulator/people").text.splitlines())
    assert person["identifiers"]["id"] == "7"
    assert [each["last_used"] for each in person["devices"]] == ["1790000000"]


class Heard(BaseHTTPRequestHandler):
    """Notes what comes, and answers 503 where the body says so."""

    came: list[tuple[dict[str, str], bytes]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.came.append(({name.lower(): value for name, value in self.headers.items()}, body))
        self.send_response(503 if b"answer 503" in body else 200)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Nothing."""


@pytest.fixture
def door() -> Iterator[tuple[str, list[tuple[dict[str, str], bytes]]]]:
    heard = type("HeardHere", (Heard,), {"came": []})
    with HTTPServer(("127.0.0.1", 0), heard) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/hook", heard.came  # type: ignore[attr-defined]
        server.shutdown()
        thread.join()


def test_sample_webhooks_are_signed_and_about_the_people_who_are_there(client: httpx.Client, door: Any) -> None:
    url, came = door
    client.put("/api/v1/customers/u1", json={"email": "ada@example.com"})
    order = {"url": url, "signing_key": "key", "count": 3, "per_second": 1000}
    assert client.post("/_simulator/webhooks", json=order).json() == {"sent": 3, "statuses": {"200": 3}}

    for headers, body in came:
        signed = b"v0:" + headers["x-cio-timestamp"].encode() + b":" + body
        assert headers["x-cio-signature"] == hmac.new(b"key", signed, hashlib.sha256).hexdigest()
    events = [json.loads(body) for _, body in came]
    assert [event["metric"] for event in events] == ["sent", "delivered", "opened"]
    assert {event["data"]["identifiers"]["id"] for event in events} == {"u1"}
    assert len({event["event_id"] for event in events}) == 3


def test_given_webhooks_go_as_they_are_and_what_was_answered_is_told(client: httpx.Client, door: Any) -> None:
    url, came = door
    events = [{"event_id": "1", "say": "answer 503"}, {"event_id": "2"}]
    order = {"url": url, "events": events, "per_second": 1000}
    assert client.post("/_simulator/webhooks", json=order).json() == {"sent": 2, "statuses": {"200": 1, "503": 1}}
    assert [json.loads(body) for _, body in came] == events


@pytest.mark.parametrize("order", [{"url": "file:///etc/hosts"}, {}, {"url": "http://x", "count": 0}])
def test_an_order_that_makes_no_sense_is_refused(client: httpx.Client, order: dict[str, Any]) -> None:
    assert client.post("/_simulator/webhooks", json=order).status_code == 400


def test_a_door_that_is_not_there_is_status_0(client: httpx.Client) -> None:
    order = {"url": "http://127.0.0.1:9/", "per_second": 1000}
    assert client.post("/_simulator/webhooks", json=order).json() == {"sent": 1, "statuses": {"0": 1}}
