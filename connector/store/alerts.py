"""Keeps alerts, and what is told of them: each notice is one row a channel, so none is ever made twice."""

from collections.abc import Collection, Iterable
from dataclasses import asdict, replace
from typing import Any

from sqlalchemy import Connection, and_, bindparam, delete, exists, func, select, update

from connector.model.alert import AlertState, ChannelState, Notice, Routed, Told
from connector.store.alert_tables import AlertChannelRow, AlertNoticeRow, AlertRow
from connector.store.bulk_sql import among, insert

TABLE = AlertRow.__table__  # type: ignore[attr-defined]  # SQLModel makes it, its types do not tell
NOTICE = AlertNoticeRow.__table__  # type: ignore[attr-defined]  # as above
CHANNEL = AlertChannelRow.__table__  # type: ignore[attr-defined]  # as above
_WAITS = NOTICE.c.told_at.is_(None)
_STATE = [TABLE.c[name] for name in AlertState.__dataclass_fields__]
_NOTICE = [NOTICE.c[name] for name in Notice._fields]


def known(tx: Connection) -> dict[str, AlertState]:
    """Returns every open and every past alert, by its key; the latest first."""
    rows = tx.execute(select(*_STATE).order_by(TABLE.c.opened_at.desc(), TABLE.c.key))
    return {row.key: AlertState(*row) for row in rows}


def keep(tx: Connection, states: Iterable[AlertState]) -> None:
    """Writes the states of alerts."""
    rows = [asdict(each) for each in sorted(states, key=lambda each: each.key)]
    if rows:
        statement = insert(tx.dialect.name, TABLE)
        again = {column.name: statement.excluded[column.name] for column in _STATE if column.name != "key"}
        tx.execute(statement.on_conflict_do_update(index_elements=["key"], set_=again), rows)


def acknowledge(tx: Connection, keys: Collection[str], now: float, by: str) -> list[str]:
    """Notes that somebody has taken alerts on.

    Args:
        tx: A transaction that writes.
        keys: The alerts, by their keys.
        now: The store's time, in unix seconds.
        by: Who takes them on.

    Returns:
        Those that are open and were not taken on before.
    """
    mine = among(tx, TABLE.c.key, keys) & TABLE.c.recovered_at.is_(None) & TABLE.c.acknowledged_at.is_(None)
    taken = update(TABLE).where(mine).values(acknowledged_at=now, acknowledged_by=by)
    return sorted(tx.execute(taken.returning(TABLE.c.key)).scalars())


def latest_notices(tx: Connection, limit: int) -> list[Told]:
    """Returns the notices that channels have sent or are to send, the latest first."""
    columns = (NOTICE.c.channel, *_NOTICE, NOTICE.c.due_at, NOTICE.c.told_at)
    order = (NOTICE.c.at.desc(), NOTICE.c.channel, NOTICE.c.alert, NOTICE.c.number.desc())
    rows = tx.execute(select(*columns).order_by(*order).limit(limit))
    return [Told(row[0], Notice(*row[1:-2]), row[-2], row[-1]) for row in rows]


def tell(tx: Connection, routed: Iterable[Routed]) -> None:
    """Adds notices for channels to send, unless they are there already.

    A later notice of an alert goes only to channels that had the first one of the same episode.
    """
    wanted = list(routed)
    begun = _told_of(tx, {each.notice.alert for each in wanted if each.notice.number > 1})
    rows = [
        {"channel": channel, **notice._asdict(), "due_at": due_at}
        for channel, notice, due_at in wanted
        if notice.number == 1 or (channel, notice.alert, notice.episode) in begun
    ]
    if rows:
        tx.execute(insert(tx.dialect.name, NOTICE).on_conflict_do_nothing(), rows)


def _told_of(tx: Connection, keys: Collection[str]) -> set[tuple[str, str, int]]:
    """Returns the channels that have a notice of the beginning of these alerts, each with the alert and the episode."""
    if not keys:
        return set()
    first = among(tx, NOTICE.c.alert, keys) & (NOTICE.c.number == 1)
    found = tx.execute(select(NOTICE.c.channel, NOTICE.c.alert, NOTICE.c.episode).where(first))
    return {(row[0], row[1], int(row[2])) for row in found}


def claim(tx: Connection, channel: str, holder: str, now: float, seconds: float) -> bool:
    """Takes the lease on a channel, unless another holds it or the back-off is not over; says whether it did.

    Args:
        tx: A transaction that writes.
        channel: The channel, by its name.
        holder: Who takes it, new each time.
        now: The store's time, in unix seconds.
        seconds: How long the lease lasts.
    """
    row = {"name": channel, "failures": 0, "reason": "", "next_at": 0.0, "holder": holder, "held_until": now + seconds}
    # Nobody holds it for so long: what ends later was written before the store's clock was set back.
    free = (CHANNEL.c.held_until < now) | (CHANNEL.c.held_until > now + 2 * seconds)
    taking = insert(tx.dialect.name, CHANNEL).values(row)
    held = {"holder": holder, "held_until": now + seconds}
    taken = taking.on_conflict_do_update(index_elements=["name"], set_=held, where=free & (CHANNEL.c.next_at <= now))
    return tx.execute(taken.returning(CHANNEL.c.name)).one_or_none() is not None


def waiting(tx: Connection, channel: str, now: float, limit: int) -> list[tuple[Notice, str | None]]:
    """Returns the notices that a channel is to tell of now, in their order, and the message that each is in already.

    One that is to wait, as in quiet hours, holds up the later ones of the same alert.

    Args:
        tx: A transaction.
        channel: The channel, by its name.
        now: The store's time, in unix seconds.
        limit: The most to return.
    """
    mine = (NOTICE.c.channel == channel) & _WAITS
    earlier = NOTICE.alias("earlier")
    before = and_(
        earlier.c.channel == NOTICE.c.channel,
        earlier.c.alert == NOTICE.c.alert,
        earlier.c.told_at.is_(None),
        earlier.c.due_at > now,
        earlier.c.at < NOTICE.c.at,
    )
    found = select(*_NOTICE, NOTICE.c.message).where(mine, NOTICE.c.due_at <= now, ~exists().where(before))
    rows = tx.execute(found.order_by(NOTICE.c.at, NOTICE.c.alert, NOTICE.c.episode, NOTICE.c.number).limit(limit))
    return [(Notice(*row[:-1]), row[-1]) for row in rows]


def begin(tx: Connection, channel: str, notices: Iterable[Notice], message: str) -> None:
    """Notes which message the notices go in.

    Args:
        tx: A transaction that writes.
        channel: The channel that is to take it, by its name.
        notices: What it tells.
        message: The id of the message.
    """
    rows = [{"of": each.alert, "in_episode": each.episode, "numbered": each.number} for each in notices]
    mine = and_(
        NOTICE.c.channel == channel,
        NOTICE.c.alert == bindparam("of"),
        NOTICE.c.episode == bindparam("in_episode"),
        NOTICE.c.number == bindparam("numbered"),
    )
    if rows:
        tx.execute(update(NOTICE).where(mine).values(message=message), rows)


def told(tx: Connection, channel: str, holder: str, message: str, now: float) -> None:
    """Notes that a channel has taken a message, even if another holds the channel by now.

    Args:
        tx: A transaction that writes.
        channel: The channel, by its name.
        holder: Who has sent it.
        message: The id of the message.
        now: The store's time, in unix seconds.
    """
    tx.execute(update(NOTICE).where(NOTICE.c.channel == channel, NOTICE.c.message == message).values(told_at=now))
    well = {"failures": 0, "reason": "", "failing_since": None, "next_at": 0.0, "told_at": now}
    tx.execute(update(CHANNEL).where(_held(channel, holder)).values(well))


def failed(tx: Connection, channel: str, holder: str, reason: str, now: float, seconds: float) -> None:
    """Notes that a channel did not take a message.

    Args:
        tx: A transaction that writes.
        channel: The channel, by its name.
        holder: Who has tried.
        reason: Why, without anything that is secret.
        now: The store's time, in unix seconds.
        seconds: How long to leave the channel alone.
    """
    values = {
        "failures": CHANNEL.c.failures + 1,
        "reason": reason,
        "failing_since": func.coalesce(CHANNEL.c.failing_since, now),
        "next_at": now + seconds,
    }
    tx.execute(update(CHANNEL).where(_held(channel, holder)).values(values))


def give_back(tx: Connection, channel: str, holder: str) -> None:
    """Ends the lease on a channel, if it is the holder's."""
    tx.execute(update(CHANNEL).where(_held(channel, holder)).values(holder=None, held_until=0.0))


def _held(channel: str, holder: str) -> Any:
    return (CHANNEL.c.name == channel) & (CHANNEL.c.holder == holder)


def channels(tx: Connection, names: Collection[str]) -> list[ChannelState]:
    """Returns the states of these channels."""
    counted = select(NOTICE.c.channel, func.count()).where(_WAITS).group_by(NOTICE.c.channel)
    counts: dict[str, int] = {row[0]: int(row[1]) for row in tx.execute(counted)}
    columns = [CHANNEL.c[name] for name in ("name", "failures", "reason", "failing_since", "next_at", "told_at")]
    known_ = {row.name: ChannelState(*row) for row in tx.execute(select(*columns))}
    return [replace(known_.get(name, ChannelState(name)), waiting=counts.get(name, 0)) for name in names]


def forget_others(tx: Connection, names: Collection[str]) -> None:
    """Deletes channels that the settings no longer name, and the notices that wait for them."""
    tx.execute(delete(NOTICE).where(_WAITS, NOTICE.c.channel.not_in(list(names))))
    tx.execute(delete(CHANNEL).where(CHANNEL.c.name.not_in(list(names))))
