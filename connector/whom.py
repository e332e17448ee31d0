"""Whom a privacy request means, and under which identifiers Customer.io may know them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from connector import address, errand, plan
from connector.runtime import AtHand
from connector.audience import Desired, Standing
from connector.model.entity import Entity, Identifier
from connector.errors import ConnectorError
from connector.store.name_search import Known
from connector.audience.rules import Rules
from connector.store import erasure, traces
from connector.store.erasure import Match, Row

By = Literal["", "key", "identifier"]


@dataclass(frozen=True, slots=True)
class Found:
    """Who is meant by the name `user`: their key, and their rows in one sync or in all ("").

    There are no rows where nothing but traces of the name is left.
    """

    user: str
    key: str
    rows: tuple[Row, ...]
    sync: str = ""


def find(at_hand: AtHand, user: str, sync: str = "", by: By = "") -> Found:
    """Who is known as `user`: by upstream's key, or an identifier or e-mail.

    Raises SettingsError where the settings name no such sync, ConnectorError where nobody is known so, or several are.
    """
    if sync:
        at_hand.rules(sync)
    with at_hand.store.reading() as connection:
        key = _the_one(erasure.find(connection, user, sync), user, by)
        rows = erasure.rows(connection, key, sync) if key is not None else []
        if not rows and not traces.find(connection, [user], [user.lower()], sync).count():
            where = f"in the sync {sync!r}" if sync else "in any sync"
            raise ConnectorError(f"nobody is known as {user!r} {where}: give the user's key upstream, id or e-mail")
    return Found(user, user if key is None else key, tuple(rows), sync)


def _the_one(matches: Sequence[Match], user: str, by: By) -> str | None:
    """The key of the one user who is meant; None where nobody is known so. Who was sent goes before who was not."""
    wanted: tuple[Known, ...] = (by,) if by else ("key", "identifier")
    known = [match for match in matches if match.known & {*wanted}]
    if not known and by != "key":
        known = [match for match in matches if "said" in match.known]
    keys = sorted({match.key for match in known})
    if len(keys) > 1:
        names = ", ".join(map(repr, keys))
        raise ConnectorError(
            f"{user!r} may be any of {len(keys)} users: {names}. Give the key of the one that is meant, with --by key"
        )
    return keys[0] if keys else None


def addresses(entity: Entity, rules: Rules) -> tuple[Identifier, ...]:
    """Every identifier under which Customer.io may know the user: what was, may have been, and would be sent.

    Of a sync that does not deliver, only what was or may have been.
    """
    gone = plan.next_step(entity, Desired(Standing.DELETED, None), (), rules)
    found = errand.tried(gone.operations).identifiers
    said = address.of(entity.facts.identity.values, rules)
    never = not rules.deliver and not entity.doubt
    if said is None or never:
        return found
    # A request that was lost before any fact moved has left no other note than the facts themselves.
    return found if any(said.same_as(each) for each in found) else (*found, said)
