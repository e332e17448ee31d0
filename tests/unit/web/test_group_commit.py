"""Many requests share a transaction: what is waited for, what is told, what is never mixed up."""

import asyncio
import threading

import pytest

from connector.errors import StoreError
from connector.web.group_commit import GroupCommit


def test_what_comes_while_a_batch_is_committed_is_the_next_batch() -> None:
    batches: list[list[int]] = []
    first, go_on = threading.Event(), threading.Event()

    def write(batch: list[int]) -> None:
        batches.append(batch)
        first.set()
        go_on.wait(10)

    async def main() -> None:
        group: GroupCommit[int] = GroupCommit(write, 3)
        one = asyncio.create_task(group.add(0))
        await asyncio.to_thread(first.wait, 10)
        others = [asyncio.create_task(group.add(number)) for number in range(1, 6)]
        await asyncio.sleep(0)
        assert not one.done()
        go_on.set()
        await asyncio.gather(one, *others)
        await group.add(6)

    asyncio.run(main())
    assert batches == [[0], [1, 2, 3], [4, 5], [6]]


def test_a_batch_that_fails_is_told_to_each_of_it_and_the_next_one_goes_on() -> None:
    def write(batch: list[str]) -> None:
        if "bad" in batch:
            raise StoreError("away")

    async def main() -> list[BaseException | None]:
        group: GroupCommit[str] = GroupCommit(write, 2)
        return await asyncio.gather(*map(group.add, ("bad", "good", "later")), return_exceptions=True)

    bad, good, later = asyncio.run(main())
    assert isinstance(bad, StoreError)
    assert isinstance(good, StoreError)
    assert later is None


def test_whoever_gives_up_harms_nobody() -> None:
    go_on = threading.Event()
    written: list[str] = []

    def write(batch: list[str]) -> None:
        go_on.wait(10)
        written.extend(batch)

    async def main() -> None:
        group: GroupCommit[str] = GroupCommit(write, 1)
        slow = asyncio.create_task(group.add("slow"))
        await asyncio.sleep(0.01)
        impatient, patient = (asyncio.create_task(group.add(each)) for each in ("impatient", "patient"))
        await asyncio.sleep(0)
        impatient.cancel()
        with pytest.raises(asyncio.CancelledError):
            await impatient
        go_on.set()
        await asyncio.gather(slow, patient)

    asyncio.run(main())
    assert written == ["slow", "patient"]


def test_as_many_batches_are_written_at_once_as_may_be_and_nobody_is_left_behind() -> None:
    begun: list[int] = []
    both, go_on = threading.Event(), threading.Event()

    def write(batch: list[int]) -> None:
        begun.extend(batch)
        if len(begun) == 2:
            both.set()
        go_on.wait(10)

    async def main() -> None:
        group: GroupCommit[int] = GroupCommit(write, 1, at_once=2)
        added = [asyncio.create_task(group.add(number)) for number in range(5)]
        assert await asyncio.to_thread(both.wait, 10)
        await asyncio.sleep(0.05)
        assert sorted(begun) == [0, 1]
        go_on.set()
        await asyncio.gather(*added)
        for number in range(5, 50):  # each behind the end of the last, as one that is just going home might leave it
            await asyncio.wait_for(group.add(number), 10)

    asyncio.run(main())
    assert sorted(begun) == list(range(50))
