"""Puts what was folded into the outbox, in the transaction that folds it: nothing is lost, and nothing is made up."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from pydantic_core import to_json
from sqlalchemy import Connection

from connector.activity import identity, profiles
from connector.activity.fields import ProfileField
from connector.activity.out import forms
from connector.activity.out.forms import OutMessage
from connector.activity.webhook import Activity
from connector.settings.out import OutTarget
from connector.store import import_jobs, outgoing


@dataclass(frozen=True, slots=True)
class Outbox:
    """The targets that folded webhooks are sent on to. fields: the fields that a profile is sent with."""

    targets: Sequence[OutTarget]
    fields: Sequence[ProfileField]

    def in_order(self, tx: Connection, connection: str) -> None:
        """Makes a connection's webhooks be folded one transaction after the other, where a target takes them."""
        if self._of(connection):
            outgoing.one_at_a_time(tx, connection)

    def add(self, tx: Connection, connection: str, activities: Sequence[Activity], now: float) -> None:
        """Adds what was folded: the activities in their order, then the profiles that they changed.

        A target whose import job has ended is given nothing.

        Args:
            tx: The transaction that has folded them.
            connection: The connection, by its name.
            activities: What was folded.
            now: Unix seconds, by the store's clock.
        """
        ended = {name for name, state in import_jobs.still(tx, "out").items() if state == "ended"}
        targets = [each for each in self._of(connection) if each.name not in ended]
        if not targets or not activities:
            return
        rows = [row for target in targets if target.events for row in _events(target, connection, activities)]
        wanting = [each for each in targets if each.profiles]
        if wanting:
            keys = list(dict.fromkeys(identity.keys(each.person)[0] for each in activities))
            changed = profiles.of_all_keys(tx, connection, keys, self.fields)
            said = activities[-1].event_id
            rows += [
                _row(target, found.key, forms.profile(target.form, found, _profile_id(found.key, said)))
                for target in wanting
                for found in changed
            ]
        outgoing.add(tx, rows, now)

    def _of(self, connection: str) -> list[OutTarget]:
        return [each for each in self.targets if each.takes(connection)]


def renewed(
    tx: Connection, target: OutTarget, message: Mapping[str, Any], fields: Sequence[ProfileField]
) -> Mapping[str, Any]:
    """Returns a message that was put aside in the state in which it is to be sent now.

    A profile is read again: a later state of it may have been sent meanwhile, and an older one must not follow that.
    Any other message, and a profile that is no longer known, is returned unchanged.

    Args:
        tx: A transaction.
        target: The target that it is sent to.
        message: The message, as it was put aside.
        fields: The fields that a profile is sent with.
    """
    connection, _, what = str(message["topic"]).partition(".")
    found = profiles.of_keys(tx, connection, [message["person"]], fields) if what == forms.PROFILE else None
    if found is None:
        return message
    return _row(target, found.key, forms.profile(target.form, found, message["message_id"]))


NOTHING_OUT = Outbox((), ())


def _events(target: OutTarget, connection: str, activities: Iterable[Activity]) -> Iterator[Mapping[str, Any]]:
    for each in activities:
        yield _row(target, identity.keys(each.person)[0], forms.event(target.form, connection, each))


def _row(target: OutTarget, person: str, message: OutMessage) -> Mapping[str, Any]:
    body = to_json(message.body).decode()
    return {
        "target": target.name,
        "person": person,
        "message_id": message.id,
        "topic": message.topic,
        "body": body,
    }


def _profile_id(key: str, event_id: str) -> str:
    """Returns a message id for one change of a profile, made from its key and the last webhook of the batch."""
    return f"profile-{sha256(f'{key} {event_id}'.encode()).hexdigest()[:32]}"
