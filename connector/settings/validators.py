"""What the settings accept: the rules, then the types that are made of them.

A rule gives a line for each thing that is wrong, and none where all is well.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    Strict,
    StringConstraints,
    WithJsonSchema,
    field_serializer,
)

from connector import naming, preferences
from connector.settings.mistakes import listed, refuse, shown, starred

MOST_ATTRIBUTES = 299
LONGEST_NAME_BYTES = 150
_TYPE_DIGITS = 9

RESERVED = {
    "_update": 'Customer.io takes it as an order never to create the person; mode = "update" says that',
    "_timestamp": "Customer.io takes it as the time of the update, and would drop newer values",
    "cio_id": "Customer.io gives it out itself; set identify_by to address people by it",
    "cio_relationships": "Customer.io takes it as relationships to objects, not as an attribute",
}


def store(url: str) -> list[str]:
    """A database the store can use."""
    if url.startswith(("sqlite:///", "postgresql+psycopg://")):
        return []
    if url.startswith(("postgres://", "postgresql://")):
        return [f"{shown(url)} is not accepted; begin it with postgresql+psycopg://, the rest stays"]
    return [f"{shown(url)} is not accepted; give sqlite:///FILE or postgresql+psycopg://USER:PASSWORD@HOST/DATABASE"]


def broker(url: str) -> list[str]:
    """A broker that keeps what it was given."""
    if url.startswith(("memory://", "amqp://", "amqps://")):
        return []
    redis = url.startswith(("redis", "sentinel"))
    reason = "; Redis loses the messages of a worker that dies between two of its steps" if redis else ""
    return [f"{shown(url)} is not accepted; give memory://, amqp://... or amqps://...{reason}"]


def address(url: str) -> list[str]:
    """A web address that paths can be added to."""
    if _is_address(url):
        return []
    return [f"{shown(url)} is not accepted; give http://HOST or https://HOST, without query or password"]


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        reachable = bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    plain = not (parts.query or parts.fragment or "@" in parts.netloc or any(map(str.isspace, url)))
    return parts.scheme in ("http", "https") and reachable and plain


def lease(seconds: float, timeout: float) -> list[str]:
    """A lease that a living worker never outlasts."""
    if seconds >= 4 * timeout:
        return []
    return [f"{shown(seconds)} is not accepted; give at least {shown(4 * timeout)}, four times timeout_seconds"]


def names(given: Collection[str]) -> list[str]:
    """Names that are there, once each."""
    blank = [] if all(name.strip() for name in given) else ["an empty name is not accepted; leave it out"]
    return blank + [f"{shown(name)} is named twice; name it once" for name in _repeated(given) if name.strip()]


def _repeated(given: Iterable[str]) -> list[str]:
    return [name for name, times in Counter(given).items() if times > 1]


def source(field: str) -> list[str]:
    """An upstream field."""
    return [] if field else ["'' is not accepted; name an upstream field"]


def identifier(field: str) -> list[str]:
    """An upstream field whose value is one user's and only theirs."""
    own = naming.bare(field)
    if own.partition(".")[0] == naming.ACCOUNT:
        return [f"{shown(field)} is not accepted: many users share an account; name a field of the user"]
    if own in ("segments", "events"):
        return [f"{shown(field)} is not accepted: it is a list, and an identifier one value; name a field of the user"]
    return source(field)


def target(name: str) -> list[str]:
    """A name that Customer.io stores as an attribute's."""
    size = len(name.encode())
    if not name.strip():
        return [f"{shown(name)} is not accepted as a name in Customer.io; give one"]
    if size > LONGEST_NAME_BYTES:
        return [f"{shown(name)} has {size} bytes; Customer.io takes {LONGEST_NAME_BYTES} in a name"]
    if name in RESERVED:
        return [f"{shown(name)} is not accepted as a name in Customer.io: {RESERVED[name]}"]
    return []


def whole_account(field: str, name: str) -> list[str]:
    """`account` stands for many attributes, which cannot all take one name."""
    if field != naming.ACCOUNT or name == naming.target(field):
        return []
    return [f"{shown(name)} is not accepted: account is all its attributes, each sent as account_NAME; leave out to"]


def not_the_id(name: str, identify_by: str | None) -> list[str]:
    """An attribute that would overwrite the identifier."""
    if name != "id" or identify_by not in ("id", "id_or_email"):
        return []
    by = f'identify_by = "{identify_by}"'
    return [f"'id' is not accepted as a name in Customer.io: with {by} it is the identifier itself"]


def attributes(
    renames: Collection[tuple[str, str]], segment_attribute: str | None, identify_by: str | None
) -> list[str]:
    """Attributes, as (upstream field, name in Customer.io), that do not overwrite each other and are not too many."""
    mistakes = [*_clashes(renames, segment_attribute)]
    for _, name in renames:
        mistakes += not_the_id(name, identify_by)
    if len(renames) > MOST_ATTRIBUTES:
        mistakes.append(f"{len(renames)} are too many; Customer.io holds 300 a person, name at most {MOST_ATTRIBUTES}")
    return mistakes


def _clashes(renames: Collection[tuple[str, str]], segment_attribute: str | None) -> Iterator[str]:
    for name in _repeated(name for _, name in renames):
        fields = listed([shown(field) for field, taken in renames if taken == name])
        yield f"{fields} all become {shown(name)}; give each a name of its own: {{ from = ..., to = ... }}"
    whole = any(name == preferences.PREFERENCES for _, name in renames)
    for field, name in renames:
        if name.startswith(preferences.TOPIC) and whole:
            yield f"{shown(name)} stands beside {shown(preferences.PREFERENCES)}, which replaces all topics; name one"
        if name == segment_attribute:
            yield f"{shown(field)} becomes {shown(name)}, the name of segment_attribute; give one of them another"


def object_type(text: str) -> list[str]:
    """One of Customer.io's types of objects."""
    if text.isascii() and text.isdigit() and not text.startswith("0") and len(text) <= _TYPE_DIGITS:
        return []
    return [f"{shown(text)} is not accepted; give Customer.io's object_type_id, an integer from 1 in quotes"]


def sources(given: Collection[str]) -> list[str]:
    """What speaks of objects: something must."""
    return names(given) if given else ["an empty list is not accepted; name some of object, group, account"]


def on_exit(choice: str, mode: str | None) -> list[str]:
    """An exit that the mode allows."""
    if choice != "delete" or mode != "update":
        return []
    return ["'delete' is not accepted with mode = \"update\", which never deletes; give one of keep, clear"]


def suppressing(field: str) -> list[str]:
    """A field of the user, or of their account, that holds one value."""
    if naming.bare(field) in ("segments", "events", naming.ACCOUNT):
        return [f"{shown(field)} is not accepted: it holds many values; name a field that holds one"]
    return []


def suppress_when(field: str, mode: str | None) -> list[str]:
    """A rule that the mode allows."""
    if not field or mode != "update":
        return []
    return ['is not accepted with mode = "update", which never deletes; leave it out']


def connection(name: Any, known: Collection[str]) -> list[str]:
    """A connection that exists."""
    accepted = f"give one of {listed(known)}" if known else "there is none yet, add [connections.main]"
    if name is None:
        return [f"is missing; {accepted}"]
    if not isinstance(name, str) or name in known:
        return []
    return [f"{shown(name)} is not a connection; {accepted}"]


def _trimmed(value: Any) -> Any:
    """A secret without the line end its file gave it; an empty one is none, as compose files pass unset variables."""
    text = value.get_secret_value() if isinstance(value, SecretStr) else value
    return (text.strip() or None) if isinstance(text, str) else text


def _kept(rule: Callable[[Any], list[str]]) -> AfterValidator:
    """A type's own rule: what breaks it is refused, what keeps it goes through."""

    def checked(value: Any) -> Any:
        refuse(rule(value))
        return value

    return AfterValidator(checked)


Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]*(_[a-z0-9]+)*$")]
Text = Annotated[str, StringConstraints(strip_whitespace=True)]
Names = Annotated[tuple[str, ...], _kept(names)]
StoreUrl = Annotated[str, _kept(store)]
BrokerUrl = Annotated[str, _kept(broker)]
Source = Annotated[Text, _kept(source)]
Identifier = Annotated[Text, _kept(identifier)]
Address = Annotated[
    Annotated[str, _kept(address), AfterValidator(lambda url: url.rstrip("/"))] | None,
    WithJsonSchema({"type": "string", "pattern": "^https?://"}),
]
Switch = Annotated[bool, Strict()]
ObjectTypeId = Annotated[str, _kept(object_type)]
Sources = Annotated[tuple[Literal["object", "group", "account"], ...], _kept(sources)]
Count = Annotated[int, Strict(), Field(ge=1)]
Seconds = Annotated[float, Strict(), Field(gt=0, allow_inf_nan=False)]
Days = Annotated[float, Strict(), Field(gt=0, allow_inf_nan=False)]
Secret = Annotated[SecretStr | None, BeforeValidator(_trimmed), WithJsonSchema({"not": {}})]
"""Never in the file: its schema refuses every value."""


class Section(BaseModel):
    """A table of the file: frozen, without unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, validate_by_name=True)


class Addressed(Section):
    """A section with a URL that may carry a password, which neither repr nor model_dump shows."""

    url: str

    @field_serializer("url")
    def _serialized(self, url: str) -> str:
        return starred(url)

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        """The URL without its password."""
        return [("url", starred(self.url))]
