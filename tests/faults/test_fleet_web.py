"""The web doors of a fleet: webhooks while they are killed and the store is away; who tells of a fleet that died."""

import base64
import json
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest

from connector.activity import fields, profiles
from connector.settings.profiles import ProfilesSettings
from tests.fleet import Fleet
from tests.servers import eventually, free_port
from tests.webhooks import KEY, reported

WEBHOOKS, PEOPLE, AT_ONCE = 400, 7, 4
OUTAGE_SECONDS, PAUSE_SECONDS = 30.0, 0.25
FIELDS = fields.of(ProfilesSettings())
NOTICED_SECONDS = 240.0
"""How long to wait, on however busy a machine. By the clock it is 50 at the most: the last sign has to be 30 seconds
old, and who looks does so every 20."""
SECRET = "whsec_" + base64.b64encode(b"a key of twenty-four bytes").decode()


class Reporting:
    """Has the simulated Customer.io send each webhook, signed, until it is answered 200, and then no more.

    Several at a time. answers: how often each status came, 0 where no answer did.
    """

    def __init__(self, customerio_url: str, url: str) -> None:
        self.client = httpx.Client(base_url=customerio_url, timeout=30)
        self.order = {"url": f"{url}/webhooks/customerio/main", "signing_key": KEY, "per_second": 1000}
        self.taken: set[int] = set()
        self.answers: Counter[str] = Counter()
        self._lock = threading.Lock()

    def send(self, number: int) -> None:
        """Sends one, at the pace of four in a second for each that sends."""
        event = reported(number, "email_sent", user=f"fleet-{number % PEOPLE}")
        while True:
            answer = self.client.post("/_simulator/webhooks", json={**self.order, "events": [event]})
            [status] = answer.raise_for_status().json()["statuses"]
            with self._lock:
                self.answers[status] += 1
            threading.Event().wait(PAUSE_SECONDS)
            if status == "200":
                break
        with self._lock:
            self.taken.add(number)


def counted(fleet: Fleet) -> int:
    """How many webhooks all profiles tell of."""
    found = (profiles.find(fleet.store, f"fleet-{number}", ["main"], FIELDS) for number in range(PEOPLE))
    return sum(each.fields["cio_events"]["email_sent"] for page in found for each in page)


def test_killed_web_doors_and_a_store_away_for_half_a_minute_lose_and_double_no_webhook(fleet: Fleet) -> None:
    port = free_port()
    at = {"CONNECTOR__WEB__PORT": str(port), "CONNECTOR__CONNECTIONS__MAIN__WEBHOOK_KEYS": KEY}
    web = fleet.start_web(**at)
    reporting = Reporting(fleet.servers.customerio_url, f"http://127.0.0.1:{port}")
    with ThreadPoolExecutor(AT_ONCE) as pool:
        sending = [pool.submit(reporting.send, number) for number in range(WEBHOOKS)]
        eventually(lambda: len(reporting.taken) > WEBHOOKS / 10)
        fleet.remove(web).kill()
        fleet.start_web(**at)
        eventually(lambda: len(reporting.taken) > WEBHOOKS / 5)

        fleet.servers.postgres.stop(immediate=True)
        eventually(lambda: reporting.answers["503"] > 0)
        before = Counter(reporting.answers)
        threading.Event().wait(OUTAGE_SECONDS)
        meanwhile = reporting.answers - before
        fleet.servers.postgres.start()
        for each in sending:
            each.result(120)
    reporting.client.close()

    assert meanwhile.keys() == {"503"}
    assert reporting.answers.keys() <= {"200", "503", "0"}
    assert (len(reporting.taken), reporting.answers["200"]) == (WEBHOOKS, WEBHOOKS)
    eventually(lambda: counted(fleet) >= WEBHOOKS, 60.0)
    assert counted(fleet) == WEBHOOKS


@pytest.fixture
def channel() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A stand-in for the address that somebody is told at, and the alerts that came."""
    came: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            said = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            came.extend(said["data"]["alerts"])
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/alerts", came
    finally:
        server.shutdown()
        server.server_close()


def test_a_killed_fleet_is_told_of_and_its_recovery_too(
    fleet: Fleet, channel: tuple[str, list[dict[str, Any]]]
) -> None:
    url, came = channel
    fleet.start_web(
        CONNECTOR__WEB__PORT="0",
        CONNECTOR__ALERTS__RECOVER_SECONDS="0",
        CONNECTOR__ALERTS__CHANNELS__OPS__WEBHOOK_URL=url,
        CONNECTOR__ALERTS__CHANNELS__OPS__WEBHOOK_SECRET=SECRET,
    )

    def told() -> list[tuple[str, str]]:
        return sorted((each["alert"], each["change"]) for each in came if each["kind"] == "fleet gone")

    for program in (*fleet.workers, *fleet.beats):
        fleet.remove(program).send(signal.SIGKILL, whole=True)
    gone = [("fleet gone: beat", "opened"), ("fleet gone: worker", "opened")]
    eventually(lambda: told() == gone, NOTICED_SECONDS, every=0.2, still=told)
    assert [each["severity"] for each in came] == ["page"] * len(came)

    fleet.start_worker()
    fleet.start_beat()
    fleet.until_ready()
    over = sorted([*gone, ("fleet gone: beat", "recovered"), ("fleet gone: worker", "recovered")])
    eventually(lambda: told() == over, NOTICED_SECONDS, every=0.2, still=told)
