"""What is logged of a request to Customer.io: what it was, what came back, and as settings say the bodies of both."""

import gzip
from dataclasses import dataclass
from typing import Literal

from connector.outcome import Pause, Refused, Reply, Settled, Split, Verdict

Judged = Literal["settled", "refused", "split", "paused"]
"""All items taken; some of them refused; refused as a whole and sent again in halves; nothing known, try later."""
Bodies = Literal["failed", "all", "none"]

REQUEST_BYTES = 1_000_000
"""A longer body is not kept: no request that keeps to Customer.io's limits is half as long."""
REPLY_CHARACTERS = 20_000
REASON_CHARACTERS = 500


@dataclass(frozen=True, slots=True)
class Call:
    """One request. at: unix seconds; status: 0 where nothing came back; milliseconds: until it did.

    request is its body, compressed by gzip, and reply the text that came back, both None where they are not kept.
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
        """The request's body as it went on the wire; None where it is not kept."""
        return None if self.request is None else gzip.decompress(self.request)


def of(
    at: float,
    connection: str,
    sync: str,
    endpoint: str,
    items: int,
    body: bytes,
    reply: Reply,
    verdict: Verdict,
    milliseconds: int,
    bodies: Bodies,
) -> Call:
    """The call to log of a request. `at`: when it was sent, unix seconds; `bodies`: which calls keep theirs."""
    judged, reason = _judged(verdict)
    keep = bodies == "all" or (bodies == "failed" and judged != "settled")
    return Call(
        at=at,
        connection=connection,
        sync=sync,
        endpoint=endpoint,
        items=items,
        body_bytes=len(body),
        status=reply.status,
        milliseconds=milliseconds,
        verdict=judged,
        reason=_storable(reason)[:REASON_CHARACTERS],
        request=_packed(body) if keep else None,
        reply=_storable(reply.body.decode(errors="replace"))[:REPLY_CHARACTERS] if keep and reply.body else None,
    )


def _judged(verdict: Verdict) -> tuple[Judged, str]:
    match verdict:
        case Pause(reason=reason):
            return "paused", reason
        case Split(reason=reason):
            return "split", reason
        case Settled(outcomes):
            refused = [each.reason for each in outcomes if isinstance(each, Refused)]
            if not refused:
                return "settled", ""
            return "refused", f"{len(refused)} of {len(outcomes)} refused: {refused[0]}"


def _packed(body: bytes) -> bytes | None:
    # The fastest level halves the store's work for a tenth more bytes; no time inside, so that equal is equal.
    return gzip.compress(body, compresslevel=1, mtime=0) if len(body) <= REQUEST_BYTES else None


def _storable(text: str) -> str:
    """PostgreSQL keeps no NUL in a text."""
    return text.replace("\0", "\ufffd")
