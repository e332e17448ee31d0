"""Decides what a reply of the Track API means: for each item, for the request, or for the connection.

200 and 207 are settled item by item; a 207 lists what was refused for good (docs/customerio.md#responses). A refusal
of a whole batch is split until the guilty item stands alone. Everything else happens *to* the request: its items are
tried again. Only Customer.io's own words count: an answer in another form than Customer.io's came from a proxy, a
firewall or a maintenance page, and settles nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from connector.customerio import envelopes, statuses
from connector.customerio.operations.operation import Endpoint
from connector.customerio.operations.segment_membership import segment_of
from connector.customerio.statuses import Meaning


@dataclass(frozen=True, slots=True)
class Reply:
    """The reply to a request. status is 0 if none came; then `body` is empty and `fault` says what happened.

    retry_after: the seconds to wait, if the reply asks for a pause. reached: whether the request may have been applied.
    whole: False if the body was longer than we read, or came compressed though we did not ask for it. date: the time of
    the other side's clock, in unix seconds, if the reply says it.
    """

    status: int
    body: bytes = b""
    retry_after: float | None = None
    fault: str = ""
    reached: bool = True
    whole: bool = True
    date: float | None = field(default=None, compare=False)

    @property
    def usable_body(self) -> bytes:
        """The body if it is whole, else empty: a cut body decides nothing."""
        return self.body if self.whole else b""


@dataclass(frozen=True, slots=True)
class Accepted:
    """Customer.io took the item."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """Customer.io will never take the item as it is."""

    reason: str


@dataclass(frozen=True, slots=True)
class Retry:
    """The item was not confirmed.

    doubt: the item may have been applied nevertheless. alone: the item itself is at fault, since others go through, so
    it waits by itself and holds up nobody.
    """

    reason: str
    doubt: bool
    alone: bool = False


ItemResult = Accepted | Rejected | Retry
ACCEPTED = Accepted()


@dataclass(frozen=True, slots=True)
class Settle:
    """A result for each item, in order."""

    results: tuple[ItemResult, ...]


@dataclass(frozen=True, slots=True)
class Split:
    """The request was refused as a whole: send its halves."""

    reason: str


@dataclass(frozen=True, slots=True)
class Pause:
    """Nothing of the request is settled, and nothing more should be sent for a while.

    until: "backoff" (for `seconds` if the reply asked for them), or "human" if only other settings or credentials can
    help. doubt: the request may have been applied. cause: "service" if the failure has nothing to do with what was sent
    (429, Customer.io out of reach, credentials); "unknown" if a single item may be the cause (500, a cut connection,
    silence); "foreign" if the words are not Customer.io's, but those of a proxy or a firewall, which may be about a
    single item too.
    """

    reason: str
    until: Literal["backoff", "human"]
    doubt: bool
    seconds: float | None = None
    cause: Literal["service", "unknown", "foreign"] = "service"


ResponseAction = Settle | Split | Pause


def read(reply: Reply, endpoint: Endpoint, items: int) -> ResponseAction:
    """Decides what a reply of the Track API means. Only Customer.io's own words settle anything.

    Args:
        reply: what came back.
        endpoint: what the request was sent to.
        items: how many items the request had.

    Returns:
        What became of each item, or what to do with the request.
    """
    if not reply.status:
        return no_answer(reply)
    table = statuses.SEGMENT if segment_of(endpoint) else statuses.TRACK
    match statuses.meaning(table, reply.status):
        case Meaning.ACCEPTED:
            return _accepted(reply, endpoint, items)
        case Meaning.REFUSED:
            return _rejected(reply, items)
        case other:
            return _paused(reply, other)


def refuses(action: ResponseAction) -> bool:
    """Says whether something of the request was refused for good."""
    if isinstance(action, Settle):
        return any(isinstance(each, Rejected) for each in action.results)
    return isinstance(action, Split)


def reason_begins(reply: Reply) -> str:
    """Returns the start of a reason: the status, and Customer.io's own words if it gave any."""
    words = envelopes.words(reply.usable_body)
    return f"{_status(reply)}: {words}" if words else _status(reply)


def _status(reply: Reply) -> str:
    return f"Customer.io answered {reply.status}"


def no_answer(reply: Reply) -> Pause:
    """Decides what it means that nothing came back. If the request got there, one of its items may be the cause."""
    cause: Literal["service", "unknown"] = "unknown" if reply.reached else "service"
    return Pause(reply.fault or "no answer", "backoff", doubt=reply.reached, cause=cause)


def failed(reply: Reply) -> Pause:
    """Decides what 500 and the like mean. An answer that asks for a pause is about the service, not about an item."""
    cause: Literal["service", "unknown"] = "unknown" if reply.retry_after is None else "service"
    return Pause(reason_begins(reply), "backoff", doubt=True, seconds=reply.retry_after, cause=cause)


def foreign(reply: Reply, missing: str) -> Pause:
    """Decides what an answer means that is not Customer.io's: it settles nothing.

    missing: which part of Customer.io's form the answer lacks.
    """
    why = missing if reply.whole else "it is longer than any of Customer.io's, or compressed"
    words = envelopes.words(reply.usable_body)
    quoted = f" ({words})" if words else ""
    reason = f"the answer {reply.status}{quoted} is not Customer.io's, but from something in between: {why}"
    return Pause(reason, "backoff", doubt=True, seconds=reply.retry_after, cause="foreign")


def _accepted(reply: Reply, endpoint: Endpoint, items: int) -> ResponseAction:
    body = envelopes.json_object(reply.usable_body)
    if body is None:
        return foreign(reply, "it has no JSON object")
    errors = body.get("errors")
    # A 200 is `{}`; if it has errors, it is read like a 207, which says to which items they belong.
    if reply.status == 200 and (not body or (errors == [] and len(body) == 1)):
        return Settle((ACCEPTED,) * items)
    by_index = _by_index(errors, items) if endpoint == "batch" else None
    if not by_index:
        return foreign(reply, "its JSON has not the form of an answer of the Track API")
    return Settle(tuple(Rejected(by_index[i]) if i in by_index else ACCEPTED for i in range(items)))


def _rejected(reply: Reply, items: int) -> ResponseAction:
    words = envelopes.refusal(reply.usable_body)
    if words is None:
        return foreign(reply, "it has no error in Customer.io's form")
    reason = f"{_status(reply)}: {words}"
    return Split(reason) if items > 1 else Settle((Rejected(reason),))


def _paused(reply: Reply, meaning: Meaning) -> Pause:
    match meaning:
        case Meaning.CREDENTIALS:
            return _credentials(reply)
        case Meaning.WRONG_ADDRESS:
            reason = f"{reason_begins(reply)}: the connection's region or track_url is not this workspace's"
            return Pause(reason, "backoff", doubt=False)
        case Meaning.NOT_PROCESSED:
            return Pause(reason_begins(reply), "backoff", doubt=False, seconds=reply.retry_after)
        case _:
            return failed(reply)


def _credentials(reply: Reply) -> Pause:
    """Decides what a 401 or 403 means.

    A 401 is about credentials, even if a proxy says it; the pause is ended by a probe (`circuit`). A 403 without
    Customer.io's form may be a firewall's.
    """
    if reply.status == 403 and envelopes.refusal(reply.usable_body) is None:
        return foreign(reply, "it has no error in Customer.io's form")
    able = "may not do this" if reply.status == 403 else "are not those of a workspace in this region"
    reason = f"{reason_begins(reply)}: site_id and api_key {able}"
    return Pause(reason, "human", doubt=False)


def _by_index(errors: Any, items: int) -> dict[int, str] | None:
    """Returns the reasons by item, several of one item joined; None if an error does not name its item."""
    if not isinstance(errors, list):
        return None
    found: dict[int, list[Mapping[str, Any]]] = {}
    for error in errors:
        index = error.get("batch_index") if isinstance(error, dict) else None
        if not isinstance(index, int) or isinstance(index, bool) or not 0 <= index < items:
            return None
        found.setdefault(index, []).append(error)
    return {index: envelopes.wording(several) for index, several in found.items()}
