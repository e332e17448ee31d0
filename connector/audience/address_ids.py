"""Ids that are e-mail addresses: by setting they name a lead, whom Customer.io knows by `{email}`.

Some upstreams take an address for the id of whoever has none yet. Sent as an id it would stay the id for good, and
the same person would be another one once they have an id of their own.
"""

import re
from collections.abc import Sequence
from dataclasses import replace

from connector.audience.leads import LEAD
from connector.audience.rules import MISSING, Rules
from connector.model import identifiers
from connector.model.change import Change

_ADDRESS = re.compile(r"[^\s@]+@[^\s@]+")


def as_leads(changes: Sequence[Change], rules: Rules) -> Sequence[Change]:
    """Returns the changes as a sync reads them that takes people whose id is an address for leads."""
    return [as_lead(each, rules) for each in changes] if rules.addresses_are_emails else changes


def as_lead(change: Change, rules: Rules) -> Change:
    """Returns a change with its user, and the one whom they turned out to be, as leads if their ids are addresses."""
    if not rules.addresses_are_emails:
        return change
    into = change.merged_into
    if into is not None and _is_address(into):
        change = replace(change, merged_into=_key(into))
    value = rules.identifier.find(change.user)
    own = None if value is MISSING else identifiers.text(value)
    address = next((each for each in (own, change.key) if each is not None), "")
    if not _is_address(address):
        return change
    user = {**change.user, rules.identifier.flat[0]: None}
    if not isinstance(rules.email.find(user), str):
        user[rules.email.flat[0]] = address
    return replace(change, user=user, key=_key(address) if change.key == address else change.key)


def _is_address(id: str) -> bool:
    return _ADDRESS.fullmatch(id) is not None and not id.startswith(LEAD)


def _key(address: str) -> str:
    return LEAD + address.lower()
