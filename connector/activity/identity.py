"""Who an activity is about, as the keys of profiles, and which keys turn out to be the same person.

An activity belongs to the strongest identifier that it names: the id, else the e-mail, else Customer.io's own. Its
other identifiers are linked to that one. What was said of them before is found by the links when somebody asks, so it
does not matter which came first. An address that two people have had belongs to the one who had it last.
"""

from collections.abc import Iterator
from typing import NamedTuple

from connector.activity.webhook import Activity, ReportedPerson
from connector.model.reported import ReportedWord, mark_of

ID, EMAIL, CIO_ID = "id:", "email:", "cio_id:"


class ProfileLink(NamedTuple):
    """A link from an identifier to the profile of a stronger one. at: unix seconds; event_id: of the webhook."""

    identifier: str
    owner: str
    at: int
    event_id: str


def keys(person: ReportedPerson) -> list[str]:
    """Returns the person's identifiers as keys of profiles, the strongest first."""
    named = ((ID, person.id), (EMAIL, person.email), (CIO_ID, person.cio_id))
    return [f"{prefix}{value}" for prefix, value in named if value]


def links(activity: Activity) -> Iterator[ProfileLink]:
    """Yields a link for each identifier that the activity shows to belong to a stronger one."""
    owner, *others = keys(activity.person)
    for each in others:
        yield ProfileLink(each, owner, activity.timestamp, activity.event_id)


def words(activity: Activity) -> Iterator[ReportedWord]:
    """Yields what the activity says that may bear on what is sent to the person, for each of their identifiers."""
    mark = mark_of(activity.object_type, activity.metric)
    if mark:
        named = keys(activity.person)
        for each in named:
            yield ReportedWord(each, named[0], mark, activity.timestamp, activity.event_id, activity.address)


def candidates(user: str) -> list[str]:
    """Returns the profile keys to try for an id, an e-mail address or `cio_id:...` that an operator typed."""
    if user.startswith(CIO_ID):
        return [user]
    return [f"{ID}{user}", *([f"{EMAIL}{user.lower()}"] if "@" in user else []), f"{CIO_ID}{user}"]
