"""Passes the e-mails that leads hold to the users that the leads turned out to be (`audience.leads`)."""

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import Connection, bindparam, case, delete, exists, func, literal, null, select, update

from connector.audience import leads
from connector.model.entity import Unconfirmed
from connector.store import encoding, identifier_holders
from connector.store.bulk_sql import among
from connector.store.entities import TABLE, of

_IDENTITY = identifier_holders.TABLE


def one_at_a_time(tx: Connection, sync: str) -> None:
    """Lets one transaction at a time take in messages for this sync, by a lock of PostgreSQL's.

    A lead's first call and the call that gives them an id may come in two batches at once: neither would see the other.
    """
    tx.execute(select(func.pg_advisory_xact_lock(func.hashtext(f"leads of {sync}"))))


def pass_on(tx: Connection, sync: str, survivors: Mapping[str, str]) -> None:
    """Gives the e-mails that leads hold to the users that they turned out to be. survivors: these by the lead's key."""
    moves = [{"lead": lead, "to": key} for lead, key in sorted(survivors.items())]
    if moves:
        held = (_IDENTITY.c.sync == sync) & (_IDENTITY.c.identifier == bindparam("lead"))
        theirs = held & (_IDENTITY.c.key == bindparam("lead"))
        tx.execute(update(_IDENTITY).where(theirs).values(key=bindparam("to")), moves)


def may_be_there(tx: Connection, sync: str, tried: Sequence[tuple[str, Unconfirmed]], now: float) -> None:
    """Raises doubt about users who may exist in Customer.io under another identifier too.

    Args:
        tx: a writing transaction.
        sync: the name of the sync.
        tried: pairs of a user's key and what may exist.
        now: unix seconds, by the store's clock.
    """
    rows = [{"the_key": key, "may_exist": encoding.tried_text(each)} for key, each in sorted(tried)]
    if rows:
        mine = of(sync) & (TABLE.c.key == bindparam("the_key"))
        due_at = case((TABLE.c.waits_for.is_not(None), null()), else_=func.coalesce(TABLE.c.due_at, literal(now)))
        raised = update(TABLE).where(mine)
        values = {"tried": bindparam("may_exist"), "doubt": TABLE.c.doubt + 1, "due_at": due_at}
        tx.execute(raised.values(values), rows)


def drop(tx: Connection, sync: str, keys: Iterable[str]) -> None:
    """Deletes the rows of leads among `keys` whose e-mails other users hold, with no doubt and nothing delivered.

    A privacy request for such a user then finds all that there is; an e-mail that is given up is free again.
    """
    found = [key for key in keys if leads.is_lead(key)]
    if found:
        passed = exists().where(
            _IDENTITY.c.sync == sync, _IDENTITY.c.identifier == TABLE.c.key, _IDENTITY.c.key != TABLE.c.key
        )
        mine = of(sync) & among(tx, TABLE.c.key, found) & (TABLE.c.doubt == 0) & TABLE.c.delivered.is_(None)
        tx.execute(delete(TABLE).where(mine, passed))
