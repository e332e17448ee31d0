"""The e-mails of users where people are known by id or e-mail: a lead with the same e-mail is the user."""

from collections.abc import Mapping, Sequence

from connector.audience import leads
from connector.audience.addressing import email_of
from connector.audience.audience_status import AudienceStatus
from connector.model.entity import Entity
from connector.store import encoding
from connector.store.entities import Written


def want(wanted: dict[str, list[str]], written: Sequence[Written]) -> None:
    """A user with an e-mail holds it beside their id: a lead with it is them. One who does not get it does not wait."""
    for each in written:
        email = leads.lead_of(each.entity.facts)
        if email is not None and each.standing != AudienceStatus.MERGED:
            wanted.setdefault(email, []).append(each.entity.key)


def let_go(written: Sequence[Written], before: Mapping[str, Entity]) -> list[tuple[str, str]]:
    """E-mails that are the users' no more, and that Customer.io does not know them by: else settlement lets go."""
    released = []
    for each in written:
        old = before[each.entity.key]
        email, there = leads.lead_of(old.facts), old.delivered
        known = (there.identifier, email_of(there)) if there else ()
        delivered = [encoding.identifier_text(one) for one in known if one is not None]
        if email is not None and email != leads.lead_of(each.entity.facts) and email not in delivered:
            released.append((email, each.entity.key))
    return released
