"""Reading back that somebody is gone from a workspace: the proof that a deletion was done."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from connector.customerio.people import normal
from connector.delivery.app_reader import ReadBack
from connector.errors import ConnectorError
from connector.model.entity import Identifier
from connector.runtime import Runtime

GONE_SECONDS = 20.0
"""Customer.io shows a write about ten seconds later (docs/customerio.md#app-api)."""
_LOOK_AGAIN_SECONDS = 2.0


ReadBackState = Literal["gone", "still there", "not read back"]


@dataclass(frozen=True, slots=True)
class Proof:
    """What reading somebody back showed of each identifier. reason: why some, or all, were not read back."""

    of: Mapping[Identifier, ReadBackState]
    reason: str = ""

    @property
    def state(self) -> ReadBackState:
        """Returns what it shows as a whole: "still there" where one identifier is, "gone" where all of them are."""
        states = set(self.of.values())
        if "still there" in states:
            return "still there"
        return "gone" if states == {"gone"} else "not read back"

    def state_of(self, identifier: Identifier) -> ReadBackState:
        """Returns what it shows of one identifier."""
        return self.of.get(identifier, "not read back")


NOT_READ_BACK = Proof({})


def look(
    runtime: Runtime,
    name: str,
    identifiers: Sequence[Identifier],
    seconds: float,
    sleep: Callable[[float], None],
) -> Proof:
    """Looks for people who were deleted, for as long as they are still shown.

    Args:
        runtime: What this program has open.
        name: The connection whose workspace is read.
        identifiers: The identifiers under which they could be there.
        seconds: The longest time to wait for the identifiers of one type to be gone.
        sleep: Waits for so many seconds.

    Returns:
        The state of each identifier that was read, and why others could not be read.
    """
    connection, settings = runtime.settings.connections[name], runtime.settings
    if not identifiers:
        return Proof({}, "no identifier is known under which they could be there")
    if connection.app_api_key is None:
        return Proof({}, f"the connection {name!r} has no app_api_key")
    api, rate = runtime.app_api(name), connection.app_requests_per_second
    readback = ReadBack(name, runtime.store, api, settings.delivery, rate, sleep)
    states: dict[Identifier, ReadBackState] = {}
    reasons = []
    for kind in dict.fromkeys(each.type for each in identifiers):
        of_kind = [each for each in identifiers if each.type == kind]
        try:
            states |= _read(readback, of_kind, seconds, sleep)
        except ConnectorError as error:
            reasons.append(str(error))
    return Proof(states, "; ".join(reasons))


def _read(
    readback: ReadBack, identifiers: Sequence[Identifier], seconds: float, sleep: Callable[[float], None]
) -> dict[Identifier, ReadBackState]:
    """Returns the state of identifiers of one type, read until none is shown any more or `seconds` are over.

    Raises ConnectorError where no answer can be had: a workspace may not look people up by this type.
    """
    held = readback.held(identifiers)
    for _ in range(int(seconds / _LOOK_AGAIN_SECONDS)):
        if not held:
            break
        sleep(_LOOK_AGAIN_SECONDS)
        held = readback.held(identifiers)
    return {each: "still there" if normal(each) in held else "gone" for each in identifiers}
