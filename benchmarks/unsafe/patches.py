"""What is put in place of what, by the name of the safeguard that goes with it."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from importlib import import_module
from typing import Any

_ONLY_OF_QUORUM_QUEUES = ("x-queue-type", "x-delivery-limit", "x-dead-letter-strategy")


@dataclass(frozen=True, slots=True)
class Patch:
    """In `module`, what `attribute` names (dots lead into classes) becomes what `made` makes of it."""

    module: str
    attribute: str
    made: Callable[[Any], Any]

    @property
    def owner(self) -> Any:
        """The object that has the attribute."""
        found: Any = import_module(self.module)
        for name in self.attribute.split(".")[:-1]:
            found = getattr(found, name)
        return found

    @property
    def name(self) -> str:
        """The attribute's own name."""
        return self.attribute.rpartition(".")[2]

    def apply(self) -> None:
        """Puts it in place. Raises AttributeError if there is no such thing any more."""
        setattr(self.owner, self.name, self.made(getattr(self.owner, self.name)))


def _nothing(_: Any) -> Any:
    return lambda *_args, **_options: None


def _classic(arguments: Any) -> Any:
    @wraps(arguments)
    def of_a_classic_queue(*given: Any, **named: Any) -> dict[str, Any]:
        kept = {name: value for name, value in arguments(*given, **named).items() if name not in _ONLY_OF_QUORUM_QUEUES}
        return {**kept, "x-queue-type": "classic"}

    return of_a_classic_queue


def _unconfirmed(_: Any) -> Any:
    def publish(channel: Any, *given: Any, **named: Any) -> Any:
        named.pop("confirm_timeout", None)
        return channel._basic_publish(*given, **named)  # noqa: SLF001 - what confirms is wrapped around it

    return publish


PATCHES = {
    "request log": (Patch("connector.store.request_log", "add", _nothing),),
    "quorum queues": (Patch("connector.broker.queues", "_arguments", _classic),),
    "confirmations": (Patch("amqp.channel", "Channel.basic_publish_confirm", _unconfirmed),),
}


def apply(name: str) -> None:
    """Switches a safeguard off in this process."""
    for patch in PATCHES[name]:
        patch.apply()
