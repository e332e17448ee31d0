"""`connector plan` of messages about objects and relationships: what would be sent, and why or why not."""

from typing import Any

import pytest

from connector.admin.preview.preview import Preview, Previewer
from connector.model.change import Change, ObjectChange, Relationship
from tests.build import PAYING, STAFF, rules, snapshot

TYPE = {"type": "1", "attributes": ["name"], "relationship_attributes": ["role"], "on_exit": "delete"}

GROUPS = {**TYPE, "from": ["group"]}


def previews(*messages: Change | ObjectChange, **settings: Any) -> list[Preview]:
    under = rules(**{"objects": [TYPE], "segment_attribute": "", **settings})
    return list(Previewer((under,), explained=True).preview(messages))


def lines(preview: Preview, *kinds: str) -> list[tuple[str, str]]:
    return [(line.name, line.outcome) for line in preview.explanation if line.kind in kinds]


def related(*relationships: Relationship, segment: Any = PAYING, version: int = 1) -> Change:
    told = snapshot(version, segment, plan="pro")
    return Change(told.key, told.user, whole=True, segments=told.segments, version=version, relationships=relationships)


def test_an_object_goes_before_the_relationship_to_it() -> None:
    (preview,) = previews(related(Relationship("1", "acme", {"role": "x"})))

    assert [(each["type"], each["action"]) for each in preview.operations] == [
        ("person", "identify"),
        ("object", "identify"),
        ("person", "add_relationships"),
    ]
    assert lines(preview, "object", "relationship") == [("1/acme", "identify sent"), ("1/acme", "sent")]
    assert ("plan", "sent: pro") in lines(preview, "attribute")


def test_what_is_there_is_not_sent_again_and_what_ended_is_said() -> None:
    a, b = Relationship("1", "a"), Relationship("1", "b")
    _, second, third = previews(related(a, b), related(a, b, version=2), related(a, version=3))

    assert second.operations == ()
    assert lines(second, "object", "relationship") == [("1/a", "not sent"), ("1/b", "not sent")]
    assert lines(third, "relationship") == [("1/b", "ended"), ("1/a", "not sent")]


def test_an_object_of_its_own_is_explained() -> None:
    first, second, third, gone = previews(
        ObjectChange("1", "acme", {"name": "x"}, version=1),
        ObjectChange("1", "acme", {"name": "x"}, version=2),
        ObjectChange("1", "acme", {"name": None}, version=3),
        ObjectChange("1", "acme", left=True, version=4),
    )

    assert (first.user, first.object, first.decision) == (None, "1/acme", "sync")
    assert first.as_json()["object"] == "1/acme"
    assert lines(first, "object", "attribute") == [("1/acme", "identify sent"), ("name", "sent: x")]
    assert (second.decision, second.operations) == ("skip", ())
    assert lines(third, "attribute") == [("name", "cleared")]
    assert (gone.decision, gone.operations[0]["action"]) == ("exit", "delete")


@pytest.mark.parametrize(
    ("change", "settings", "reason"),
    [
        (ObjectChange("7", "x"), {}, "`objects` names no type 7"),
        (
            ObjectChange("1", "x"),
            {"objects": [GROUPS]},
            "`from` of the type 1 does not name object",
        ),
        (ObjectChange("1", "x"), {"objects": []}, "`objects` names no type 1"),
    ],
)
def test_what_the_settings_do_not_take_is_said(change: ObjectChange, settings: dict[str, Any], reason: str) -> None:
    (preview,) = previews(change, **settings)

    assert (preview.decision, preview.reason, preview.operations) == ("skip", reason, ())


def test_who_is_outside_brings_no_object() -> None:
    (preview,) = previews(related(Relationship("1", "acme"), segment=STAFF))

    assert preview.operations == ()


def test_a_relationship_to_a_deleted_object_waits() -> None:
    gone = ObjectChange("1", "acme", deleted=True, version=1)
    _, preview = previews(gone, related(Relationship("1", "acme"), version=2))

    assert [each["action"] for each in preview.operations] == ["identify"]
    assert lines(preview, "relationship") == [("1/acme", "not sent")]
