"""What a reply means: for each item, or for the request, or for the connection; and when to try again.

200 and 207 are settled item by item; a 207 lists what was refused for good (reference: customerio-api, 2.3). A 400
or 413 for a whole batch is split until the guilty item stands alone. Everything else happens *to* the request, not to
its items: they are tried again, and the connection pauses meanwhile.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic_core import from_json

MAX_RETRY_AFTER_SECONDS = 3600.0
_MAX_EXPONENT = 16
BEFORE_IT_WAS_READ = (408, 425, 429)


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back. status is 0 where nothing did; then `body` is empty and `fault` says what happened.

    retry_after: seconds, where the reply asks for them; reached: whether the request may have been applied.
    """

    status: int
    body: bytes = b""
    retry_after: float | None = None
    fault: str = ""
    reached: bool = True


@dataclass(frozen=True, slots=True)
class Sent:
    """Customer.io took the item."""


@dataclass(frozen=True, slots=True)
class Refused:
    """Customer.io will never take the item as it is."""

    reason: str


@dataclass(frozen=True, slots=True)
class Later:
    """The item was not confirmed; `doubt`: it may have been applied all the same."""

    reason: str
    doubt: bool


Outcome = Sent | Refused | Later
SENT = Sent()


@dataclass(frozen=True, slots=True)
class Settled:
    """An outcome for each item, in order."""

    outcomes: tuple[Outcome, ...]


@dataclass(frozen=True, slots=True)
class Split:
    """The request was refused as a whole: send its halves."""

    reason: str


@dataclass(frozen=True, slots=True)
class Pause:
    """No item was refused, but nothing more should be sent for a while.

    until: "retry_after" or "backoff" (seconds in `seconds` where the reply gave them), or "human" where only changed
    settings or credentials can help. doubt: the request may have been applied.
    """

    reason: str
    until: Literal["backoff", "human"]
    doubt: bool
    seconds: float | None = None


Verdict = Settled | Split | Pause


def read(reply: Reply, items: int) -> Verdict:
    """What `reply` to a request of `items` items means."""
    match reply.status:
        case 200 | 207:
            return _accepted(reply, items)
        case 400 | 413 | 422:
            return _rejected(reply, items)
        case 401 | 403:
            reason = (
                f"Customer.io answered {reply.status}: site_id and api_key are not those of a workspace in this region"
            )
            return Pause(reason, "human", doubt=False)
        case 301 | 302 | 303 | 307 | 308 | 404 | 405 | 410:
            reason = (
                f"Customer.io answered {reply.status}: the connection's region or track_url is not this workspace's"
            )
            return Pause(reason, "backoff", doubt=False)
        case 0:
            return Pause(reply.fault or "no answer", "backoff", doubt=reply.reached)
        case status:
            reason = f"Customer.io answered {status}"
            return Pause(reason, "backoff", status not in BEFORE_IT_WAS_READ, reply.retry_after)


def read_of_segment(reply: Reply, items: int) -> Verdict:
    """What `reply` to a request about a manual segment means: its path names the segment, which may not be there."""
    return _rejected(reply, items) if reply.status in (404, 410) else read(reply, items)


def refuses(verdict: Verdict) -> bool:
    """Whether something of the request was refused for good."""
    if isinstance(verdict, Settled):
        return any(isinstance(each, Refused) for each in verdict.outcomes)
    return isinstance(verdict, Split)


def _accepted(reply: Reply, items: int) -> Verdict:
    body = _object(reply.body)
    if body is None:
        reason = f"the answer {reply.status} is not Customer.io's: it has no JSON object"
        return Pause(reason, "backoff", doubt=True, seconds=reply.retry_after)
    errors = body.get("errors")
    if not errors:
        return Settled((SENT,) * items)
    by_index = _by_index(errors, items)
    if by_index is None:
        return Split(_wording(errors)) if items > 1 else Settled((Refused(_wording(errors)),))
    return Settled(tuple(Refused(by_index[i]) if i in by_index else SENT for i in range(items)))


def _rejected(reply: Reply, items: int) -> Verdict:
    reason = f"Customer.io answered {reply.status}" + (f": {words}" if (words := _reason(reply.body)) else "")
    return Split(reason) if items > 1 else Settled((Refused(reason),))


def _by_index(errors: Any, items: int) -> dict[int, str] | None:
    """The reasons by item, several of one item joined; None where an error does not say whose it is."""
    found: dict[int, str] = {}
    for error in errors if isinstance(errors, list) else [errors]:
        index = error.get("batch_index") if isinstance(error, dict) else None
        if not isinstance(index, int) or isinstance(index, bool) or not 0 <= index < items:
            return None
        words = _wording([error])
        found[index] = f"{found[index]}; {words}" if index in found else words
    return found


def _reason(body: bytes) -> str:
    """The words of either error envelope, v1's `meta` or v2's `errors` (reference: customerio-api, 1.6)."""
    found = _object(body)
    if found is None:
        return ""
    meta = found.get("meta")
    inner: Mapping[str, Any] = meta if isinstance(meta, dict) else found
    return _wording(inner.get("errors") or inner.get("error") or [])


def _wording(errors: Any) -> str:
    texts = []
    for error in errors if isinstance(errors, list) else [errors]:
        if isinstance(error, dict):
            words = " ".join(str(error[part]) for part in ("field", "message", "detail") if error.get(part))
            texts.append(words or str(error.get("reason", "")))
        else:
            texts.append(str(error))
    return "; ".join(text[:300] for text in texts if text) or "no reason given"


def _object(body: bytes) -> dict[str, Any] | None:
    try:
        found = from_json(body)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def delay(failures: int, base: float, longest: float, jitter: float) -> float:
    """Seconds to pause after so many failures in a row: doubling from `base` to `longest`, less up to half by `jitter`.

    jitter is a random number from 0 to 1 that the caller draws, so that a fleet does not come back in one instant.
    """
    full = min(base * 2.0 ** min(max(failures - 1, 0), _MAX_EXPONENT), longest)
    return float(full * (1 - jitter / 2))


def retry_after(value: str | None, now: float, parsed_date: float | None = None) -> float | None:
    """Seconds asked for by a Retry-After header: a number of seconds, or a date already parsed to unix seconds."""
    if value is None:
        return None
    text = value.strip()
    seconds = float(text) if text.isascii() and text.replace(".", "", 1).isdigit() else None
    if seconds is None and parsed_date is not None:
        seconds = parsed_date - now
    return None if seconds is None else min(max(seconds, 0.0), MAX_RETRY_AFTER_SECONDS)
