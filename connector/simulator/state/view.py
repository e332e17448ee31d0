"""People and their belongings as they are shown: as they are, and as the App API writes them."""

from collections.abc import Mapping
from typing import Any

from pydantic_core import to_json

from connector.simulator.state.people import SimulatedEvent, SimulatedPerson
from connector.simulator.state.segments import SimulatedSegment
from connector.simulator.state.state import SimulatedState


def whole(state: SimulatedState, person: SimulatedPerson) -> dict[str, Any]:
    """Returns one person with everything they have, values as they were sent."""
    return {
        "identifiers": person.identifiers,
        "attributes": person.attributes,
        "events": [event(one) for one in person.events],
        "devices": [{"token": token, **device} for token, device in person.devices.items()],
        "relationships": [
            {"identifiers": thing.identifiers, "relationship_attributes": held}
            for thing, held in person.relationships.items()
        ],
        "segments": [{"id": segment.id, "name": segment.name} for segment in segments_of(state, person)],
        "unsubscribed": person.unsubscribed,
    }


def event(one: SimulatedEvent) -> dict[str, Any]:
    """Returns one event as it was sent."""
    return {
        "id": one.id,
        "name": one.name,
        "type": one.type,
        "timestamp": one.timestamp,
        "attributes": one.attributes,
    }


def segments_of(state: SimulatedState, person: SimulatedPerson) -> list[SimulatedSegment]:
    """Returns the segments the person is in."""
    return [segment for segment in state.catalogue.all() if state.memberships.holds(segment.id, person)]


def as_text(value: Any) -> str:
    """Returns a value as the App API gives it: everything is a string there (docs/customerio.md#app-api)."""
    return value if isinstance(value, str) else to_json(value).decode()


def identifiers(person: SimulatedPerson) -> dict[str, str | None]:
    """Returns a person's names as the App API lists them; an id-only workspace lists the email, an attribute, too."""
    email = person.identifiers["email"] or person.attributes.get("email")
    return {"id": person.identifiers["id"], "email": email, "cio_id": person.cio_id}


def attributes(person: SimulatedPerson) -> dict[str, str]:
    """Returns every attribute as a string, the identifiers among them."""
    own = {kind: value for kind, value in identifiers(person).items() if value is not None}
    named = {name: as_text(value) for name, value in person.attributes.items()}
    return {**own, "_created_in_customerio_at": str(int(person.created)), **named}


def customer(person: SimulatedPerson) -> dict[str, Any]:
    """Returns a person as `GET /v1/customers/{id}/attributes` gives them."""
    return {
        "id": person.identifiers["id"] or "",
        "identifiers": identifiers(person),
        "attributes": attributes(person),
        "timestamps": {name: int(at) for name, at in person.timestamps.items()},
        "unsubscribed": person.unsubscribed,
        "devices": [{"id": token, **device} for token, device in person.devices.items()],
    }


def page(rows: list[Any], start: str, limit: int) -> tuple[list[Any], str]:
    """Returns the rows from `start`, and the start of the next page: "" at the end."""
    first = int(start) if start.isascii() and start.isdigit() else 0
    last = first + limit
    return rows[first:last], str(last) if last < len(rows) else ""


def known(names: Mapping[str, str | None]) -> dict[str, str]:
    """Returns the identifiers that are set."""
    return {kind: value for kind, value in names.items() if value is not None}
