"""The terms by which intake leases people while it takes their changes in, and the leases (`intake.leasing`)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from connector.planning.attempt import Claim


@dataclass(frozen=True, slots=True)
class SendingTerms:
    """The terms on which requests go to the workspace of a sync.

    connection, credentials: its name and the digest of its secrets. seconds_apart: the seconds between two requests.
    people: how many go into one claim at most.
    """

    connection: str
    credentials: str
    seconds_apart: float
    people: int


@dataclass(frozen=True, slots=True)
class Leasing:
    """The syncs for which people may be leased, with the terms of each, and for how many seconds."""

    seconds: float
    lines: Mapping[str, SendingTerms]


@dataclass(frozen=True, slots=True)
class Leased:
    """The people leased with a batch, and how many seconds after its commit the first request about them may go."""

    sync: str
    lease: str
    claims: Sequence[Claim]
    wait: float
