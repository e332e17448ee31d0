"""Reading back that somebody is gone from a workspace: the proof that a deletion was done."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from connector.runtime import AtHand
from connector.model.entity import Identifier
from connector.errors import ConnectorError
from connector.delivery.app_reader import ReadBack

GONE_SECONDS = 20.0
"""Customer.io shows a write about ten seconds later (reference: customerio-api, 4.1)."""
_LOOK_AGAIN_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Proof:
    """What reading somebody back showed; reason: why they were not read back."""

    state: Literal["gone", "still there", "not read back"]
    reason: str = ""


NOT_READ_BACK = Proof("not read back")


def look(
    at_hand: AtHand,
    name: str,
    identifiers: Sequence[Identifier],
    seconds: float,
    sleep: Callable[[float], None],
) -> Proof:
    """Looks for these people in the workspace of the connection `name`, for so long as they are still shown."""
    connection, settings = at_hand.settings.connections[name], at_hand.settings
    if not identifiers:
        return Proof("not read back", "no identifier is known under which they could be there")
    if connection.app_api_key is None:
        return Proof("not read back", f"the connection {name!r} has no app_api_key")
    api, rate = at_hand.app_api(name), connection.app_requests_per_second
    readback = ReadBack(name, at_hand.store, api, settings.delivery, rate, sleep)
    try:
        return Proof("gone" if _goes(readback, identifiers, seconds, sleep) else "still there")
    except ConnectorError as error:
        return Proof("not read back", str(error))


def _goes(
    readback: ReadBack, identifiers: Sequence[Identifier], seconds: float, sleep: Callable[[float], None]
) -> bool:
    for _ in range(int(seconds / _LOOK_AGAIN_SECONDS)):
        if not readback.held(identifiers):
            return True
        sleep(_LOOK_AGAIN_SECONDS)
    return not readback.held(identifiers)
