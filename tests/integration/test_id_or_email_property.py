"""Whatever ids and e-mails come, in whatever order: nobody stops anybody, and each identifier has one holder."""

from collections.abc import Callable
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st
from sqlalchemy import text

from connector.audience import leads
from connector.audience.audience_status import AudienceStatus
from connector.model.entity import Entity
from connector.store import encoding
from connector.store.engine import Store
from connector.store.entities import entity_of
from tests.budget import searching
from tests.simulated import Simulated
from tests.world import World

SYNC: dict[str, Any] = {
    "identify_by": "id_or_email",
    "identifier": "id",
    "attributes": ["plan"],
    "segments": ["Paying"],
}
Batch = list[dict[str, Any]]
IDS, EMAILS = ("u", "v", "w"), ("a@example.com", "b@example.com", "c@example.com")

many = searching(10)


def person(id: str | None, email: str | None, inside: bool = True) -> dict[str, Any]:
    user = {name: value for name, value in (("id", id), ("email", email)) if value is not None}
    return {"user": user, "segments": ["Paying"] if inside else []}


people = st.builds(
    person,
    st.none() | st.sampled_from(IDS),
    st.none() | st.sampled_from(EMAILS),
    st.sampled_from([True, True, True, False]),
).filter(lambda said: bool(said["user"]))
batches = st.lists(st.lists(people, min_size=1, max_size=6), min_size=1, max_size=5)
A, B, C = EMAILS
GIVEN_UP = [person("v", A), person("u", A), person("v", C), person(None, A), person("u", A)]


@many
@given(taken=batches, deliver=st.booleans())
@example(taken=[[each] for each in GIVEN_UP], deliver=False)
@example(taken=[[each] for each in GIVEN_UP], deliver=True)
@example(taken=[GIVEN_UP], deliver=True)
def test_any_ids_and_emails_in_any_order_are_taken_in_and_each_has_one_holder(
    make_world: Callable[..., World], simulator: Simulated, taken: list[Batch], deliver: bool
) -> None:
    world = make_world(sync=SYNC)
    empty(world.store)
    simulator.reset()
    for batch in taken:
        world.take(*batch)
        if deliver:
            world.settle()
        check(world.store)
    world.settle()
    check(world.store)


def check(store: Store) -> None:
    """Who holds an identifier is there and has reason to; whoever is sent under one finds that held."""
    with store.reading() as tx:
        rows = tx.execute(text("SELECT * FROM entity WHERE kind = 'person'")).all()
        entities = {row.key: (entity_of(row, row.doubt), row) for row in rows}
        holders = {row.identifier: row.key for row in tx.execute(text("SELECT * FROM identity")).all()}
    for identifier, key in holders.items():
        assert key in entities, f"{identifier} is held by {key!r}, who is not there"
        assert identifier in reasons(entities[key][0]), f"{key!r} holds {identifier} for no reason"
    for key, (entity, row) in entities.items():
        if row.standing != AudienceStatus.IN:
            continue
        if (identifier := sent_under(entity)) is not None:
            assert identifier in holders, f"nobody holds {identifier}, which {key!r} is sent under"


def sent_under(entity: Entity) -> str | None:
    id = entity.facts.identity.values.get("identifier")
    return f"id:{id}" if id else leads.lead_of(entity.facts)


def reasons(entity: Entity) -> set[str | None]:
    there: set[str | None] = {encoding.identifier_text(each) for each in entity.tried.identifiers}
    if entity.delivered:
        there |= {encoding.identifier_text(each) for each in (entity.delivered.identifier, *entity.delivered.former)}
        there |= {f"email:{entity.delivered.attributes.get('email')}".lower()}
    return there | {sent_under(entity), leads.lead_of(entity.facts)}


def empty(store: Store) -> None:
    with store.writing() as tx:
        for name in ("entity", "identity", "event", "problem", "tally"):
            tx.execute(text(f"DELETE FROM {name}"))
