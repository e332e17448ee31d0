"""When a fault of a test comes."""

from random import Random

import pytest

from tests import moments


def test_without_a_seed_it_is_the_usual_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(moments, "SEED", "")

    assert moments.moment(300, most=500) == 300
    assert moments.chance(4).random() == Random(4).random()


def test_with_a_seed_it_is_any_and_not_always_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(moments, "SEED", "7")
    found = [moments.moment(300, most=500) for _ in range(50)]

    assert all(1 <= each <= 500 for each in found)
    assert len(set(found)) > 10
    assert moments.chance(4).random() == moments.chance(4).random() != Random(4).random()
