"""Leads with two keys upstream: first their e-mail alone, later an id of their own.

Formats give a user who is named by an e-mail and nothing else the key `email:ADDRESS`. In a sync with
`identify_by = "id_or_email"` a user with another key and that e-mail is the same person: messages with the
lead's key count for that user, and a lead who is known already is handed over to them (`planning.merged_users`).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from connector.audience.addressing import has_email
from connector.audience.audience_status import AudienceStatus, standing_of
from connector.audience.mapping import fits
from connector.audience.rules import Rules
from connector.model.bounds import storable
from connector.model.change import Change
from connector.model.entity import Facts
from connector.model.identifiers import stripped
from connector.model.lifecycle import Lifecycle

LEAD = "email:"
"""The beginning of the keys of leads. The key is also the text under which the store keeps who holds the e-mail."""


class AboutWhom(NamedTuple):
    """The users of a batch: a key for each change, and the leads who may be one of these users."""

    changes: Sequence[Change]
    keys: Sequence[str]
    leads: frozenset[str] = frozenset()


def is_lead(key: str) -> bool:
    """Says whether a key is that of somebody known by e-mail alone."""
    return key.startswith(LEAD)


def lead_of(facts: Facts) -> str | None:
    """Returns the key that the user had as a lead, None where they have no e-mail."""
    email: str | None = facts.identity.values.get("email")
    return LEAD + email.lower() if email is not None and has_email(email) else None


def told(changes: Sequence[Change], holders: Mapping[str, str], rules: Rules) -> AboutWhom:
    """Returns the users of the changes; `holders` has the key of the user who holds the e-mail, by the lead's key.

    If two users have one e-mail, the one who had it first counts. A lead's message counts as a part, even if it was
    whole: what it leaves out says nothing about the person.
    """
    mentioned: dict[str, str] = {}
    for change in changes:
        lead = _named(change, rules)
        if lead is not None:
            mentioned.setdefault(lead, change.key)
    keys = [_whose(change, holders, mentioned) for change in changes]
    parts = [each if each.key == key else replace(each, whole=False) for each, key in zip(changes, keys, strict=True)]
    return AboutWhom(parts, keys, frozenset(mentioned) - {*keys})


def _whose(change: Change, holders: Mapping[str, str], mentioned: Mapping[str, str]) -> str:
    if not is_lead(change.key) or change.merged_into is not None:
        return change.key
    holder = holders.get(change.key, change.key)
    return mentioned.get(change.key, change.key) if holder == change.key else holder


def _named(change: Change, rules: Rules) -> str | None:
    """Returns the lead whose e-mail a change gives to a user of another key; None if it cannot be kept."""
    if is_lead(change.key) or change.merged_into is not None:
        return None
    email = rules.email.find(change.user)
    if not isinstance(email, str) or "@" not in email or not storable(email):
        return None
    address = stripped(email)
    return LEAD + address.lower() if fits(address) else None


def joins(lead: Facts, rules: Rules) -> bool:
    """Says whether a lead goes on as another user: not if they are suppressed, or were merged already."""
    return standing_of(lead, rules) not in (AudienceStatus.SUPPRESSED, AudienceStatus.MERGED)


def joined(own: Facts, lead: Facts, key: str) -> tuple[Facts, Facts]:
    """Returns the facts of the user `key` with what was said of the lead, each by its version, and the lead's facts."""
    version = max(lead.newest(), lead.lifecycle.newest() or 0)
    both = Facts(
        attributes=own.attributes.joined(lead.attributes),
        segments=own.segments.joined(lead.segments),
        identity=own.identity,
        lifecycle=Lifecycle(own.lifecycle.entries.joined(lead.lifecycle.of_the_person().entries)),
        entered=own.entered or lead.entered,
        devices=own.devices.joined(lead.devices),
        relationships=own.relationships.joined(lead.relationships),
    )
    return both, Facts(lifecycle=lead.lifecycle.merged(key, version), entered=lead.entered)


def spoken_of(changes: Iterable[Change]) -> list[str]:
    """Returns the leads whom changes are about by their keys."""
    return sorted({change.key for change in changes if is_lead(change.key)})
