"""What the settings accept: the rules, then the types that are made of them.

A rule gives a line for each thing that is wrong, and none where all is well.
"""

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Annotated, Any, Literal
from urllib.parse import SplitResult, parse_qsl, urlsplit

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
from pydantic_core import from_json

from connector.model import attribute_names
from connector.model.attribute_names import PREFERENCES, TOPIC
from connector.model.limits import ATTRIBUTES, ATTRIBUTES_AN_ITEM, NAME_BYTES
from connector.settings.mistakes import listed, refuse, shown, starred

_TYPE_DIGITS = 9
_PATH = re.compile("[/?]")
_SHORTEST_SECRET = 8

RESERVED = {
    "_update": 'Customer.io takes it as an order never to create the person; mode = "update" says that',
    "_timestamp": "Customer.io takes it as the time of the update, and would drop newer values",
    "cio_id": "Customer.io gives it out itself; set identify_by to address people by it",
    "cio_relationships": "Customer.io takes it as relationships to objects, not as an attribute",
}


def store(url: str) -> list[str]:
    """A database the store can use."""
    if url.startswith("sqlite:///"):
        return [f"{shown(url)} is not accepted; leave out what stands behind the ?"] if "?" in url else []
    if url.startswith("postgresql+psycopg://"):
        return _reachable(url) or _escaped(url)
    if url.startswith(("postgres://", "postgresql://")):
        return [f"{shown(url)} is not accepted; begin it with postgresql+psycopg://, the rest stays"]
    return [f"{shown(url)} is not accepted; give sqlite:///FILE or postgresql+psycopg://USER:PASSWORD@HOST/DATABASE"]


def replica(url: str) -> list[str]:
    """A replica that pages can read from."""
    return store(url) if url.startswith("postgres") else ["is not accepted; give a URL of postgresql+psycopg://"]


def broker(url: str) -> list[str]:
    """A broker that keeps what it was given."""
    if url.startswith(("memory://", "amqp://", "amqps://")):
        return _reachable(url) or _plainly_named(url)
    redis = url.startswith(("redis", "sentinel"))
    reason = "; Redis loses the messages of a worker that dies between two of its steps" if redis else ""
    return [f"{shown(url)} is not accepted; give memory://, amqp://... or amqps://...{reason}"]


def _plainly_named(url: str) -> list[str]:
    """A URL that says who asks, and where, in its usual places: behind the ? it would be said twice."""
    given = {name for each in url.split(";") for name, _ in parse_qsl(urlsplit(each).query, keep_blank_values=True)}
    if found := sorted(given & _IN_THEIR_PLACES):
        return [
            f"{shown(url)} is not accepted; give amqp://USER:PASSWORD@HOST:PORT/, and no {listed(found)} behind the ?"
        ]
    return []


_IN_THEIR_PLACES = frozenset(
    {"hostname", "port", "userid", "user", "username", "password", "virtual_host", "transport"}
)


def _reachable(url: str) -> list[str]:
    """A URL whose host and port can be told, of one host or of several."""
    try:
        hosts = urlsplit(url).netloc.rpartition("@")[2].split(",")
        told = all(urlsplit(f"//{host}").port != 0 for host in hosts)
    except ValueError:
        told = False
    wanted = "give HOST:PORT with a port from 1 to 65535, an IPv6 address in brackets"
    return [] if told else [f"{shown(url)} is not accepted; {wanted}"]


def _escaped(url: str) -> list[str]:
    return [f"{shown(url)} is not accepted; {ESCAPED}"] if host_has_at(url) else []


ESCAPED = "write an @ in a user name or password as %40"


def host_has_at(url: str) -> bool:
    """Whether a password has an @: what follows it would be taken for the host, and shown with it."""
    behind = url.partition("://")[2].partition("@")[2]
    return "@" in _PATH.split(behind, 1)[0]


def address(url: str) -> list[str]:
    """A web address that paths can be added to."""
    if _is_bare(url):
        return []
    return [f"{shown(url)} is not accepted; give http://HOST or https://HOST, without query or password"]


def origin(url: str) -> list[str]:
    """A web site as a browser names it: scheme, host and port."""
    if _is_bare(url) and urlsplit(url).path == "" and url == url.lower():
        return []
    return [f"{shown(url)} is not accepted; give a web site as https://HOST, in small letters, without a path"]


def _is_bare(url: str) -> bool:
    """Whether it is a web address without query, fragment and password, and without a space of any kind."""
    if (parts := web_address(url)) is None:
        return False
    return not (parts.query or parts.fragment or "@" in parts.netloc or any(map(str.isspace, url)))


def web_address(url: str) -> SplitResult | None:
    """Returns the parts of an address of http or https whose host and port can be told, None of any other text."""
    try:
        parts = urlsplit(url)
        told = bool(parts.hostname) and parts.port != 0
    except ValueError:
        return None
    return parts if told and parts.scheme in ("http", "https") else None


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
    own = attribute_names.bare(field)
    if own.partition(".")[0] == attribute_names.ACCOUNT:
        return [f"{shown(field)} is not accepted: many users share an account; name a field of the user"]
    if own in ("segments", "events"):
        return [f"{shown(field)} is not accepted: it is a list, and an identifier one value; name a field of the user"]
    return source(field)


def target(name: str) -> list[str]:
    """A name that Customer.io stores as an attribute's."""
    size = len(name.encode())
    if not name.strip():
        return [f"{shown(name)} is not accepted as a name in Customer.io; give one"]
    if size > NAME_BYTES:
        return [f"{shown(name)} has {size} bytes; Customer.io takes {NAME_BYTES} in a name"]
    if name in RESERVED:
        return [f"{shown(name)} is not accepted as a name in Customer.io: {RESERVED[name]}"]
    return []


def many_at_once(field: str, name: str) -> list[str]:
    """`account` and `*` stand for many attributes, which cannot all take one name."""
    if field not in (attribute_names.ACCOUNT, attribute_names.EVERYTHING) or name == attribute_names.target(field):
        return []
    if field == attribute_names.EVERYTHING:
        return [f"{shown(name)} is not accepted: * is every field, each under its own name; leave out to"]
    return [f"{shown(name)} is not accepted: account is all its attributes, each sent as account_NAME; leave out to"]


def address_ids(choice: str, identify_by: str | None) -> list[str]:
    """A choice that the sync's identifiers allow."""
    if choice == "id" or identify_by == "id_or_email":
        return []
    return [f'{shown(choice)} is not accepted: only with identify_by = "id_or_email" people are known by e-mail too']


def left_out(field: str, given: Collection[str]) -> list[str]:
    """Fields that every other field is sent without."""
    if given and field != attribute_names.EVERYTHING:
        return [f'is not accepted with from = {shown(field)}: it belongs to from = "*"']
    return names(given)


def one_by_one(fields: Iterable[str]) -> list[str]:
    """Attributes of an object, which are named."""
    everything = attribute_names.EVERYTHING in fields
    return ["'*' is not accepted of objects and relationships; name the attributes"] if everything else []


def not_the_id(name: str, identify_by: str | None) -> list[str]:
    """An attribute that would overwrite the identifier."""
    if name != "id" or identify_by not in ("id", "id_or_email"):
        return []
    by = f'identify_by = "{identify_by}"'
    return [f"'id' is not accepted as a name in Customer.io: with {by} it is the identifier itself"]


def own_id(sync: str, identify_by: str) -> str:
    """The line for a sync that would send upstream's own id as the identifier."""
    return (
        f"{sync}.attributes: 'id' is not accepted as a name in Customer.io: with identify_by = \"{identify_by}\" it is "
        'the identifier itself; give upstream\'s own id another name: { from = "id", to = ... }'
    )


def attributes(
    renames: Collection[tuple[str, str]], segment_attribute: str | None, identify_by: str | None
) -> list[str]:
    """Attributes, as (upstream field, name in Customer.io), that do not overwrite each other and are not too many."""
    mistakes = [*_clashes(renames, segment_attribute)]
    for _, name in renames:
        mistakes += not_the_id(name, identify_by)
    if len(renames) > ATTRIBUTES_AN_ITEM:
        mistakes.append(
            f"{len(renames)} are too many; Customer.io holds {ATTRIBUTES} a person, name at most {ATTRIBUTES_AN_ITEM}"
        )
    return mistakes


def _clashes(renames: Collection[tuple[str, str]], segment_attribute: str | None) -> Iterator[str]:
    for name in _repeated(name for _, name in renames):
        fields = listed([shown(field) for field, taken in renames if taken == name])
        yield f"{fields} all become {shown(name)}; give each a name of its own: {{ from = ..., to = ... }}"
    whole = any(name == PREFERENCES for _, name in renames)
    for field, name in renames:
        if name.startswith(TOPIC) and whole:
            yield f"{shown(name)} stands beside {shown(PREFERENCES)}, which replaces all topics; name one"
        if name == segment_attribute:
            yield f"{shown(field)} becomes {shown(name)}, the name of segment_attribute; give one of them another"


def object_type(text: str) -> list[str]:
    """One of Customer.io's types of objects."""
    if text.isascii() and text.isdigit() and not text.startswith("0") and len(text) <= _TYPE_DIGITS:
        return []
    return [f"{shown(text)} is not accepted; give Customer.io's object_type_id, an integer from 1 in quotes"]


def sources(given: Collection[str]) -> list[str]:
    """The sources of objects: at least one."""
    return names(given) if given else ["an empty list is not accepted; name some of object, group, account"]


def on_exit(choice: str, mode: str | None) -> list[str]:
    """An exit that the mode allows."""
    if choice != "delete" or mode != "update":
        return []
    return ["'delete' is not accepted with mode = \"update\", which never deletes; give one of keep, clear"]


def suppressing(field: str) -> list[str]:
    """A field of the user, or of their account, that holds one value."""
    if attribute_names.bare(field) in ("segments", "events", attribute_names.ACCOUNT):
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


def unused(known: Collection[str]) -> str:
    """What is wrong with a connection that only a variable speaks of; known: those that the settings name."""
    return f"neither the file nor a sync names this connection; name one of {listed(known)}, or take the variable away"


def _trimmed(value: Any) -> Any:
    """A secret without the line end its file gave it; an empty one is none, as compose files pass unset variables."""
    text = value.get_secret_value() if isinstance(value, SecretStr) else value
    return (text.strip() or None) if isinstance(text, str) else text


def listed_secrets(value: Any) -> Any:
    """Secrets in one text, as an environment variable has them: with commas between, or as a list in JSON."""
    if isinstance(value, int) and not isinstance(value, bool):
        return [str(value)]  # a key of digits alone, which a variable gives as a number
    if not isinstance(value, str):
        return value
    try:
        given = from_json(value)
    except ValueError:
        given = None
    return given if isinstance(given, list) else [each.strip() for each in value.split(",") if each.strip()]


def _long_enough(secrets: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
    """Secrets that nobody guesses: an empty one would let in everybody who knows that it is."""
    if any(len(each.get_secret_value().strip()) < _SHORTEST_SECRET for each in secrets):
        refuse([f"a key of fewer than {_SHORTEST_SECRET} characters is not accepted; give what Customer.io shows"])
    return secrets


def _kept(rule: Callable[[Any], list[str]]) -> AfterValidator:
    """A type's own rule: what breaks it is refused, what keeps it goes through."""

    def checked(value: Any) -> Any:
        refuse(rule(value))
        return value

    return AfterValidator(checked)


TableName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]*(_[a-z0-9]+)*$")]
Text = Annotated[str, StringConstraints(strip_whitespace=True)]
Names = Annotated[tuple[str, ...], _kept(names)]
StoreUrl = Annotated[str, _kept(store)]
BrokerUrl = Annotated[str, _kept(broker)]
AttributeField = Annotated[Text, _kept(source)]
IdentifierField = Annotated[Text, _kept(identifier)]
UrlSetting = Annotated[
    Annotated[str, _kept(address), AfterValidator(lambda url: url.rstrip("/"))] | None,
    WithJsonSchema({"type": "string", "pattern": "^https?://"}),
]
Origin = Annotated[Text, _kept(origin)]
Switch = Annotated[bool, Strict()]
ObjectTypeId = Annotated[str, _kept(object_type)]
Sources = Annotated[tuple[Literal["object", "group", "account"], ...], _kept(sources)]
Count = Annotated[int, Strict(), Field(ge=1)]
Seconds = Annotated[float, Strict(), Field(gt=0, allow_inf_nan=False)]
Days = Annotated[float, Strict(), Field(gt=0, allow_inf_nan=False)]
Secret = Annotated[SecretStr | None, BeforeValidator(_trimmed), WithJsonSchema({"not": {}})]
"""Never in the file: its schema refuses every value."""
Secrets = Annotated[
    tuple[SecretStr, ...],
    BeforeValidator(listed_secrets),
    AfterValidator(_long_enough),
    WithJsonSchema({"not": {}}),
]
"""Several secrets, never in the file either."""


class Section(BaseModel):
    """A table of the file: frozen, without unknown keys."""

    # What checks a section by itself is built only where that is asked for: most are checked with what they stand in.
    model_config = ConfigDict(
        frozen=True, extra="forbid", hide_input_in_errors=True, validate_by_name=True, defer_build=True
    )


class Addressed(Section):
    """A section with a URL that may carry a password, which neither repr nor model_dump shows."""

    url: str

    @field_serializer("url")
    def _serialized(self, url: str) -> str:
        return starred(url)

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        """The URL without its password."""
        return [("url", starred(self.url))]
