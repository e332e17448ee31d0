"""Leads whom upstream knows by two keys: first by e-mail alone, later by an id of their own.

Formats give who is named by an e-mail and nothing else the key `email:ADDRESS`. In a sync with
`identify_by = "id_or_email"` a user with another key and that e-mail is the same person: what is said under the lead's
key counts as said of that user, and a lead who is known already is handed over to them (`handover`).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from connector import notices
from connector.audience import DELETED, Standing, standing
from connector.model.change import Change
from connector.model.entity import Facts
from connector.mapping import has_email
from connector.model.versioned import Register
from connector.audience.rules import Rules

LEAD = "email:"
"""How the keys of leads begin. The key is also the text under which the store keeps who holds the e-mail."""
_OF_ONE_USER = frozenset(
    {notices.SUPPRESSED, notices.BY_RULE, notices.MERGED_INTO, notices.ABSORBED, DELETED}
)  # what was said of the lead as a whole


class Told(NamedTuple):
    """Whom the changes of a batch are about: a key for each change, and the leads who may be one of these users."""

    changes: Sequence[Change]
    keys: Sequence[str]
    leads: frozenset[str] = frozenset()


def is_lead(key: str) -> bool:
    """Whether a key is that of somebody known by e-mail alone."""
    return key.startswith(LEAD)


def lead_of(facts: Facts) -> str | None:
    """The key that the user had as a lead, None where they have no e-mail."""
    email: str | None = facts.identity.values.get("email")
    return LEAD + email.lower() if email is not None and has_email(email) else None


def told(changes: Sequence[Change], holders: Mapping[str, str], rules: Rules) -> Told:
    """Whom the changes are about; `holders` has the key of the user who holds the e-mail, by the lead's key.

    Of two users with one e-mail it is the one who had it first. What a lead's message leaves out says nothing of the
    person: it is a part, whatever it was.
    """
    mentioned: dict[str, str] = {}
    for change in changes:
        lead = _named(change, rules)
        if lead is not None:
            mentioned.setdefault(lead, change.key)
    keys = [_whose(change, holders, mentioned) for change in changes]
    parts = [each if each.key == key else replace(each, whole=False) for each, key in zip(changes, keys, strict=True)]
    return Told(parts, keys, frozenset(mentioned) - {*keys})


def _whose(change: Change, holders: Mapping[str, str], mentioned: Mapping[str, str]) -> str:
    if not is_lead(change.key) or change.merged_into is not None:
        return change.key
    holder = holders.get(change.key, change.key)
    return mentioned.get(change.key, change.key) if holder == change.key else holder


def _named(change: Change, rules: Rules) -> str | None:
    """The lead whose e-mail a change gives to a user of another key."""
    if is_lead(change.key):
        return None
    email = rules.email.find(change.user)
    return LEAD + email.strip().lower() if isinstance(email, str) and "@" in email else None


def joins(lead: Facts, rules: Rules) -> bool:
    """Whether a lead goes on as another user: who is suppressed, or was merged already, does not."""
    return standing(lead, rules) not in (Standing.SUPPRESSED, Standing.MERGED)


def joined(own: Facts, lead: Facts, key: str) -> tuple[Facts, Facts]:
    """The facts of the user `key` with what was said of the lead, each word by its version; and those of the lead."""
    version = max(lead.newest(), lead.traces.newest() or 0)
    said = Register(
        {name: value for name, value in lead.traces.values.items() if name not in _OF_ONE_USER},
        lead.traces.snapshot,
        lead.traces.versions,
    )
    both = Facts(
        attributes=_newest(own.attributes, lead.attributes),
        segments=_newest(own.segments, lead.segments),
        identity=own.identity,
        traces=_newest(own.traces, said),
        entered=own.entered or lead.entered,
        devices=_newest(own.devices, lead.devices),
        relationships=_newest(own.relationships, lead.relationships),
    )
    traces = lead.traces.updated({notices.MERGED_INTO: key}, version)
    return both, Facts(traces=traces, entered=lead.entered)


def _newest(own: Register, other: Register) -> Register:
    """The newest word on each name of two registers; of two as new, the own."""
    values, versions = dict(own.values), dict(own.versions)
    for name, value in other.values.items():
        said, written = other.versions.get(name, other.snapshot), own.versions.get(name, own.snapshot)
        if said is not None and (written is None or said > written):
            values[name], versions[name] = value, said
    return own if values == own.values and versions == own.versions else Register(values, own.snapshot, versions)


def spoken_of(changes: Iterable[Change]) -> list[str]:
    """The leads whom changes are about by their keys."""
    return sorted({change.key for change in changes if is_lead(change.key)})
