"""What an answer of the App API says: who is there, with which attributes (reference: customerio-api, 4.1 and 4.4)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic_core import from_json

from connector.model.entity import Identifier
from connector.outcome import BEFORE_IT_WAS_READ, Pause, Reply

PEOPLE_A_REQUEST = 100

Held = Mapping[Identifier, Mapping[str, Any]]
"""Attributes by identifier, as `normal` writes it; nobody's where there is no such person."""


@dataclass(frozen=True, slots=True)
class Found:
    """The people who are there, of those who were asked for."""

    people: Held


def normal(identifier: Identifier) -> Identifier:
    """The identifier as two spellings of it agree: e-mail addresses compare without case."""
    return Identifier("email", identifier.value.lower()) if identifier.type == "email" else identifier


def read(reply: Reply, kind: str) -> Found | Pause:
    """What `reply` means, to a question after people by identifiers of one kind.

    A pause is until "human" where asking again cannot help.
    """
    match reply.status:
        case 200:
            return _found(reply, kind)
        case 0:
            return Pause(reply.fault or "no answer", "backoff", doubt=False)
        case 401 | 403:
            reason = "app_api_key is not an App API key of this workspace, or may not read people"
            return Pause(f"Customer.io answered {reply.status}: {reason}", "human", doubt=False)
        case status if status >= 500 or status in BEFORE_IT_WAS_READ:
            return Pause(f"Customer.io answered {status}", "backoff", False, reply.retry_after)
        case 400 | 422:
            reason = f"it cannot look up people by {kind}" + (f" ({words})" if (words := _words(reply.body)) else "")
            return Pause(f"Customer.io answered {reply.status}: {reason}", "human", doubt=False)
        case status:
            reason = "the connection's region or app_url is not this workspace's"
            return Pause(f"Customer.io answered {status}: {reason}", "human", doubt=False)


def _found(reply: Reply, kind: str) -> Found | Pause:
    body = _object(reply.body)
    customers = None if body is None else body.get("customers")
    if not isinstance(customers, list):
        return Pause("the answer 200 is not Customer.io's: it lists no people", "backoff", False, reply.retry_after)
    return Found({name: attributes for each in customers for name, attributes in _person(each, kind)})


def _person(customer: Any, kind: str) -> Iterator[tuple[Identifier, Mapping[str, Any]]]:
    """A person's identifier and attributes; the documentation's example wraps each in `customer` once more."""
    inner = customer.get("customer", customer) if isinstance(customer, dict) else None
    if not isinstance(inner, dict):
        return
    attributes, identifiers = inner.get("attributes"), inner.get("identifiers")
    held: Mapping[str, Any] = attributes if isinstance(attributes, dict) else {}
    names: Mapping[str, Any] = identifiers if isinstance(identifiers, dict) else {}
    value = names.get(kind) or held.get(kind) or (inner.get("id") if kind == "id" else None)
    if value:
        yield normal(Identifier(kind, str(value))), held


def _words(body: bytes) -> str:
    """What the App API's envelope says is wrong."""
    found = _object(body)
    errors = found.get("errors") if found else None
    details = [each.get("detail") for each in errors if isinstance(each, dict)] if isinstance(errors, list) else []
    return "; ".join(str(each)[:200] for each in details if each)


def _object(body: bytes) -> dict[str, Any] | None:
    try:
        found = from_json(body)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
