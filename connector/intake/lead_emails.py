"""The e-mails of users where people are known by id or e-mail: a lead with the same e-mail is the user."""

from collections.abc import Mapping, Sequence

from connector.audience import leads
from connector.audience.addressing import email_of
from connector.audience.audience_status import AudienceStatus
from connector.model.entity import Entity
from connector.store import encoding
from connector.store.entities import Written


def want(wanted: dict[str, list[str]], written: Sequence[Written]) -> None:
    """Adds the users' e-mails to what is wanted: a lead with one is them. Users who do not get theirs do not wait."""
    for each in written:
        email = leads.lead_of(each.entity.facts)
        if email is not None and each.standing != AudienceStatus.MERGED:
            wanted.setdefault(email, []).append(each.entity.key)


def let_go(written: Sequence[Written], before: Mapping[str, Entity]) -> list[tuple[str, str]]:
    """Returns e-mails that are the users' no more, unless Customer.io knows them by it: then settlement lets it go."""
    released = []
    for each in written:
        old = before[each.entity.key]
        email, there = leads.lead_of(old.facts), old.delivered
        known = (there.identifier, email_of(there)) if there else ()
        delivered = [encoding.identifier_text(one) for one in known if one is not None]
        if email is not None and email != leads.lead_of(each.entity.facts) and email not in delivered:
            released.append((email, each.entity.key))
    return released
