"""How a simulated workspace behaves where Customer.io's behaviour depends on settings, or is not documented."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from connector.errors import SettingsError, UnreadableError


@dataclass(frozen=True, slots=True)
class Options:
    """One workspace's settings; the first group is its address, the others can be changed by a reset.

    The defaults are a workspace that identifies by email or id and answers at once. `phone` identifies in `identifiers`
    only: as an attribute it may be shared, as most senders expect. `strict` counts where the simulator was started so.
    """

    site_id: str = "site-id"
    api_key: str = "api-key"
    app_api_key: str = "app-api-key"
    region: str = "us"
    environment_id: int = 1

    latency: float = 0.0
    mode: str = "email_or_id"
    auto_merge: bool = False
    email_change_by_id: bool = False
    event_creates_person: bool = True
    oversize: int = 400
    non_ulid: str = "accept"
    visibility_seconds: float = 0.0
    shuffle: int | None = None
    app_rate_limit: int = 10
    dynamic_segments: tuple[str, ...] = ()
    strict: bool = True

    def __post_init__(self) -> None:
        if self.region not in ("us", "eu"):
            raise SettingsError(f"region of the simulator is {self.region!r}; it can be us or eu")

    @property
    def kinds(self) -> tuple[str, ...]:
        """The identifiers this workspace knows a person by, the one Customer.io makes itself last."""
        return ("id", "cio_id") if self.mode == "id_only" else ("id", "email", "phone", "cio_id")

    def changed(self, changes: Mapping[str, Any]) -> "Options":
        """These options with `changes`; UnreadableError names the first that is unknown or has an unknown value."""
        for name, value in changes.items():
            accepts = _ACCEPTS.get(name)
            if accepts is None:
                raise UnreadableError(f"option {name!r} is unknown; known are {', '.join(_ACCEPTS)}")
            if not accepts(value):
                raise UnreadableError(f"option {name!r} cannot be {value!r}")
        known = dict(changes)
        if "dynamic_segments" in known:
            known["dynamic_segments"] = tuple(known["dynamic_segments"])
        return replace(self, **known)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value >= 0


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and _is_number(value)


def _is_names(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(name, str) for name in value)


def _one_of(*values: Any) -> Callable[[Any], bool]:
    return lambda value: any(value is known or value == known for known in values)


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool)


_ACCEPTS: dict[str, Callable[[Any], bool]] = {
    "latency": _is_number,
    "mode": _one_of("email_or_id", "id_only"),
    "auto_merge": _is_flag,
    "email_change_by_id": _is_flag,
    "event_creates_person": _is_flag,
    "oversize": _one_of(400, 413),
    "non_ulid": _one_of("accept", "400"),
    "visibility_seconds": _is_number,
    "shuffle": lambda value: value is None or _is_count(value),
    "app_rate_limit": _is_count,
    "dynamic_segments": _is_names,
    "strict": _is_flag,
}
