"""Declares queues. One that is there already with other arguments is used as it is, and said to be.

RabbitMQ refuses to declare a queue anew with other arguments, and so does not let a version change them. Order and
safety rest on the lease of the queue's reader and on acknowledgements. So any queue will do, as far as RabbitMQ itself
drops nothing from it (`cost`).
"""

import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from amqp import Connection
from amqp.exceptions import PreconditionFailed

from connector.broker import queues

_SAID = re.compile(
    r"inequivalent arg '(?P<name>[^']+)' for queue .*: received .* but current is (?P<found>.*)", re.DOTALL
)
_VALUE = re.compile(r"(?:the value )?'(?P<value>.*?)'(?: of type '(?P<type>\w+)')?", re.DOTALL)
_MOST_DIFFERENCES = 20
_STREAM = "stream"
_OPTIONS = ("durable", "auto_delete")
_DROPS_OLDEST = "RabbitMQ drops the oldest messages once it is full"
_NO_DEAD_LETTERS = "RabbitMQ drops a message that was delivered too often, where there is a limit"
_COSTS = {
    "x-message-ttl": "RabbitMQ drops messages that wait for too long",
    "x-expires": "RabbitMQ deletes the queue when nobody reads it for a while",
    "x-max-length": _DROPS_OLDEST,
    "x-max-length-bytes": _DROPS_OLDEST,
    "x-max-priority": "messages with a higher priority overtake others",
    "x-dead-letter-exchange": _NO_DEAD_LETTERS,
    "x-dead-letter-routing-key": _NO_DEAD_LETTERS,
    "durable": "RabbitMQ forgets the queue when it ends",
    "auto_delete": "RabbitMQ deletes the queue with its last reader",
    "x-queue-type": "its messages are on one machine alone",
}


class ArgumentDifference(NamedTuple):
    """An argument that a queue has otherwise than it is declared; None is an argument that is not there."""

    argument: str
    declared: Any
    found: Any

    @property
    def text(self) -> str:
        """The difference in words."""
        found = "missing" if self.found is None else f"{self.found!r}"
        return f"{self.argument} is {found}" + ("" if self.declared is None else f" and not {self.declared!r}")


def declare(connection: Connection, name: str, broker_url: str) -> tuple[ArgumentDifference, ...]:
    """Declares a queue, unless it is there. Returns in what the one that is there differs.

    Raises what `connecting.UNREACHABLE` names, also if RabbitMQ refuses for other reasons than the arguments, and
    PreconditionFailed for a stream, which cannot be read as a queue.
    """
    given = queues.queue(name, broker_url)
    wanted = {"durable": True, "auto_delete": False, **(given.queue_arguments or {})}
    found = _found(lambda arguments: _declare(connection, name, arguments), wanted)
    if found.get("x-queue-type") == _STREAM:
        raise PreconditionFailed(f"the queue {name} is a stream")
    names = list(dict.fromkeys((*wanted, *found)))
    return tuple(
        ArgumentDifference(each, wanted.get(each), found.get(each))
        for each in names
        if wanted.get(each) != found.get(each)
    )


def _found(attempt: Callable[[dict[str, Any]], None], wanted: dict[str, Any]) -> dict[str, Any]:
    """Returns the arguments that the queue has. RabbitMQ names them one by one, as it refuses each time for one."""
    found = dict(wanted)
    for _ in range(_MOST_DIFFERENCES):
        try:
            attempt(found)
        except PreconditionFailed as error:
            said = _SAID.search(str(error.reply_text))
            if said is None:
                return {**found, "another argument": " ".join(str(error.reply_text).split())}
            found = {**found, said["name"]: _value(said["found"])}
        else:
            break
    return found


def _value(text: str) -> Any:
    said = _VALUE.fullmatch(text)
    if said is None:
        return None
    value, kind = said["value"], said["type"]
    if kind in ("bool", None) and value in ("true", "false"):
        return value == "true"
    return value if kind in ("longstr", None) or not value.lstrip("-").isdigit() else int(value)


def _declare(connection: Connection, name: str, arguments: dict[str, Any]) -> None:
    options: dict[str, Any] = {each: arguments[each] for each in _OPTIONS}
    others = {key: value for key, value in arguments.items() if key not in _OPTIONS and value is not None}
    channel = connection.channel()  # a refusal closes the channel, so each attempt has its own
    channel.queue_declare(name, arguments=others, **options)
    channel.close()


def keeps_dead_letters(differences: Sequence[ArgumentDifference]) -> bool:
    """Says whether RabbitMQ makes what is rejected a dead letter, and does not drop it."""
    return not {each.argument for each in differences} & {"x-dead-letter-exchange", "x-dead-letter-routing-key"}


def cost(differences: Sequence[ArgumentDifference]) -> str:
    """Returns what may happen to messages by the differences, as the end of a sentence; "" if nothing may."""
    arguments = {each.argument: each.found for each in differences}
    bounded = arguments.get("x-max-length") or arguments.get("x-max-length-bytes")
    refuses = str(arguments.get("x-overflow", "reject-publish")).startswith("reject-publish")
    said = [_COSTS[name] for name in arguments if name in _COSTS and (arguments[name] is not None or _is_lack(name))]
    if not bounded or refuses:
        said = [each for each in said if each != _DROPS_OLDEST]
    return "; ".join(dict.fromkeys(said))


def _is_lack(name: str) -> bool:
    return name in ("durable", "x-queue-type", "x-dead-letter-exchange", "x-dead-letter-routing-key")


def told(name: str, differences: Sequence[ArgumentDifference]) -> str:
    """Returns one line: in what the queue differs, what that may cost, and what to do."""
    costs = cost(differences)
    return (
        f"the queue {name} is there with other arguments than this version declares "
        f"({', '.join(each.text for each in differences)}): it is used as it is"
        f"{f', but {costs}' if costs else ''}. `connector queues` says how to get the arguments of this version"
    )
