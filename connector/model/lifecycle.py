"""The lifecycle of a user or an object, beside attributes and segments: deleted, suppressed, merged.

Each entry has the version that wrote it, as attributes have, so that the end is the same in whatever order messages
come; only a newer message takes one back.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from connector.model.versioned import VersionedMap

Departure = Literal["deleted", "left"]
"""The ways in which an object leaves: upstream has deleted it, or still has it and it is not to be synced any more."""
_ANONYMOUS_ID, _SEGMENTS, _DELETED, _GONE = "anonymous_id", "segments", "deleted", "gone"
_ENTERED, _CALLED = "entered", "called"
_MERGED_AS, _HANDED_OVER = "merged as", "handed over"
_SUPPRESSED, _BY_RULE, _MERGED_INTO, _ABSORBED = "suppressed", "suppressed by rule", "merged into", "absorbed"
_OF_THIS_USER_ALONE = frozenset(
    {_DELETED, _CALLED, _SUPPRESSED, _BY_RULE, _MERGED_INTO, _MERGED_AS, _HANDED_OVER, _ABSORBED}
)


class Lifecycle(NamedTuple):
    """The entries, as the store keeps them; the properties below say what each means."""

    entries: VersionedMap = VersionedMap()

    @property
    def anonymous_id(self) -> str | None:
        """The anonymous id of the visitor whom the user was last known as."""
        found: str | None = self._get(_ANONYMOUS_ID)
        return found

    @property
    def kept_segments(self) -> list[str]:
        """The segments' names at the last change that had the user in the audience, where those who leave are kept."""
        found: list[str] = self.entries.values.get(_SEGMENTS, [])
        return found

    @property
    def entered_segments(self) -> Mapping[str, int]:
        """The unix seconds at which the user entered each of their segments, by name; kept where that is wanted."""
        found: Mapping[str, int] = self.entries.values.get(_ENTERED, {})
        return found

    @property
    def deleted(self) -> bool:
        """Says whether upstream has deleted the user and has sent no message about them since."""
        return bool(self._get(_DELETED))

    @property
    def deleted_identifiers(self) -> Sequence[Sequence[str]]:
        """The identifiers that upstream gave for the user whom it deleted: pairs of type and value."""
        return _pairs(self._get(_DELETED))

    @property
    def also_called(self) -> Sequence[Sequence[str]]:
        """The other identifiers that upstream had used for the user whom it deleted: pairs of type and value."""
        return _pairs(self._get(_CALLED))

    @property
    def freed_identifiers(self) -> Sequence[Sequence[str]]:
        """The identifiers of a user whom a message asked to suppress no more: pairs of type and value."""
        return _pairs(self._get(_SUPPRESSED))

    @property
    def suppressed(self) -> bool:
        """Says whether a message asked to suppress the user, and none has asked to free them since."""
        value = self._get(_SUPPRESSED)
        return value is True or isinstance(value, str)

    @property
    def suppressed_identifier(self) -> str | None:
        """The identifier named by the message that asked to suppress the user; None where it named none."""
        value = self._get(_SUPPRESSED)
        return value if isinstance(value, str) else None

    @property
    def suppressed_by_rule(self) -> bool:
        """Says whether the settings' `suppress_when` held for what upstream last said."""
        return bool(self._get(_BY_RULE))

    @property
    def merged_into(self) -> str | None:
        """The key of the user whom this one was merged into; None where there is none."""
        found: str | None = self._get(_MERGED_INTO)
        return found

    @property
    def merged_into_version(self) -> int:
        """The version of the message that wrote `merged_into`; 0 where there is none."""
        return self.entries.versions.get(_MERGED_INTO, 0)

    @property
    def absorbed(self) -> Mapping[str, Mapping[str, Any]]:
        """The attributes of the users merged into this one, by key; not said by upstream, so without a version."""
        found: Mapping[str, Mapping[str, Any]] = self.entries.values.get(_ABSORBED, {})
        return found

    @property
    def departure(self) -> Departure | None:
        """The way in which an object left; None while it is there."""
        found: Departure | None = self._get(_GONE)
        return found

    def newest(self) -> int | None:
        """Returns the newest version that wrote an entry, None where there is none."""
        return self.entries.newest()

    def visited(self, anonymous_id: str, version: int) -> "Lifecycle":
        """Returns the entries with this visitor as the one the user is known as."""
        return self._noted(_ANONYMOUS_ID, anonymous_id, version)

    def kept_with(self, segments: list[str], version: int) -> "Lifecycle":
        """Returns the entries with these as the segments of the last change that had the user in the audience."""
        return self._noted(_SEGMENTS, segments, version)

    def entered(self, segments: Iterable[str], at: int) -> "Lifecycle":
        """Returns the entries with the user in these segments, new ones as of `at` (unix seconds); without version."""
        known = self.entered_segments
        times = {name: known.get(name, at) for name in segments}
        return (
            self
            if times == known
            else Lifecycle(self.entries._replace(values={**self.entries.values, _ENTERED: times}))
        )

    def deleted_at(
        self, version: int, identifiers: Sequence[Sequence[str]] = (), also: Sequence[Sequence[str]] = ()
    ) -> "Lifecycle":
        """Returns the entries of a user whom upstream deleted by these identifiers; the visitor they were is forgotten.

        `also` has the other identifiers it used for them, kept for an erasure: nobody is deleted by these otherwise.
        """
        more = {_CALLED: list(also)} if also else {}
        return Lifecycle(
            self.entries.updated({_DELETED: list(identifiers) or True, _ANONYMOUS_ID: None, **more}, version)
        )

    def spoken_of(self, version: int) -> "Lifecycle":
        """Returns the entries after a message about the user, which brings back one who was deleted before."""
        return self._noted(_DELETED, None, version) if _DELETED in self.entries.values else self

    def suppressed_at(self, version: int, identifier: str | None = None) -> "Lifecycle":
        """Returns the entries after a message that asks to suppress the user, whom it names by `identifier`."""
        return self._noted(_SUPPRESSED, identifier or True, version)

    def freed_at(self, version: int, identifiers: Sequence[Sequence[str]] = ()) -> "Lifecycle":
        """Returns the entries after a message that asks to suppress the user with these identifiers no more."""
        return self._noted(_SUPPRESSED, list(identifiers), version)

    def judged_by_rule(self, version: int, *, suppressed: bool) -> "Lifecycle":
        """Returns the entries with whether `suppress_when` holds for what a message says."""
        return self._noted(_BY_RULE, suppressed, version)

    def merged(self, into: str | None, version: int, identifiers: Sequence[Sequence[str]] = ()) -> "Lifecycle":
        """Returns the entries of a user with these identifiers, merged into another one or, with None, no longer."""
        named = {_MERGED_AS: list(identifiers)} if identifiers else {}
        return Lifecycle(self.entries.updated({_MERGED_INTO: into, **named}, version))

    @property
    def to_hand_over(self) -> Sequence[Sequence[str]]:
        """The identifiers of a user who was merged into another one that the other one has not been given yet."""
        handed = [list(each) for each in _pairs(self._get(_HANDED_OVER))]
        return [each for each in _pairs(self._get(_MERGED_AS)) if list(each) not in handed]

    @property
    def named_when_merged(self) -> bool:
        """Says whether upstream has given identifiers of the user who was merged into another one."""
        return bool(_pairs(self._get(_MERGED_AS)))

    def handed_over(self, identifiers: Sequence[Sequence[str]]) -> "Lifecycle":
        """Returns the entries with these identifiers as given to the other user; upstream said nothing: no version."""
        before = [list(each) for each in _pairs(self._get(_HANDED_OVER))]
        new = [list(each) for each in identifiers if list(each) not in before]
        if not new:
            return self
        return Lifecycle(self.entries._replace(values={**self.entries.values, _HANDED_OVER: [*before, *new]}))

    def with_visitor_of(self, other: "Lifecycle") -> "Lifecycle":
        """Returns the entries with the visitor whom the other user was known as, unless this one has a visitor."""
        if other.anonymous_id is None or self.anonymous_id is not None:
            return self
        return self.visited(other.anonymous_id, other.entries.versions.get(_ANONYMOUS_ID, 0))

    def with_absorbed(self, key: str, attributes: Mapping[str, Any]) -> "Lifecycle":
        """Returns the entries with another user, who had these attributes, as merged into this one."""
        values = {**self.entries.values, _ABSORBED: {**self.absorbed, key: attributes}}
        return Lifecycle(self.entries._replace(values=values))

    def departed(self, departure: Departure | None, version: int) -> "Lifecycle":
        """Returns the entries of an object that left in this way or, with None, is there."""
        return self._noted(_GONE, departure, version)

    def of_the_person(self) -> "Lifecycle":
        """Returns the entries that a user takes over from their lead: none of what was said of the lead as a whole."""
        values = {name: value for name, value in self.entries.values.items() if name not in _OF_THIS_USER_ALONE}
        return Lifecycle(VersionedMap(values, self.entries.snapshot, self.entries.versions))

    def _get(self, name: str) -> Any:
        return self.entries.values.get(name)

    def _noted(self, name: str, value: Any, version: int) -> "Lifecycle":
        return Lifecycle(self.entries.updated({name: value}, version))


def _pairs(value: Any) -> Sequence[Sequence[str]]:
    return value if isinstance(value, list) else ()
