"""Which shard a message goes to: all of a user's to one, in their order."""

import json
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as some

from connector.broker import sharding


@given(some.text(min_size=1), some.integers(1, 64))
def test_a_user_has_one_shard(key: str, shards: int) -> None:
    assert sharding.shard_of(key, shards) == sharding.shard_of(key, shards) < shards


def test_users_are_spread_over_all_shards() -> None:
    counted = Counter(sharding.shard_of(f"user-{number}", 4) for number in range(10_000))
    assert min(counted.values()) > 2_000


def test_the_shard_is_what_other_programs_can_work_out() -> None:
    assert [sharding.shard_of(f"user-{number}", 4) for number in range(5)] == [2, 0, 2, 0, 3]


@given(some.lists(some.integers(0, 9), max_size=20), some.booleans())
def test_a_body_of_many_users_is_split_and_each_keeps_the_order(users: list[int], as_lines: bool) -> None:
    told = [{"user": {"id": f"user-{user}"}, "version": place} for place, user in enumerate(users)]
    body = "\n".join(map(json.dumps, told)) if as_lines else json.dumps(told)
    found: dict[str, list[int]] = {}
    for shard, part in sharding.split("native", body.encode(), 3):
        documents = json.loads(part) if part.startswith(b"[") else [json.loads(line) for line in part.splitlines()]
        for each in documents:
            assert sharding.shard_of(each["user"]["id"], 3) == shard
            found.setdefault(each["user"]["id"], []).append(each["version"])

    assert found == {
        f"user-{user}": [place for place, one in enumerate(users) if one == user] for user in sorted(set(users))
    }


@pytest.mark.parametrize("body", [b"{", b"[1, 2]", b"", b'{"user": {}}', b'{"user": {"id": "user-1"}}\n{'])
def test_what_cannot_be_read_goes_as_it_is(body: bytes) -> None:
    ((shard, part),) = sharding.split("native", body, 3)
    assert (shard < 3, part) == (True, body)
