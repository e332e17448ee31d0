"""Says in words why somebody stands as they do in a sync, and what they wait for."""

from collections.abc import Iterator

from connector.audience.audience_status import AudienceStatus
from connector.audience.rules import Rules
from connector.audience.suppression import suppressed
from connector.model.entity import Facts
from connector.store.connection_health import Health
from connector.store.person_rows import PersonRow
from connector.store.tables import ADMITTED, BACKFILL, EXIT, HELD

_NAMED = 20
_ON_EXIT = {
    "keep": "`on_exit` keeps them as last sent",
    "clear": "`on_exit` clears their attributes",
    "delete": "`on_exit` deletes them",
}
_LACKS = {
    AudienceStatus.NO_IDENTIFIER: ", but the field that `identifier` names holds nothing to send them by",
    AudienceStatus.NO_EMAIL: ", but there is no e-mail address, which `require_email` asks for",
}
_LANES = {
    ADMITTED: "the deletion guard let their deletion pass",
    EXIT: "the deletion guard has yet to see their deletion",
    BACKFILL: "behind what is live, as a bulk load or a resync brought them",
}


def why(facts: Facts, standing: AudienceStatus, rules: Rules) -> str:
    """Returns why somebody with these facts has this standing, as a sentence without its full stop."""
    match standing:
        case AudienceStatus.OUTSIDE:
            return _not_admitted(facts)
        case AudienceStatus.SUPPRESSED:
            return (
                f"{_suppressed(facts)}: they are deleted in Customer.io and refused there, whatever their segments are"
            )
        case AudienceStatus.MERGED:
            return f"upstream says that they turned out to be the user {facts.lifecycle.merged_into!r}"
        case AudienceStatus.IN | AudienceStatus.NO_IDENTIFIER | AudienceStatus.NO_EMAIL:
            return _admitted(facts, rules) + _LACKS.get(standing, "")
        case _:
            return _left(facts, rules)


def waits(row: PersonRow, rules: Rules | None, health: Health, now: float) -> Iterator[str]:
    """Yields what stands between somebody and Customer.io, each as a sentence without its full stop.

    Args:
        row: The person's row.
        rules: The sync's rules; None where the settings have no such sync.
        health: How the sync's connection fares.
        now: The store's time, in unix seconds.
    """
    if row.entity.unreadable:
        yield f"their row cannot be read ({row.entity.unreadable}): nothing is sent"
    if rules is None:
        yield "the settings have no such sync any more: nothing is sent"
    elif not rules.deliver:
        yield "the sync does not deliver (`deliver = false`)"
    if health.paused_until is not None and health.paused_until > now:
        how = (
            "until its credentials are taken, which is tried once a minute"
            if health.for_human
            else f"for {health.paused_until - now:.0f} s more"
        )
        yield f"the connection is paused {how}: {health.reason}"
    if row.waits_for is not None:
        yield f"they wait for the identifier {row.waits_for}, which {_holder(row)} holds"
    yield from _due(row, now)


def _due(row: PersonRow, now: float) -> Iterator[str]:
    if row.lane == HELD:
        yield f"the deletion guard holds their deletion: `connector approve {row.sync}` lets it go"
    elif row.due_at is not None:
        lane = f": {_LANES[row.lane]}" if row.lane in _LANES else ""
        at = "due" if row.due_at <= now else f"due again in {row.due_at - now:.0f} s"
        yield f"they are {at}{lane}"
    if row.sending:
        yield "somebody is sending for them at this moment"
    elif row.entity.doubt:
        yield "a request about them went without an answer, so what Customer.io holds is in doubt"
    if row.attempts:
        yield f"{row.attempts:,} request(s) in a row failed at them alone, so they are sent by themselves"


def _holder(row: PersonRow) -> str:
    where = f" of the sync {row.holder_sync!r}, in the same workspace," if row.holder_sync else ""
    return "nobody any more" if row.holder is None else f"the user {row.holder!r}{where}"


def _admitted(facts: Facts, rules: Rules) -> str:
    if rules.everybody:
        return "everybody is in the audience"
    names = [name for key, name in facts.segments.values.items() if name is not None and rules.admits([(key, name)])]
    return f"`segments` names {_listed(names)}"


def _not_admitted(facts: Facts) -> str:
    if not facts.segments.values and facts.segments.newest() is None:
        return "no message has said yet which segments they are in"
    return f"`segments` names none of theirs ({_segments(facts)})"


def _suppressed(facts: Facts) -> str:
    return "a message asked to suppress them" if facts.lifecycle.suppressed else "`suppress_when` holds for them"


def _left(facts: Facts, rules: Rules) -> str:
    cleared = "; the sync only updates, so their attributes are cleared" if rules.update_only else ""
    if suppressed(facts, rules):
        return f"{_suppressed(facts)}{cleared}"
    if facts.lifecycle.deleted:
        return f"upstream has deleted them{cleared}"
    outside = f"they were in the audience, and `segments` names none of theirs ({_segments(facts)})"
    return f"{outside}: {_ON_EXIT[rules.on_exit]}"


def _segments(facts: Facts) -> str:
    return _listed([name for name in facts.segments.values.values() if name is not None])


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
    return (", ".join(names[:_NAMED]) or "none") + more
