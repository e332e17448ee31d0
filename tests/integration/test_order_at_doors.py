"""Order at the HTTP doors: requests answered one after the other count in that order, whichever process answers each.

A load balancer hands each request to another process of `connector web`, and the store is all that these share.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from itertools import count

import httpx
import pytest

from connector.audience.rules import Rules
from connector.runtime import Runtime
from connector.store.engine import Store
from connector.web.app import create_app, served
from connector.web.server import serving
from tests.budget import crowd, seeds
from tests.build_settings import TOKEN, build
from tests.in_order import Message, ends, stories, wrong
from tests.simulated import Simulated
from tests.world import World

PROCESSES, SENDERS = 3, 4
USERS, CHANGES = crowd(10, 20), 6


@pytest.fixture
def doors(store_url: str, open_store: Callable[[str], Store]) -> Iterator[Sequence[str]]:
    """The doors of several processes: each has the store opened for itself, and its own pool of connections."""
    with ExitStack() as stack:
        urls = []
        for _ in range(PROCESSES):
            settings = build(web={"token": TOKEN})
            runtime = Runtime(settings, open_store(store_url), tuple(map(Rules.of, settings.syncs.values())))
            urls.append(stack.enter_context(serving(served(create_app(runtime, lambda _: None)), "127.0.0.1", 0)))
        yield urls


def post_in_turn(doors: Sequence[str], told: Sequence[Message]) -> None:
    """One sender: each request once the one before is answered, each at another door."""
    with httpx.Client(headers={"Authorization": f"Bearer {TOKEN}"}, timeout=60) as client:
        for place, message in zip(count(), told, strict=False):
            answer = client.post(f"{doors[place % len(doors)]}/v1/changes", json=message)
            assert answer.status_code == 200, answer.text


@pytest.mark.search
@pytest.mark.parametrize("seed", seeds(1))
def test_requests_answered_one_after_the_other_at_several_processes_count_in_their_order(
    doors: Sequence[str], store: Store, simulator: Simulated, seed: int
) -> None:
    told = [stories(f"s{sender}", USERS, CHANGES, seed * SENDERS + sender) for sender in range(SENDERS)]
    world = World(store, simulator)
    with ThreadPoolExecutor(SENDERS + 1) as pool:
        sending = [pool.submit(post_in_turn, doors, each) for each in told]
        while not all(each.done() for each in sending):  # somebody delivers beside them all the while
            world.cycle()
        for each in sending:
            each.result()
    world.settle()
    world.close()

    everything = [message for each in told for message in each]
    assert wrong(everything, simulator.people()) == {}
    assert len(ends(everything)) > SENDERS * USERS / 2  # who is absent in the end is easily right
    assert world.problems() == []
