"""Random lives of a few users, as Hull would tell them: hypothesis strategies for messages and for their way here.

A user's story is a list of snapshots, oldest first, each with a later `indexed_at`. An event of a user is one thing
for ever: telling it again repeats it word for word. Everybody is invented.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from tests.oracle import SyncRules

Json = dict[str, Any]

TRIAL, PAYING, NEWS = ({"id": f"s-{n}", "name": name} for n, name in enumerate(("Trial", "Paying", "News"), 1))
ABSENT: Any = object()
SHARED_ID = "3000"
LONG = "é" * 501

MEMBERSHIPS: list[list[Json]] = [[PAYING], [PAYING, NEWS], [TRIAL], [NEWS], []]
FIELDS: dict[str, list[Any]] = {
    "plan": ["pro", "free", "free", None, ABSENT, LONG],
    "traits_seats": [1, True, 0, 2.5, None, ABSENT],
    "created_at": ["2026-01-02T03:04:05Z", "2026-01-02 03:04:05 UTC", 1767323045123, "soon", ABSENT],
    "clearbit": [{"employees": 12}, {"employees": None}, {}, ABSENT],
}
ATTRIBUTES = [
    ("email", "email"),
    ("plan", "plan"),
    ("seats", "seats"),
    ("created_at", "created_at"),
    ("clearbit/employees", "employees"),
    ("account.name", "account_name"),
]


# --- messages --------------------------------------------------------------------------------------------------------


def events_of(user: int) -> list[Json]:
    """Everything that this user can ever do."""
    at = "2026-09-0{}T10:00:0{}Z"
    visitor = {"anonymous_id": f"visitor-{user}"}
    events: list[Json] = [
        {"event": "Signed up", "properties": {"source": "web"}},
        {"event": "Signed up", "properties": {"source": "app", "steps": [1, {"deep": None}]}},
        {"event": "page", "properties": {"url": f"https://example.com/{user}"}, **visitor},
        {"event": "Signed up", **visitor},
        {"event": "Clicked ad"},
        {"event": None},
        {"event": "screen", "properties": {"name": "Home"}},
    ]
    told = [
        {"event_id": f"e-{user}-{n}", "created_at": at.format(user, n), "properties": {}, **each}
        for n, each in enumerate(events)
    ]
    return [*told, {"event": "Signed up", "created_at": at.format(user, 9), "properties": {"nameless": True}}]


@st.composite
def snapshots(draw: st.DrawFn, user: int, hour: int) -> Json:
    """What Hull says of a user at an hour."""
    own = f"{1000 + user}"
    fields = {name: draw(st.sampled_from(values)) for name, values in FIELDS.items()}
    email = f"user-{user}@example.com"
    said = {
        "id": f"u-{user}",
        "external_id": draw(st.sampled_from([own] * 9 + [f"{2000 + user}", SHARED_ID, None])),
        "email": draw(st.sampled_from([email] * 4 + [email.upper(), f"new-{user}@example.com", None])),
        "indexed_at": f"2026-09-20T{hour:02}:00:00Z",
        "anonymous_ids": draw(st.sampled_from([ABSENT, [f"visitor-{user}"]])),
        **fields,
    }
    return {
        "user": {name: value for name, value in said.items() if value is not ABSENT},
        "account": draw(st.sampled_from([{}, {"id": "a-1", "name": "Oak"}])),
        "segments": draw(st.sampled_from(MEMBERSHIPS)),
        "events": draw(st.lists(st.sampled_from(events_of(user)), max_size=3)),
    }


@st.composite
def stories(draw: st.DrawFn, user: int) -> list[Json]:
    """The life of a user."""
    return [draw(snapshots(user, hour)) for hour in range(draw(st.sampled_from([2, 3, 5, 2, 1])))]


# --- the way here ----------------------------------------------------------------------------------------------------

Fault = dict[str, Any]
LOST_REPLY: Fault = {"drop": "after", "times": 1}
FAULTS: list[list[Fault]] = [
    *([[]] * 8),
    *([[LOST_REPLY]] * 4),
    [{"drop": "before", "times": 1}],
    [{"status": 429, "retry_after": 0.001, "times": 1}],
    [{"status": 500, "times": 2}],
    [{"status": 503, "after": 1, "times": 1}],
    [{"status": 502, "body": "<html>bad gateway</html>", "times": 1}],
    [{"status": 200, "body": "<html>a captive portal</html>", "times": 1}],
    [{"status": 401, "times": 1}],
    [LOST_REPLY | {"after": 1}],
    [LOST_REPLY | {"times": 3}],
    [{"drop": "after", "probability": 0.5, "seed": 7}],
    [{"status": 500, "probability": 0.5, "seed": 3}, {"drop": "after", "probability": 0.3, "seed": 5}],
    [{"latency": 0.5, "times": 1}],
]


@dataclass(frozen=True)
class Step:
    """Some notifications come in, in one batch; then some cycles of delivery, during which something may go wrong.

    notifications: the messages of each, in order. meanwhile: a batch that comes in while the first request is out.
    dies: the cycle's process dies "before" or "after" its first request reaches Customer.io.
    """

    notifications: Sequence[Sequence[Json]]
    cycles: int = 0
    faults: Sequence[Fault] = ()
    meanwhile: Sequence[Sequence[Json]] = ()
    dies: str | None = None


@dataclass(frozen=True)
class Scenario:
    """A sync, a workspace, and what happens."""

    sync: SyncRules
    workspace: Json
    people_at_once: int
    on_identifier_change: str
    steps: Sequence[Step] = field(default_factory=tuple)

    @property
    def messages(self) -> list[Json]:
        """Every message, as often as it comes."""
        notifications = [n for step in self.steps for n in (*step.notifications, *step.meanwhile)]
        return [message for notification in notifications for message in notification]


@st.composite
def syncs(draw: st.DrawFn, on_exit: str) -> tuple[SyncRules, Json]:
    """A sync, and the workspace it delivers to."""
    identifier, identify_by, mode = draw(
        st.sampled_from([
            ("external_id", "id", "email_or_id"),
            ("external_id", "id", "id_only"),
            ("email", "email", "email_or_id"),
        ])
    )  # fmt: skip
    rules = SyncRules(
        segments=draw(st.sampled_from([["Paying"], ["s-2"], ["Paying", "Trial"], ["*"]])),
        identifier=identifier,
        identify_by=identify_by,
        attributes=ATTRIBUTES,
        segment_attribute=draw(st.sampled_from(["hull_segment", None])),
        events=draw(st.sampled_from([["Signed up", "page"], ["Signed up", "screen"], []])),
        anonymous_events=draw(st.booleans()),
        require_email=draw(st.booleans()),
        on_exit=on_exit,
        email_identifies=mode == "email_or_id",
    )
    return rules, {"mode": mode, "shuffle": draw(st.one_of(st.none(), st.integers(0, 3)))}


@st.composite
def orders(draw: st.DrawFn, users: int) -> list[Json]:
    """The messages of some users: as they happened or in any order, some of them twice."""
    lives = [draw(stories(user)) for user in range(1, users + 1)]
    told = [message for life in lives for message in life]
    told += draw(st.lists(st.sampled_from(told), max_size=3))
    return draw(st.one_of(st.just(told), st.permutations(told)))


@st.composite
def grouped(draw: st.DrawFn, messages: list[Json]) -> list[list[Json]]:
    """The messages as notifications, some of which come twice at once."""
    notifications: list[list[Json]] = []
    rest = messages
    while rest:
        size = draw(st.integers(1, 3))
        notifications += [rest[:size]] * draw(st.sampled_from([1, 1, 1, 2]))
        rest = rest[size:]
    return notifications


@st.composite
def scenarios(draw: st.DrawFn, on_exit: str) -> Scenario:
    """Everything that the property is about."""
    rules, workspace = draw(syncs(on_exit))
    rest = draw(orders(draw(st.sampled_from([2, 3, 1]))))
    steps: list[Step] = []
    while rest:
        now, later = draw(st.sampled_from([1, 1, 1, 2, 3, 5])), draw(st.sampled_from([0, 0, 1, 1, 2]))
        steps.append(
            Step(
                draw(grouped(rest[:now])),
                draw(st.sampled_from([1, 1, 1, 0, 2, 3])),
                draw(st.sampled_from(FAULTS)),
                draw(grouped(rest[now : now + later])),
                draw(st.sampled_from([*[None] * 8, "before", "after"])),
            )
        )
        rest = rest[now + later :]
    change = draw(st.sampled_from(["merge", "replace"]))
    return Scenario(rules, workspace, draw(st.sampled_from([1000, 2, 1])), change, steps)
