"""Embedded mode killed while Customer.io's webhooks come in: whatever was answered 200 is counted, and counted once."""

import signal
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import httpx

from connector.activity import fields, profiles
from connector.settings.profiles import ProfilesSettings
from connector.store.engine import Store
from tests.processes import Running, environment, running, until
from tests.webhooks import KEY, post, reported

WEBHOOKS, PEOPLE, AT_ONCE = 120, 7, 4
FIELDS = fields.of(ProfilesSettings())


class Customerio:
    """Sends each webhook again and again until it is answered 200, several at a time, to where the doors are now."""

    def __init__(self) -> None:
        self.taken: set[int] = set()
        self.answers: Counter[int] = Counter()
        self._lock = threading.Lock()
        self.client = httpx.Client(timeout=30)

    def send(self, number: int) -> None:
        while (status := self._sent(number)) != 200:
            with self._lock:
                self.answers[status] += 1
            threading.Event().wait(0.02)
        with self._lock:
            self.taken.add(number)

    def _sent(self, number: int) -> int:
        """The status of the answer, 0 where there was none."""
        body = reported(number, "email_sent", user=f"user-{number % PEOPLE}")
        try:
            return post(self.client, body).status_code
        except httpx.TransportError:
            return 0


def counted(store: Store) -> int:
    """How many webhooks all profiles tell of."""
    found = (profiles.find(store, f"user-{number}", ["main"], FIELDS) for number in range(PEOPLE))
    return sum(each.fields["cio_events"]["email_sent"] for page in found for each in page)


def test_killed_in_the_middle_it_loses_and_doubles_no_webhook(tmp_path: Path) -> None:
    environ = environment(tmp_path) | {"CONNECTOR__CONNECTIONS__MAIN__WEBHOOK_KEYS": KEY}
    customerio = Customerio()
    with ExitStack() as stack, ThreadPoolExecutor(AT_ONCE) as pool:
        stack.callback(customerio.client.close)
        connector = _start(stack, environ, tmp_path / "first.log")
        customerio.client.base_url = connector.url
        sending = [pool.submit(customerio.send, number) for number in range(WEBHOOKS)]
        until(lambda: len(customerio.taken) > WEBHOOKS / 4, "some webhooks to be taken")
        assert connector.end(signal.SIGKILL) == -9

        customerio.client.base_url = _start(stack, environ, tmp_path / "second.log").url
        for each in sending:
            each.result(60)
        store = Store(environ["CONNECTOR__STORE__URL"])
        stack.callback(store.close)
        until(lambda: counted(store) >= WEBHOOKS, "every webhook to be folded")
        assert counted(store) == WEBHOOKS
    assert len(customerio.taken) == WEBHOOKS


def _start(stack: ExitStack, environ: dict[str, str], output: Path) -> Running:
    return stack.enter_context(running("run", environ=environ, output=output))
