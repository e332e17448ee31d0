"""The log of requests to Customer.io: what was sent, what came back, and the bodies of both if settings say so."""

import gzip
from dataclasses import dataclass
from typing import Literal

from connector.customerio.responses import Pause, Rejected, Reply, ResponseAction, Settle, Split

Judged = Literal["settled", "refused", "split", "paused"]
"""The verdicts: all items taken; some refused; refused as a whole, sent again in halves; nothing known, try later."""
KeptBodies = Literal["failed", "all", "none"]

REQUEST_BYTES = 1_000_000
"""The most bytes of a body that is kept: no request that keeps to Customer.io's limits is half as long."""
REPLY_CHARACTERS = 20_000
REASON_CHARACTERS = 500


@dataclass(frozen=True, slots=True)
class Call:
    """One request. at: unix seconds; status: 0 if nothing came back; milliseconds: until it did.

    request is its body, compressed by gzip, and reply the text that came back, both None if they are not kept.
    Credentials are in neither: they travel in headers.
    """

    at: float
    connection: str
    sync: str
    endpoint: str
    items: int
    body_bytes: int
    status: int
    milliseconds: int
    verdict: Judged
    reason: str = ""
    request: bytes | None = None
    reply: str | None = None

    @property
    def body(self) -> bytes | None:
        """The request's body as it went on the wire, None if it is not kept."""
        return None if self.request is None else gzip.decompress(self.request)


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and what came of it. sent_at: unix seconds; milliseconds: until the reply was there."""

    endpoint: str
    items: int
    body: bytes
    reply: Reply
    action: ResponseAction
    sent_at: float
    milliseconds: int


def call_of(connection: str, sync: str, exchange: Exchange, bodies: KeptBodies, *, private: bool = False) -> Call:
    """Returns what is logged of an exchange.

    Args:
        connection: the name of the connection it went to.
        sync: the name of the sync that it was sent for.
        exchange: the request and its reply.
        bodies: which calls keep their bodies.
        private: whether Customer.io's words about single items are left out, since they may name a person.

    Returns:
        The call, ready for the store.
    """
    judged, reason = _judged(exchange.action)
    keep = bodies == "all" or (bodies == "failed" and judged != "settled")
    body, reply = exchange.body, exchange.reply
    return Call(
        at=exchange.sent_at,
        connection=connection,
        sync=sync,
        endpoint=exchange.endpoint,
        items=exchange.items,
        body_bytes=len(body),
        status=reply.status,
        milliseconds=exchange.milliseconds,
        verdict=judged,
        reason="" if private and judged != "paused" else _storable(reason)[:REASON_CHARACTERS],
        request=_packed(body) if keep else None,
        reply=_storable(reply.body.decode(errors="replace"))[:REPLY_CHARACTERS] if keep and reply.body else None,
    )


def _judged(action: ResponseAction) -> tuple[Judged, str]:
    match action:
        case Pause(reason=reason):
            return "paused", reason
        case Split(reason=reason):
            return "split", reason
        case Settle(results):
            refused = [each.reason for each in results if isinstance(each, Rejected)]
            if not refused:
                return "settled", ""
            return "refused", f"{len(refused)} of {len(results)} refused: {refused[0]}"


def _packed(body: bytes) -> bytes | None:
    # The fastest level halves the store's work for a tenth more bytes; without a time, equal bodies are equal bytes.
    return gzip.compress(body, compresslevel=1, mtime=0) if len(body) <= REQUEST_BYTES else None


def _storable(text: str) -> str:
    """Returns a text without NUL, which PostgreSQL does not keep."""
    return text.replace("\0", "\ufffd")
