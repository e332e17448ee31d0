"""Whatever interrupts a resync, everybody is sent whole, and no live change is lost."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from random import Random
from typing import Any

import pytest
from sqlalchemy import Connection

from connector.bulk import jobs, resync
from connector.runtime import Runtime
from connector.store.engine import Store
from tests.budget import seeds
from tests.resyncs import AT_ONCE, find, run
from tests.simulated import Simulated
from tests.world import World, event, message


class DeathError(Exception):
    """The program ends here."""


class MortalStore(Store):
    """A store whose program dies at the end of a transaction, before it is committed."""

    def __init__(self, url: str, lives: int) -> None:
        super().__init__(url)
        self.lives = lives

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        with super().writing() as tx:
            yield tx
            self.lives -= 1
            if self.lives < 0:
                raise DeathError


class Story:
    """People who are delivered, lost in Customer.io, and live on while a resync is interrupted again and again."""

    def __init__(self, world: World, seed: int) -> None:
        self.world = world
        self.random = Random(seed)
        self.version = 1
        self.plans = {f"u{number:02}": "gold" for number in range(40)}
        world.take(*(message(user, 1, plan=plan) for user, plan in self.plans.items()))
        world.settle()

    def live(self) -> None:
        """Upstream says something new of somebody, who may be new, leave, or come back."""
        self.version += 1
        user = f"u{self.random.randrange(45):02}"
        if self.random.random() < 0.2:
            self.world.take(message(user, self.version, segments=[]))
            self.plans.pop(user, None)
            return
        self.plans[user] = f"v{self.version}"
        self.world.take(message(user, self.version, event("Signed up", f"e{self.version}"), plan=self.plans[user]))

    def advance(self) -> None:
        stop_after = self.random.randrange(4)
        looks = iter([False] * stop_after + [True])
        resync.advance(self.world.runtime, until=lambda: next(looks), people_at_once=self.random.randint(1, 9))

    def die(self) -> None:
        """Somebody who takes it further dies before a commit."""
        store = MortalStore(self.world.store.url.render_as_string(hide_password=False), self.random.randrange(3))
        try:
            resync.advance(Runtime(self.world.settings, store, self.world.rules), people_at_once=5)
        except DeathError:
            pass
        finally:
            store.close()

    def rest(self) -> None:
        """It is paused, and resumed."""
        job = find(self.world.store)
        if job.state == "running":
            jobs.pause(self.world.store, job.id)
            self.advance()
            jobs.resume(self.world.store, job.id)

    def deliver(self) -> None:
        self.world.cycle()

    def finish(self) -> None:
        """The resync comes to its end, and everything is delivered."""
        run(self.world)
        self.world.settle()

    def check(self) -> None:
        held = self.world.simulated.people()
        assert {user: attributes.get("plan") for user, attributes in held.items()} == self.plans


@pytest.mark.search
@pytest.mark.parametrize("seed", seeds(4))
def test_however_it_is_interrupted_everybody_is_sent_whole_and_no_live_change_is_lost(
    make_world: Callable[..., World], seed: int
) -> None:
    story = Story(make_world(delivery={"people": 4}, sync={"deletion_guard": {"share": 1.0}}), seed)
    story.world.simulated.reset()
    resync.start(story.world.runtime, "main", AT_ONCE)
    for _ in range(40):
        story.random.choice([story.live, story.live, story.advance, story.die, story.rest, story.deliver])()
    story.finish()

    story.check()


@pytest.mark.search
@pytest.mark.parametrize("seed", seeds(2))
def test_two_who_take_it_further_while_others_send_and_take_in_do_no_harm(
    database: str, open_store: Callable[[str], Store], simulator: Simulated, seed: int
) -> None:
    given: dict[str, Any] = {"delivery": {"people": 5}, "sync": {"deletion_guard": {"share": 1.0}}}
    worlds = [World(open_store(database), simulator, **given) for _ in range(5)]
    story = Story(worlds[0], seed)
    simulator.reset()
    resync.start(worlds[0].runtime, "main", AT_ONCE)

    def advance(world: World) -> None:
        while find(world.store).state == "running":
            resync.advance(world.runtime, people_at_once=3)
            time.sleep(0.001)

    def deliver(world: World) -> None:
        while find(world.store).state == "running":
            world.cycle()

    with ThreadPoolExecutor(5) as pool:
        work = [pool.submit(advance, worlds[1]), pool.submit(advance, worlds[2])]
        work += [pool.submit(deliver, worlds[3]), pool.submit(deliver, worlds[4])]
        for _ in range(60):
            story.live()
        for each in work:
            each.result()
    story.finish()
    job = find(worlds[0].store)
    for world in worlds:
        world.close()

    story.check()
    assert (job.state, job.done >= job.total) == ("done", True)
