"""The meaning of each status of Customer.io's two APIs, in tables (docs/customerio.md#answers and #responses).

A status alone decides nothing that cannot be taken back: an acceptance and a refusal count only with the body that
Customer.io gives with it (`envelopes`), since a proxy or a firewall may answer in its place. What happens after each
meaning is decided in `responses`.
"""

from collections.abc import Mapping
from enum import Enum


class Meaning(Enum):
    """The meaning of a status, in the words of Customer.io's documentation."""

    ACCEPTED = "accepted"
    REFUSED = "refused as a whole"
    CREDENTIALS = "these credentials may not"
    WRONG_ADDRESS = "not at this address"
    NOT_PROCESSED = "not processed: rate limited, or too early"
    FAILED = "failed, or not documented"


_EVERYWHERE: Mapping[int, Meaning] = {
    200: Meaning.ACCEPTED,
    400: Meaning.REFUSED,
    401: Meaning.CREDENTIALS,
    403: Meaning.CREDENTIALS,
    408: Meaning.NOT_PROCESSED,
    425: Meaning.NOT_PROCESSED,
    429: Meaning.NOT_PROCESSED,
    **dict.fromkeys((301, 302, 303, 307, 308, 405, 410), Meaning.WRONG_ADDRESS),
}
TRACK: Mapping[int, Meaning] = {
    **_EVERYWHERE,
    207: Meaning.ACCEPTED,
    404: Meaning.WRONG_ADDRESS,
    413: Meaning.REFUSED,
    422: Meaning.REFUSED,
}
"""The Track API: v2 batches, v1 events."""
SEGMENT: Mapping[int, Meaning] = {**TRACK, 207: Meaning.FAILED, 404: Meaning.REFUSED, 410: Meaning.REFUSED}
"""The Track API's calls about a manual segment: the path names the segment, which may not exist."""
APP: Mapping[int, Meaning] = {**_EVERYWHERE, 201: Meaning.ACCEPTED, 404: Meaning.REFUSED, 422: Meaning.REFUSED}
"""The App API."""


def meaning(table: Mapping[int, Meaning], status: int) -> Meaning:
    """Returns what a status means by one of the tables; a status that the table does not name means FAILED."""
    return table.get(status, Meaning.FAILED)
