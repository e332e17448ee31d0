"""Who reads which queue: evenly, and with as few moves as possible."""

from collections import Counter
from collections.abc import Mapping, Sequence

from hypothesis import given
from hypothesis import strategies as some

from tasks.reader.queue_shares import shared_out

READERS = some.sets(some.sampled_from("abcdefg"), min_size=1)
SIZES = some.lists(some.integers(1, 9), min_size=1, max_size=4)


def groups_of(sizes: Sequence[int]) -> list[list[str]]:
    return [[f"{kind} {number}" for number in range(size)] for kind, size in enumerate(sizes)]


@some.composite
def held(draw: some.DrawFn) -> tuple[list[list[str]], dict[str, str], set[str]]:
    groups = groups_of(draw(SIZES))
    readers = draw(READERS)
    holders = {queue: draw(some.sampled_from("abcdefgxyz")) for queues in groups for queue in queues}
    free = draw(some.sets(some.sampled_from(sorted(holders))))
    return groups, {queue: holder for queue, holder in holders.items() if queue not in free}, readers


def spread(queues: Sequence[str], found: Mapping[str, str], readers: set[str]) -> int:
    counted = Counter(dict.fromkeys(readers, 0))
    counted.update(found[queue] for queue in queues)
    return max(counted.values()) - min(counted.values())


@given(held())
def test_every_queue_has_one_reader_that_lives_and_each_kind_is_spread_evenly(
    given: tuple[list[list[str]], dict[str, str], set[str]],
) -> None:
    groups, holders, readers = given
    found = shared_out(groups, holders, readers)

    assert found.keys() == {queue for queues in groups for queue in queues}
    assert set(found.values()) <= readers
    assert all(spread(queues, found, readers) <= 1 for queues in groups)


@given(held())
def test_once_shared_out_nothing_moves_any_more(given: tuple[list[list[str]], dict[str, str], set[str]]) -> None:
    groups, holders, readers = given
    found = shared_out(groups, holders, readers)

    assert shared_out(groups, found, readers) == found


@given(SIZES, READERS)
def test_from_nothing_the_queues_in_all_are_spread_evenly_too(sizes: list[int], readers: set[str]) -> None:
    groups = groups_of(sizes)
    found = shared_out(groups, {}, readers)

    assert spread([queue for queues in groups for queue in queues], found, readers) <= 1


def test_nobody_reads_where_nobody_lives() -> None:
    assert shared_out([["a"]], {"a": "gone"}, set()) == {}
