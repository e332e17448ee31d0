"""Reads the App API's answers about people: who exists, and their attributes (docs/customerio.md#app-api)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from connector.customerio import envelopes, responses, statuses
from connector.customerio.responses import Pause, Reply
from connector.customerio.statuses import Meaning
from connector.model.entity import Identifier

HeldPeople = Mapping[Identifier, Mapping[str, Any]]
"""Attributes by identifier, as `normal` writes it; none if there is no such person."""


@dataclass(frozen=True, slots=True)
class FoundPerson:
    """The people who exist, of those who were asked for."""

    people: HeldPeople


def normal(identifier: Identifier) -> Identifier:
    """Returns an identifier in the form in which its spellings are equal: e-mail addresses compare without case."""
    return Identifier("email", identifier.value.lower()) if identifier.type == "email" else identifier


def read(reply: Reply, kind: str) -> FoundPerson | Pause:
    """Decides what a reply means to a question after people by identifiers of one kind.

    A pause is until "human" if asking again cannot help. Reading leaves nothing in doubt.
    """
    if not reply.status:
        return replace(responses.no_answer(reply), doubt=False)
    meaning = statuses.meaning(statuses.APP, reply.status)
    if meaning is Meaning.ACCEPTED:
        return _found(reply, kind)
    if meaning in (Meaning.NOT_PROCESSED, Meaning.FAILED):
        return replace(responses.failed(reply), doubt=False)
    return _refused(reply, kind)


def _refused(reply: Reply, kind: str) -> Pause:
    """Decides what a refusal means that asking again does not change: Customer.io's, or another server's."""
    words = envelopes.refusal(reply.usable_body)
    meaning = statuses.meaning(statuses.APP, reply.status)
    if reply.status == 401 or (meaning is Meaning.CREDENTIALS and words):
        reason = "app_api_key is not an App API key of this workspace, or may not read people"
    elif meaning is Meaning.WRONG_ADDRESS or (reply.status == 404 and words):
        reason = "the connection's region or app_url is not this workspace's"
    elif words:
        reason = f"it cannot look up people by {kind}"
    else:
        return replace(responses.foreign(reply, "it has no error in Customer.io's form"), doubt=False)
    return Pause(f"{responses.reason_begins(reply)}: {reason}", "human", doubt=False)


def _found(reply: Reply, kind: str) -> FoundPerson | Pause:
    body = envelopes.json_object(reply.usable_body)
    customers = None if body is None else body.get("customers")
    if not isinstance(customers, list) or not all(isinstance(each, dict) for each in customers):
        return replace(responses.foreign(reply, "it lists no people"), doubt=False)
    return FoundPerson({name: attributes for each in customers for name, attributes in _person(each, kind)})


def _person(customer: Any, kind: str) -> Iterator[tuple[Identifier, Mapping[str, Any]]]:
    """Yields a person's identifier and attributes; the documentation's example wraps each in `customer` once more."""
    inner = customer.get("customer", customer) if isinstance(customer, dict) else None
    if not isinstance(inner, dict):
        return
    attributes, identifiers = inner.get("attributes"), inner.get("identifiers")
    held: Mapping[str, Any] = attributes if isinstance(attributes, dict) else {}
    names: Mapping[str, Any] = identifiers if isinstance(identifiers, dict) else {}
    value = names.get(kind) or held.get(kind) or (inner.get("id") if kind == "id" else None)
    if value:
        yield normal(Identifier(kind, str(value))), held
