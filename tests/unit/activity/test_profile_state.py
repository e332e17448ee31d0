"""A profile is the same in whatever order its webhooks come, in whatever batches, and however often."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from connector.activity import fields, profile_state
from connector.activity.fields import ProfileField
from connector.activity.profile_state import MOST_VALUES, ProfileState
from connector.activity.webhook import METRICS, Activity, ReportedPerson
from connector.settings.profiles import ProfilesSettings

AGGREGATES = ("latest", "earliest", "max", "set", "count", "count_by_key")
FIELDS = (
    *fields.of(ProfilesSettings()),
    *(ProfileField("score", f"own_{each}", each) for each in AGGREGATES),
)
KINDS = [(kind, each) for kind, metrics in METRICS.items() for each in sorted(metrics)]


@st.composite
def activities(draw: st.DrawFn) -> list[Activity]:
    """Activities of one person, each with an id of its own, some at the same time."""
    found: list[Activity] = []
    for number in range(draw(st.integers(1, 12))):
        data: dict[str, Any] = {
            "score": draw(st.sampled_from([1, 2.5, "x", True, None])),
            "campaign_id": draw(st.sampled_from([1, 2, "2"])),
            "href": draw(st.sampled_from(["https://a.example.com/x", "https://a.example.com/x?y", ""])),
        }
        kind = draw(st.sampled_from(KINDS))
        at = draw(st.integers(1_700_000_000, 1_700_000_005))
        found.append(Activity(f"e{number}", *kind, at, ReportedPerson("user-1"), "", data))
    return found


def fold(batches: list[list[Activity]]) -> ProfileState:
    """Folds batch by batch. Whoever keeps webhooks knows repeats by their id."""
    known: set[str] = set()
    state: ProfileState = {}
    for batch in batches:
        total: ProfileState = {}
        for each in batch:
            if each.event_id not in known:
                known.add(each.event_id)
                total = profile_state.combine(total, profile_state.state_of(each, FIELDS))
        state = profile_state.combine(state, total)
    return state


@given(activities(), st.data())
def test_any_order_with_any_repeats_in_any_batches_gives_the_same_profile(
    given_once: list[Activity], data: st.DataObject
) -> None:
    repeats = data.draw(st.lists(st.sampled_from(given_once), max_size=6))
    order = data.draw(st.permutations([*given_once, *repeats]))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(order)), max_size=4)))
    batches = [order[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(order)], strict=True)]

    assert profile_state.shown(fold(batches), FIELDS) == profile_state.shown(fold([given_once]), FIELDS)


@given(st.permutations(range(MOST_VALUES + 5)), st.integers(1, 400))
def test_what_is_beyond_the_bounds_does_not_depend_on_the_order(order: list[int], size: int) -> None:
    own = (ProfileField("score", "set", "set"), ProfileField("score", "counts", "count_by_key"))
    state: ProfileState = {}
    for begin in range(0, len(order), size):
        batch: ProfileState = {}
        for number in order[begin : begin + size]:
            one = Activity(f"e{number}", "email", "sent", number, ReportedPerson("u"), "", {"score": number})
            batch = (
                profile_state.combine(batch, profile_state.state_of(one, own)) if size < 5 else _added(batch, one, own)
            )
        state = profile_state.combine(state, batch)
    shown = profile_state.shown(state, own)

    assert shown["set"] == sorted(str(number) for number in range(5, MOST_VALUES + 5))
    assert (len(shown["counts"]), shown["counts"][""], sum(shown["counts"].values())) == (
        MOST_VALUES + 1,
        5,
        MOST_VALUES + 5,
    )


def _added(batch: ProfileState, one: Activity, own: tuple[ProfileField, ...]) -> ProfileState:
    """As `combine`, in place: small batches are below the bounds."""
    for name, (aggregate, value) in profile_state.state_of(one, own).items():
        known = batch.setdefault(name, [aggregate, {} if aggregate == "set" else [{}, 0]])[1]
        (known if aggregate == "set" else known[0]).update(value if aggregate == "set" else value[0])
    return batch


def test_a_field_that_is_counted_in_another_way_begins_anew() -> None:
    before: ProfileState = {"x": ["count", 7], "y": ["count", 1]}
    assert profile_state.combine(before, {"x": ["set", {"a": 1}]}) == {"x": ["set", {"a": 1}], "y": ["count", 1]}
    assert profile_state.shown(before, [ProfileField("score", "x", "set")]) == {}
