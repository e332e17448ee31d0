"""Whatever is sent, an operation is refused by field or applied: it never breaks the workspace."""

from hypothesis import given, settings
from hypothesis import strategies as some
from pydantic_core import to_json

from connector.simulator.base.options import Options
from connector.simulator.state import request_checks, view
from connector.simulator.state.workspace import ACTIONS, SimulatedWorkspace
from tests.budget import examples

_TEXT = some.sampled_from(
    ["", "1", "2", "cio_a3000001", "a3000001", "user-1@example.com", "+41791234567", "\u00fc" * 80]
)
_SCALAR = some.one_of(some.none(), some.booleans(), some.integers(-5, 10**12), some.floats(allow_nan=False), _TEXT)
_JSON = some.recursive(
    _SCALAR,
    lambda inner: some.one_of(some.lists(inner, max_size=3), some.dictionaries(_TEXT, inner, max_size=3)),
    max_leaves=6,
)
_NAMES = some.dictionaries(
    some.sampled_from(["id", "email", "phone", "cio_id", "anonymous_id"]), some.one_of(_TEXT, _SCALAR), max_size=2
)
_ATTRIBUTES = some.dictionaries(
    some.sampled_from([
        "id", "email", "phone", "cio_id", "anonymous_id", "plan", "unsubscribed", "_timestamp", "_update",
        "cio_subscription_preferences", "cio_subscription_preferences.topics.topic_1",
    ]),
    _JSON,
    max_size=4,
)  # fmt: skip


_PUBLIC = [key for key in ACTIONS if key[0] != "segment"]
_ONE_NAME = some.one_of(
    some.fixed_dictionaries({"id": some.sampled_from(["1", "2", 3])}),
    some.fixed_dictionaries({"email": some.sampled_from(["user-1@example.com", "USER-1@example.com"])}),
    some.fixed_dictionaries({"cio_id": some.sampled_from(["a3000001", "a3000002"])}),
    some.fixed_dictionaries({"phone": some.just("+41791234567")}),
    some.fixed_dictionaries({"anonymous_id": some.sampled_from(["a", "b"])}),
)
_ONE_THING = some.fixed_dictionaries({"object_type_id": some.just("1"), "object_id": some.sampled_from(["x", "y"])})
_CLAIMS = some.fixed_dictionaries(
    {},
    optional={
        "id": some.sampled_from(["1", "2", None]),
        "email": some.sampled_from(["user-1@example.com", "", None]),
        "phone": some.sampled_from(["+41791234567", None]),
        "anonymous_id": some.sampled_from(["a", "b", None]),
        "_update": some.booleans(),
        "plan": _JSON,
    },
)


def _operation(key, wild):
    def field(*right):
        return some.one_of(*right, _JSON) if wild else some.one_of(*right)

    names = _ONE_THING if key[0] == "object" else _ONE_NAME
    related = some.fixed_dictionaries({"identifiers": _ONE_NAME if key[0] == "object" else _ONE_THING})
    return some.fixed_dictionaries(
        {
            "type": some.just(key[0]),
            "action": some.just(key[1]),
            "identifiers": field(names, _NAMES) if wild else names,
            "name": field(some.just("opened")),
            "cio_relationships": field(some.lists(related, max_size=2)),
            "device": field(some.just({"token": "t", "platform": "ios"})),
            "primary": field(_ONE_NAME),
            "secondary": field(_ONE_NAME),
        },
        optional={
            "attributes": field(_ATTRIBUTES) if wild else _CLAIMS,
            "id": field(some.just("01HF7YAT00QWERTYWXCVBNMQWE")),
            "timestamp": field(some.integers(0, 20)),
        },
    )


_RIGHT, _WILD = (some.sampled_from(_PUBLIC).flatmap(lambda key, wild=wild: _operation(key, wild)) for wild in (0, 1))


@settings(max_examples=examples(60))
@given(
    items=some.lists(some.one_of(_RIGHT, _RIGHT, _RIGHT, _WILD, _JSON), max_size=16),
    mode=some.sampled_from(["email_or_id", "id_only"]),
    auto_merge=some.booleans(),
)
def test_any_sequence_is_refused_or_applied_and_can_be_shown(items, mode, auto_merge):
    options = Options(mode=mode, auto_merge=auto_merge, visibility_seconds=1)
    workspace = SimulatedWorkspace(options)
    right = [item for item in items if not request_checks.operation(item, options)]
    for number, item in enumerate(right):
        workspace.apply([item], float(number))

    live, seen = workspace.live, workspace.visible(1e9)
    shown = [to_json(view.whole(live, person)) for person in live.people]
    assert shown == [to_json(view.whole(seen, person)) for person in seen.people]
    for person in live.people:
        names = {kind: value for kind, value in person.identifiers.items() if value is not None}
        assert all(live.people.find(kind, value) is person for kind, value in names.items())
        assert all(person in thing.people for thing in person.relationships)
        assert to_json(view.customer(person))
