"""The settings of Hull's Customer.io connector as a settings.toml of ours (docs/moving-from-hull.md).

Nothing is guessed that decides about deletions or identifiers: there, what cannot be understood is an error.
Everything else that cannot be taken along is a warning. Credentials are not read.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from connector.admin.hull_import.template import SEGMENT_ATTRIBUTE, TemplateRow, filled
from connector.errors import UnreadableError
from connector.formats.reading import word
from connector.model import attribute_names
from connector.model.bounds import storable
from connector.model.limits import ATTRIBUTES_AN_ITEM
from connector.settings import validators
from connector.settings.mistakes import listed, shown

LIMITS = {
    "max_attribute_name_length": 150,
    "max_attribute_value_length": 1000,
    "max_identifier_value_length": 150,
}
"""Hull's hidden settings, each a limit in bytes, with their defaults."""

KNOWN = (
    "site_id",
    "api_key",
    "synchronized_segments",
    "enable_user_deletion",
    "events_filter",
    "anonymous_events",
    "user_id_mapping",
    "synchronized_attributes",
    *LIMITS,
)
ON_THE_PAGE = {
    "customer.io site id": "site_id",
    "customer.io api key": "api_key",
    "user filter": "synchronized_segments",
    "enable user deletion": "enable_user_deletion",
    "events filter": "events_filter",
    "send anonymous events": "anonymous_events",
    "which user attribute to send as 'customerid'": "user_id_mapping",
    "attribute list": "synchronized_attributes",
}
"""The names of the settings by the labels on Hull's page, in lower case: a copy from the page has the labels."""
HEADINGS = frozenset({"credentials_title", "configuration_title"})
"""Headings of that page, which stand among the settings and are none."""
ALWAYS_SENT = ("email", "created_at")
_SWITCHES = {True: True, False: False, None: False, "true": True, "false": False}


class Imported(NamedTuple):
    """The text of a settings.toml, and a line for each thing that it could not take along."""

    text: str
    warnings: tuple[str, ...]


def imported(document: Any) -> Imported:
    """Converts a JSON value: private_settings, the connector that has them, or a notification of that connector.

    Raises UnreadableError where it has no such settings, or where one of them cannot be understood.
    """
    given = _Given(_private(document))
    names = dict(_segment_names(document))
    text = filled(
        label=_label(document),
        segments=[TemplateRow(key, names.get(key)) for key in given.segments()],
        deletes=given.switch("enable_user_deletion"),
        events=[TemplateRow(name) for name in given.events()],
        anonymous_events=given.switch("anonymous_events"),
        identifier=given.identifier(),
        attributes=[TemplateRow(name) for name in given.attributes()],
        set_there=given.private.keys(),
    )
    given.look_over_the_rest()
    return Imported(text, tuple(given.warnings))


class _Given:
    """private_settings, read one by one; `warnings` gathers what could not be taken along."""

    def __init__(self, private: Mapping[str, Any]) -> None:
        self.private = private
        self.warnings: list[str] = []

    def switch(self, name: str) -> bool:
        """Returns the value of a switch; false where it is not set.

        Raises UnreadableError where it is neither true nor false.
        """
        given = self.private.get(name)
        written = given.strip().lower() if isinstance(given, str) else given
        if isinstance(written, bool | str | None) and written in _SWITCHES:
            return _SWITCHES[written]
        raise UnreadableError(f"{name}: {shown(given)} is not accepted; it is true or false in Hull")

    def identifier(self) -> str:
        """Returns the name of the field whose value is Customer.io's id: "external_id" where none is set.

        Raises UnreadableError where it is not the name of an attribute, or cannot be an identifier here.
        """
        given = self.private.get("user_id_mapping")
        field = ("external_id" if given is None else given).strip() if isinstance(given, str | None) else None
        if field is None or not storable(field):
            raise UnreadableError(f"user_id_mapping: {shown(given)} is not accepted; it is the name of an attribute")
        for fault in validators.identifier(field):
            raise UnreadableError(f"user_id_mapping: {fault}")
        return field

    def segments(self) -> list[str]:
        """Returns the ids of the segments on the whitelist. Raises UnreadableError where it is no list."""
        there = "in Hull that was no segment, and here it would be everybody"
        return self._names("synchronized_segments", star=there)

    def events(self) -> list[str]:
        """Returns the names of the events on the allow list. Raises UnreadableError where it is no list."""
        return self._names("events_filter", star="in Hull that was no event, and here it would be all events")

    def attributes(self) -> list[str]:
        """Returns the attributes to send, the ones that Hull always sent first, as many as a person may have.

        Of two that would get the same name in Customer.io the last is taken, as in Hull. One whose name Customer.io
        would not take is left out with a warning. Raises UnreadableError where the setting is no list.
        """
        chosen: dict[str, str] = {}
        for field in (*ALWAYS_SENT, *map(str.strip, self._names("synchronized_attributes"))):
            target = attribute_names.target(field)
            if faults := _faults(target):
                self.warnings += [f"synchronized_attributes: {fault}; it is left out" for fault in faults]
                continue
            before = chosen.get(target, field)
            if attribute_names.bare(before) != attribute_names.bare(field):
                both = f"{shown(before)} and {shown(field)} both become {shown(target)}"
                self._warn("synchronized_attributes", f"{both}; only the second is taken, as in Hull")
            chosen[target] = field
        return self._not_too_many(list(chosen.values()))

    def look_over_the_rest(self) -> None:
        """Warns of each setting that has no counterpart here."""
        for name, usual in LIMITS.items():
            if _number(self.private.get(name), usual) != usual:
                self._warn(name, f"has no counterpart: Customer.io's own limit of {usual} bytes holds here")
        for name in self.private:
            if name not in KNOWN and name not in HEADINGS:
                self._warn(shown(name), "has no counterpart here; it is left out")

    def _not_too_many(self, fields: list[str]) -> list[str]:
        if len(fields) > ATTRIBUTES_AN_ITEM:
            left_out = f"the last {len(fields) - ATTRIBUTES_AN_ITEM} are left out"
            self._warn("synchronized_attributes", f"Customer.io holds 300 attributes a person; {left_out}")
        return fields[:ATTRIBUTES_AN_ITEM]

    def _names(self, name: str, star: str = "") -> list[str]:
        """Returns the entries of a list, each once. star: why an entry "*" is left out; "" where it is taken."""
        given = self.private.get(name)
        if not isinstance(given, list | None):
            raise UnreadableError(f"{name}: {shown(given)} is not accepted; it is a list in Hull")
        found: dict[str, None] = {}
        for index, entry in enumerate(given or ()):
            own = word(entry.get("id") if isinstance(entry, dict) else entry)
            if own is None or not storable(own):
                self._warn(f"{name}[{index}]", "is not a name; it is left out")
            elif own == "*" and star:
                self._warn(f"{name}[{index}]", f"'*' is left out: {star}")
            else:
                found[own] = None
        return list(found)

    def _warn(self, name: str, text: str) -> None:
        self.warnings.append(f"{name}: {text}")


def _faults(target: str) -> list[str]:
    if target == SEGMENT_ATTRIBUTE:
        return [f"{shown(target)} is the attribute that lists the segments"]
    return validators.target(target)


def _number(given: Any, usual: int) -> float:
    """Returns a limit as Hull understood it: digits as text count too, and what is no number is the default."""
    try:
        return usual if given is None or isinstance(given, bool) else float(given)
    except (TypeError, ValueError, OverflowError):
        return usual


def _holders(document: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yields each object that has private_settings: the document itself, its `connector` and its `ship`."""
    for holder in (document, document.get("connector"), document.get("ship")):
        if isinstance(holder, dict) and isinstance(holder.get("private_settings"), dict):
            yield holder


def _private(document: Any) -> Mapping[str, Any]:
    if not isinstance(document, dict):
        raise UnreadableError("is no JSON object; give private_settings, or the connector that has them")
    for holder in _holders(document):
        return _by_name(holder["private_settings"])
    found = _by_name(document)
    if not any(name in found for name in KNOWN):
        raise UnreadableError(f"has none of the settings of Hull's Customer.io connector: {listed(KNOWN)}")
    return found


def _by_name(private: Mapping[str, Any]) -> Mapping[str, Any]:
    """Returns the settings by their names. A value under a setting's name goes before one under its label."""
    headed = {ON_THE_PAGE.get(" ".join(name.lower().split()), name): value for name, value in private.items()}
    return headed | {name: value for name, value in private.items() if name in KNOWN}


def _label(document: Mapping[str, Any]) -> str:
    """Returns the name that people gave the connector; "" where there is none."""
    names = (word(holder.get("name")) for holder in _holders(document))
    return next((name for name in names if name is not None and storable(name)), "")


def _segment_names(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yields the id and the name of each segment, wherever the document lists segments."""
    for holder in (document, *_holders(document), _private(document)):
        for field in ("users_segments", "segments", "synchronized_segments"):
            yield from _named(holder.get(field))


def _named(entries: Any) -> Iterable[tuple[str, str]]:
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, dict) and (key := word(entry.get("id"))) and (name := word(entry.get("name"))):
            yield key, name
