"""Why somebody stands as they do, and what they wait for, in words."""

from math import inf
from typing import Any

import pytest

from connector.admin.person import reasons
from connector.audience.audience_status import AudienceStatus, standing_of
from connector.audience.rules import Rules
from connector.model.entity import Entity, Facts
from connector.model.lifecycle import Lifecycle
from connector.model.versioned import VersionedMap
from connector.store.connection_health import Health
from connector.store.person_rows import PersonRow
from connector.store.tables import BACKFILL, EXIT, HELD, LIVE
from tests.build_settings import rules

NOW = 1_000.0
NOTHING, FINE, SOMEBODY = Lifecycle(), Health(), Entity("user-1")
KNOWN = VersionedMap({"identifier": "1001", "email": "ada@example.com"}, 1)


def facts(*segments: str, entered: bool = True, lifecycle: Lifecycle = NOTHING, **rest: Any) -> Facts:
    """Somebody in these segments, who may be sent."""
    named = VersionedMap({name: name for name in segments}, 1)
    return Facts(**{"segments": named, "identity": KNOWN, "lifecycle": lifecycle, "entered": entered, **rest})


def told(of: Facts, by: Rules) -> tuple[AudienceStatus, str]:
    standing = standing_of(of, by)
    return standing, reasons.why(of, standing, by)


@pytest.mark.parametrize(
    ("of", "sync", "standing", "why"),
    [
        (facts("Paying", "Trial"), {}, AudienceStatus.IN, "`segments` names Paying"),
        (facts("Trial"), {"segments": ["*"]}, AudienceStatus.IN, "everybody is in the audience"),
        (facts("Trial", entered=False), {}, AudienceStatus.OUTSIDE, "`segments` names none of theirs (Trial)"),
        (
            facts(entered=False, segments=VersionedMap()),
            {},
            AudienceStatus.OUTSIDE,
            "no message has said yet which segments they are in",
        ),
        (facts("Trial"), {}, AudienceStatus.DELETED, "names none of theirs (Trial): `on_exit` deletes them"),
        (facts(), {"on_exit": "keep"}, AudienceStatus.KEPT, "none of theirs (none): `on_exit` keeps them as last sent"),
        (facts(), {"on_exit": "clear"}, AudienceStatus.CLEARED, "`on_exit` clears their attributes"),
        (facts("Paying", lifecycle=Lifecycle().deleted_at(2)), {}, AudienceStatus.DELETED, "upstream has deleted them"),
        (
            facts("Paying", lifecycle=Lifecycle().deleted_at(2)),
            {"mode": "update", "on_exit": "clear"},
            AudienceStatus.CLEARED,
            "upstream has deleted them; the sync only updates, so their attributes are cleared",
        ),
        (
            facts("Paying", lifecycle=Lifecycle().suppressed_at(2)),
            {},
            AudienceStatus.SUPPRESSED,
            "a message asked to suppress them: they are deleted in Customer.io and refused there",
        ),
        (
            facts("Paying", lifecycle=Lifecycle().merged("user-2", 2)),
            {},
            AudienceStatus.MERGED,
            "they turned out to be the user 'user-2'",
        ),
        (
            facts("Paying", identity=VersionedMap({}, 1)),
            {},
            AudienceStatus.NO_IDENTIFIER,
            "`segments` names Paying, but the field that `identifier` names holds nothing to send them by",
        ),
        (
            facts("Paying", identity=VersionedMap({"identifier": "1001"}, 1)),
            {"require_email": True},
            AudienceStatus.NO_EMAIL,
            "`segments` names Paying, but there is no e-mail address, which `require_email` asks for",
        ),
    ],
)
def test_it_says_why_somebody_stands_so(of: Facts, sync: dict[str, Any], standing: AudienceStatus, why: str) -> None:
    found, said = told(of, rules(**sync))
    assert found is standing
    assert why in said


def test_of_many_segments_some_are_named_and_the_others_counted() -> None:
    said = told(facts(*(f"Segment {number}" for number in range(30)), entered=False), rules())[1]
    assert "Segment 0, Segment 1" in said
    assert "and 10 more" in said


def row(entity: Entity = SOMEBODY, **given: Any) -> PersonRow:
    quiet = {"due_at": None, "lane": LIVE, "waits_for": None, "holder": None, "sending": False, "attempts": 0}
    return PersonRow(**{"sync": "main", "entity": entity, "updated_at": 900.0, **quiet, **given})


def waits(of: PersonRow, by: Rules | None = None, health: Health = FINE) -> list[str]:
    return list(reasons.waits(of, by or rules(), health, NOW))


def test_of_whom_nothing_is_owed_nobody_says_anything() -> None:
    assert waits(row()) == []


@pytest.mark.parametrize(
    ("of", "said"),
    [
        (row(due_at=NOW), "they are due"),
        (row(due_at=NOW + 7), "they are due again in 7 s"),
        (row(due_at=NOW, lane=BACKFILL), "they are due: behind what is live, as a bulk load or a resync brought them"),
        (row(due_at=NOW, lane=EXIT), "they are due: the deletion guard has yet to see their deletion"),
        (
            row(due_at=NOW, lane=HELD),
            "the deletion guard holds their deletion: `connector approve main` lets it go",
        ),
        (
            row(waits_for="id:1002", holder="user-2"),
            "they wait for the identifier id:1002, which the user 'user-2' holds",
        ),
        (row(waits_for="id:1002"), "they wait for the identifier id:1002, which nobody any more holds"),
        (row(sending=True), "somebody is sending for them at this moment"),
        (
            row(Entity("user-1", doubt=1)),
            "a request about them went without an answer, so what Customer.io holds is in doubt",
        ),
        (row(attempts=3), "3 request(s) in a row failed at them alone, so they are sent by themselves"),
        (row(Entity("user-1", unreadable="broken")), "their row cannot be read (broken): nothing is sent"),
    ],
)
def test_it_says_what_stands_between_somebody_and_customerio(of: PersonRow, said: str) -> None:
    assert waits(of) == [said]


def test_a_pause_and_a_sync_that_does_not_deliver_are_told() -> None:
    assert waits(row(), rules(deliver=False)) == ["the sync does not deliver (`deliver = false`)"]
    assert waits(row(), health=Health(NOW + 9, "Customer.io answered 503")) == [
        "the connection is paused for 9 s more: Customer.io answered 503"
    ]
    assert waits(row(), health=Health(inf, "401")) == [
        "the connection is paused until its credentials are taken, which is tried once a minute: 401"
    ]
    assert waits(row(), health=Health(NOW - 1, "long ago")) == []
    assert list(reasons.waits(row(), None, Health(), NOW)) == [
        "the settings have no such sync any more: nothing is sent"
    ]
