"""Which rule fires when (docs/customerio.md#the-simulator, point 6)."""

import pytest

from connector.errors import UnreadableError
from connector.simulator.base.faults import Faults, refusal


def fired(order, calls=10, path="/api/v2/batch", seconds=0.0):
    faults = Faults()
    faults.replace([order])
    return [faults.decide(path, n * seconds).answer is not None for n in range(calls)]


@pytest.mark.parametrize(
    ("path", "matches"),
    [
        ("", True),
        ("/api/v2", True),
        ("/api/v2/batch", True),
        ("/api/*/batch", True),
        ("*batch", True),
        ("/api/v1", False),
        ("/api/v2/*y", False),
    ],
)
def test_a_path_is_a_glob_or_a_prefix(path, matches):
    assert fired({"path": path, "status": 500}, 1) == [matches]


def test_a_rule_is_used_up_after_its_times():
    assert fired({"status": 500, "times": 2}, 4) == [True, True, False, False]


def test_a_rule_skips_the_first():
    assert fired({"status": 500, "after": 2, "times": 1}, 4) == [False, False, True, False]


def test_a_probability_is_the_same_for_the_same_seed():
    once, again = (fired({"status": 500, "probability": 0.5, "seed": 3}, 100) for _ in range(2))

    assert once == again != fired({"status": 500, "probability": 0.5, "seed": 4}, 100)
    assert 30 < sum(once) < 70


@pytest.mark.parametrize(("probability", "expected"), [(0, False), (1, True)])
def test_probabilities_end_at_never_and_always(probability, expected):
    assert set(fired({"status": 500, "probability": probability})) == {expected}


def test_a_rate_limit_refuses_what_is_over_it_within_a_second():
    assert fired({"rate_limit": 2}, 6, seconds=0.25) == [False, False, True, True, False, False]


def test_latencies_add_up_until_a_rule_answers():
    faults = Faults()
    faults.replace([{"latency": 1}, {"latency": 2, "status": 500}, {"latency": 4}])

    decision = faults.decide("/x", 0)
    assert (decision.latency, decision.answer) == (3, faults.rules[1])


def test_a_rule_for_items_refuses_those_whose_names_contain_its_text():
    faults = Faults()
    faults.replace([{"items": "bad", "times": 1}])
    refusing = faults.decide("/api/v2/batch", 0).refusing

    good, bad = ({"identifiers": {"id": name}} for name in ("good-1", "bad-1"))
    assert [len(refusal(item, refusing, 0)) for item in (good, bad, bad)] == [0, 1, 0]
    assert faults.rules[0].fired == 1


@pytest.mark.parametrize(
    "orders",
    [
        {"status": 500},
        ["500"],
        [{"stats": 500}],
        [{"status": "500"}],
        [{"status": 99}],
        [{"drop": "during"}],
        [{"status": 500, "headers": ["x"]}],
        [{"latency": True}],
    ],
)
def test_a_wrong_rule_changes_nothing(orders):
    faults = Faults()
    faults.replace([{"status": 503}])

    with pytest.raises(UnreadableError):
        faults.replace(orders)
    assert [rule.order for rule in faults.rules] == [{"status": 503}]
