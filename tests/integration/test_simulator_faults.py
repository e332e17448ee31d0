"""Faults over real connections (docs/customerio.md#the-simulator, point 6)."""

import socket
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import httpx
import pytest

from connector.simulator import Options, running
from tests.simulated import Simulated

KEYS = ("site-id", "api-key")
BATCH = "/api/v2/batch"


@pytest.fixture(scope="module")
def url():
    with running() as url:
        yield url


@pytest.fixture
def track(url):
    with httpx.Client(base_url=url, auth=KEYS) as client:
        client.post("/_simulator/reset")
        yield client


def order(client, *rules):
    assert client.post("/_simulator/faults", json=rules).status_code == 200


def send(client, *ids):
    items = [{"type": "person", "action": "identify", "identifiers": {"id": one}} for one in ids or ("1",)]
    return client.post(BATCH, json={"batch": items})


def people(client):
    return client.get("/_simulator/summary").json()["people"]


@pytest.mark.parametrize("status", [401, 429, 500, 502, 503, 504, 522, 524])
def test_a_fault_answers_in_place_of_the_api(track, status):
    order(track, {"path": BATCH, "status": status, "times": 1})

    assert [send(track).status_code, people(track)] == [status, 0]
    assert [send(track).status_code, people(track)] == [200, 1]


def test_a_fault_may_be_about_requests_with_something_in_them(track):
    order(track, {"path": BATCH, "status": 400, "containing": '"poison"'})

    assert [send(track, "1", "poison").status_code, people(track)] == [400, 0]
    assert [send(track, "1", "2").status_code, people(track)] == [200, 2]


@pytest.mark.parametrize(
    ("rule", "content", "kind"),
    [
        ({"body": "<html>bad gateway</html>"}, b"<html>bad gateway</html>", "text/html; charset=utf-8"),
        ({"body": ""}, b"", "text/plain; charset=utf-8"),
        ({"body": {"a": [1]}}, b'{"a":[1]}\n', "application/json; charset=utf-8"),
        ({"body": "x", "headers": {"Content-Type": "text/csv"}}, b"x", "text/csv"),
        ({}, b'{"meta":{"error":"Bad Gateway"}}\n', "application/json; charset=utf-8"),
    ],
)
def test_a_fault_says_what_it_is_told_to(track, rule, content, kind):
    order(track, {"status": 502, **rule})
    answer = send(track)

    assert (answer.content, answer.headers["content-type"]) == (content, kind)


def test_retry_after_is_given_where_ordered(track):
    order(track, {"status": 429, "retry_after": 7, "times": 1}, {"status": 429})

    assert [send(track).headers.get("retry-after") for _ in range(2)] == ["7", None]


def test_a_rate_limit_answers_429(track):
    order(track, {"rate_limit": 2, "retry_after": 1})

    answers = [send(track) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]


def test_latency_delays_the_true_answer(track):
    order(track, {"latency": 0.2})
    started = time.perf_counter()

    assert send(track).status_code == 200
    assert time.perf_counter() - started >= 0.2


def test_a_client_gives_up_on_a_slow_answer(track):
    order(track, {"latency": 5})

    with pytest.raises(httpx.ReadTimeout):
        track.post(BATCH, json={"batch": []}, timeout=0.1)


def test_a_reset_forgets_the_requests_that_wait_for_their_answer_too(track):
    order(track, {"path": BATCH, "latency": 0.3})
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(send, track)
        while not track.get("/_simulator/faults").json()[0]["matched"]:
            time.sleep(0.01)
        track.post("/_simulator/reset")
        with pytest.raises(httpx.TransportError):
            waiting.result()

    assert [people(track), track.get("/_simulator/calls").text.strip()] == [0, ""]


@pytest.mark.parametrize(("when", "applied"), [("before", 0), ("after", 1)])
def test_a_connection_is_cut_before_or_after_the_call_is_applied(track, when, applied):
    order(track, {"path": BATCH, "drop": when, "times": 1})

    with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
        send(track)
    assert people(track) == applied
    assert send(track).status_code == 200
    assert track.get("/_simulator/summary").json()["calls_by_status"] == {"dropped": 1, "200": 1}


def test_a_lost_reply_leaves_the_event_to_be_sent_again(track):
    order(track, {"path": BATCH, "drop": "after", "times": 1})
    event = {"type": "person", "action": "event", "identifiers": {"id": "1"}, "name": "x"}
    body = {"batch": [{**event, "id": "01HF7YAT00QWERTYWXCVBNMQWE"}]}

    with pytest.raises(httpx.TransportError):
        track.post(BATCH, json=body)
    assert track.post(BATCH, json=body).status_code == 200
    assert track.get("/_simulator/summary").json()["events"] == 1


def test_only_items_with_the_text_in_their_names_are_refused(track):
    order(track, {"items": "bad"})
    answer = send(track, "good-1", "bad-1", "good-2")

    assert answer.status_code == 207
    assert [error["batch_index"] for error in answer.json()["errors"]] == [1]
    assert people(track) == 2
    entity = {"type": "person", "action": "delete", "identifiers": {"id": "bad-1"}}
    assert track.post("/api/v2/entity", json=entity).status_code == 400


def test_rules_show_how_often_they_fired_and_are_replaced(track):
    order(track, {"path": BATCH, "status": 500, "after": 1})
    send(track)
    send(track)

    shown = [{"path": BATCH, "status": 500, "after": 1, "matched": 2, "fired": 1}]
    assert track.get("/_simulator/faults").json() == shown
    assert track.post("/_simulator/faults", json=[{"stats": 1}]).status_code == 400
    assert track.get("/_simulator/faults").json() == shown
    order(track)
    assert send(track).status_code == 200


def test_the_simulators_own_pages_never_fail(track):
    order(track, {"drop": "before"})

    assert track.get("/_simulator/summary").status_code == 200
    assert track.get("/").status_code == 200


def test_every_call_waits_the_latency_of_the_options():
    with running(Options(latency=0.1)) as url, httpx.Client(base_url=url, auth=KEYS) as track:
        started = time.perf_counter()
        send(track)
        assert time.perf_counter() - started >= 0.1


def test_a_fault_may_drip_its_answer(track):
    order(track, {"path": BATCH, "status": 200, "body": "{}", "drip": 0.1})
    with track.stream("POST", BATCH, json={"batch": []}) as answer:
        assert [chunk for chunk in answer.iter_raw() if chunk] == [b"{", b"}"]


def test_a_fault_may_answer_without_end_or_packed(track):
    order(track, {"path": BATCH, "status": 200, "body": "{}", "size": 1_000_000})
    assert len(send(track).content) == 1_000_000
    order(track, {"path": BATCH, "status": 200, "body": "{}", "size": 1_000_000, "packed": True})
    with track.stream("POST", BATCH, json={"batch": []}) as answer:
        assert answer.headers["content-encoding"] == "gzip"
        assert len(b"".join(answer.iter_raw())) < 10_000


@pytest.mark.parametrize("rule", [{"drip": -1}, {"drip": "slow"}, {"size": -1}, {"size": 10**12}])
def test_a_fault_that_cannot_be_is_refused(track, rule):
    assert track.post("/_simulator/faults", json=[{"status": 200, **rule}]).status_code == 400


def test_half_a_request_whose_sender_has_died_is_none(simulator: Simulated) -> None:
    address = urlsplit(simulator.url)
    head = f"POST {BATCH} HTTP/1.1\r\nHost: {address.netloc}\r\nContent-Length: 1000\r\n\r\n"
    with socket.create_connection((address.hostname, address.port), timeout=10) as sender:
        sender.sendall(head.encode() + b'{"batch": [')
    simulator.take({"type": "person", "action": "identify", "identifiers": {"id": "1"}})

    assert [call["endpoint"] for call in simulator.calls()] == [BATCH]
    assert simulator.violations() == []
