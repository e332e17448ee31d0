"""Reading a change before its user is known: once for all syncs that read alike."""

from connector.audience.apply_change import read_ahead
from connector.audience.mapping import MappedFields
from tests.build import PAYING, TRIAL, rules, snapshot


def test_only_changes_that_have_the_user_in_the_audience_are_read() -> None:
    readings = read_ahead([snapshot(1, PAYING, plan="team"), snapshot(1, TRIAL)], rules(), {})
    assert [reading and reading.attributes for reading in readings] == [{"plan": "team"}, None]


def test_syncs_that_read_alike_share_what_they_read_and_each_has_its_own_audience() -> None:
    first, second = rules(), rules(segments=("Trial", "Paying"), on_exit="delete", events=("Signed up",))
    assert first.reads == second.reads
    known: dict[int, MappedFields] = {}
    changes = [snapshot(1, PAYING, plan="team"), snapshot(1, TRIAL, plan="free")]
    mine, theirs = (read_ahead(changes, each, known) for each in (first, second))
    assert mine[0] is theirs[0]
    assert (mine[1], theirs[1] and theirs[1].attributes) == (None, {"plan": "free"})


def test_whatever_decides_what_is_read_tells_syncs_apart() -> None:
    others = (
        {"attributes": ("plan", "city")},
        {"attributes": ("account.plan",)},
        {"identifier": "email", "identify_by": "email"},
        {"identify_by": "id_or_email", "attributes": ("plan", "email")},
        {"convert_dates": False},
        {"attributes": ({"from": "plan", "to": "plan", "transform": ["upper"]},)},
    )
    assert [rules(**other).reads == rules().reads for other in others] == [False] * len(others)
