"""Reads to which workspace credentials belong, from `GET /api/v1/accounts/region` (docs/customerio.md#hosts)."""

from dataclasses import dataclass

from connector.customerio import envelopes, responses, statuses
from connector.customerio.responses import Reply
from connector.customerio.statuses import Meaning

_REGIONS = ("us", "eu")


@dataclass(frozen=True, slots=True)
class Workspace:
    """The workspace's number and its region: us or eu. The credentials are good."""

    number: int
    region: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """The reason why the workspace is not known. credentials: whether these were refused."""

    reason: str
    credentials: bool = False


def read(reply: Reply) -> Workspace | Unknown:
    """Decides what the reply means."""
    if not reply.status:
        return Unknown(reply.fault or "no answer")
    if reply.status == 403 and envelopes.refusal(reply.usable_body) is None:
        return Unknown(responses.foreign(reply, "it has no error in Customer.io's form").reason)
    if statuses.meaning(statuses.TRACK, reply.status) is Meaning.CREDENTIALS:
        words = envelopes.words(reply.usable_body)
        told = f"{reply.status}: {words}" if words else f"{reply.status}"
        return Unknown(f"Customer.io refused the credentials ({told})", credentials=True)
    body = envelopes.json_object(reply.usable_body) or {}
    number, region = body.get("environment_id"), body.get("region")
    if reply.status == 200 and isinstance(number, int) and region in _REGIONS:
        return Workspace(number, str(region))
    if reply.status == 200:
        return Unknown(responses.foreign(reply, "it names no workspace").reason)
    return Unknown(f"{responses.reason_begins(reply)}, and not which workspace this is")
