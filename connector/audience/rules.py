"""One sync's settings, prepared once so that each message is judged by set look-ups."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from connector import naming, preferences, settings_actions, settings_mirrors, settings_transforms, transform
from connector.actions.action import Actions
from connector.model.change import Change
from connector.settings.schema import Sync
from connector.settings.sync_options import Attribute, DeletionGuard, ObjectType, Suppression
from connector.settings.manual_segments import Target

MISSING: Any = object()
EVERYTHING = "*"


@dataclass(frozen=True, slots=True)
class Source:
    """Where upstream may write one attribute: under flat keys, or along paths. The first that is there counts."""

    flat: tuple[str, ...]
    nested: tuple[tuple[str, ...], ...]

    @classmethod
    def of(cls, name: str) -> "Source":
        """Every form in which upstreams write the attribute `name` (reference: hull-behaviour, 9.4)."""
        own = naming.bare(name)
        flat = (own, f"traits_{own}") if own == name else (f"traits_{own}", own)
        group = tuple(own.split("/")) if "/" in own else ()
        nested: list[tuple[str, ...]] = [("traits", own)]
        if own.startswith(preferences.TOPIC):
            group = tuple(own.split(".", 2))
        if group:
            nested += [group, ("traits", *group)]
        return cls(flat, tuple(nested))

    def find(self, attributes: Mapping[str, Any]) -> Any:
        """The value in `attributes`, or MISSING where it is in none of the forms."""
        for name in self.flat:
            if name in attributes:
                return attributes[name]
        for path in self.nested:
            value = _follow(path, attributes)
            if value is not MISSING:
                return value
        return MISSING


def _follow(path: tuple[str, ...], value: Any) -> Any:
    for name in path:
        if not isinstance(value, dict) or name not in value:
            return MISSING
        value = value[name]
    return value


@dataclass(frozen=True, slots=True)
class Transformed:
    """An attribute that goes through steps. fills: whether they make something of nothing."""

    target: str
    source: Source
    of_account: bool
    steps: tuple[transform.Step, ...]
    fills: bool
    stays_text: bool

    @classmethod
    def of(cls, attribute: Attribute) -> "Transformed":
        """The attribute as the settings give it."""
        in_account = naming.of_account(attribute.source)
        source = Source.of(attribute.source if in_account is None else in_account)
        steps = settings_transforms.compiled(attribute.transform)
        names = {step.name for step in steps}
        fills, stays_text = transform.DEFAULT in names, bool(names & transform.TEXTUAL)
        return cls(attribute.target, source, in_account is not None, steps, fills, stays_text)


def _email_field(attributes: Iterable[Attribute]) -> str:
    """The user's field that is sent as their e-mail address: upstreams have other names for it."""
    sent = (each.source for each in attributes if each.target == "email")
    return next((field for field in sent if naming.of_account(field) is None), "email")


@dataclass(frozen=True, slots=True)
class SuppressWhen:
    """Whom to suppress: those of whom the field holds this text, whatever its case; true is "true"."""

    source: Source
    of_account: bool
    text: str

    @classmethod
    def of(cls, given: Suppression) -> "SuppressWhen | None":
        """The rule as the settings give it; None for none."""
        if not given.attribute:
            return None
        in_account = naming.of_account(given.attribute)
        source = Source.of(given.attribute if in_account is None else in_account)
        return cls(source, in_account is not None, _as_text(given.equals))

    def find(self, change: Change) -> Any:
        """What a change says in the field, MISSING where it says nothing."""
        return self.source.find(change.account if self.of_account else change.user)

    def holds(self, value: Any) -> bool:
        """Whether the value is the one that the settings name."""
        return isinstance(value, str | int | float) and _as_text(value) == self.text


def _as_text(value: str | float) -> str:
    number = int(value) if isinstance(value, float) and value.is_integer() else value
    return str(number).strip().lower()


@dataclass(frozen=True, slots=True)
class Chosen:
    """Attributes that the settings choose: those that go as they are, and those that go through steps."""

    plain: tuple[tuple[str, Source], ...]
    transformed: tuple[Transformed, ...]
    targets: frozenset[str]

    @classmethod
    def of(cls, attributes: Iterable[Attribute]) -> "Chosen":
        """The attributes as the settings give them."""
        listed = tuple(attributes)
        plain = tuple((each.target, Source.of(each.source)) for each in listed if not each.transform)
        transformed = tuple(Transformed.of(each) for each in listed if each.transform)
        return cls(plain, transformed, frozenset(each.target for each in listed))


@dataclass(frozen=True, slots=True)
class ObjectRules:
    """What is needed to know of objects of one type, and of relationships to them."""

    type: str
    sources: frozenset[str]
    identifier: Source
    attributes: Chosen
    relationship: Chosen
    on_exit: Literal["keep", "delete"]

    @classmethod
    def of(cls, given: ObjectType) -> "ObjectRules":
        """The rules of a type as the settings give it."""
        return cls(
            type=given.type,
            sources=frozenset(given.sources),
            identifier=Source.of(given.identifier),
            attributes=Chosen.of(given.attributes),
            relationship=Chosen.of(given.relationship_attributes),
            on_exit=given.on_exit,
        )


@dataclass(frozen=True, slots=True)
class Rules:
    """What `audience`, `mapping`, `merge` and `plan` need to know of a sync.

    by_either: people are known by id or by e-mail (`address`). mirrors: the manual segment of each upstream segment
    that is mirrored; served: those of them that can be sent now, with the id where it is known.
    """

    name: str
    connection: str
    whitelist: frozenset[str]
    everybody: bool
    identifier: Source
    identify_by: Literal["id", "email", "cio_id", "id_or_email"]
    by_either: bool
    email: Source
    attributes: tuple[tuple[str, Source], ...]
    account_attributes: tuple[tuple[str, Source], ...]
    whole_account: bool
    transformed: tuple[Transformed, ...]
    segment_attribute: str
    targets: frozenset[str]
    events: frozenset[str]
    anonymous_events: bool
    require_email: bool
    update_only: bool
    on_exit: Literal["keep", "clear", "delete"]
    on_identifier_change: Literal["merge", "replace", "keep"]
    convert_dates: bool
    deliver: bool
    deletion_guard: DeletionGuard
    suppress_when: SuppressWhen | None
    preferences: frozenset[str]
    mirrors: Mapping[str, Target]
    served: Mapping[str, Target]
    objects: Mapping[str, ObjectRules]
    actions: Actions | None = None

    @classmethod
    def of(cls, sync: Sync) -> "Rules":
        """The rules of a sync as the settings give it."""
        as_they_are = [a for a in sync.attributes if not a.transform]
        of_account = [(a.target, naming.of_account(a.source)) for a in as_they_are]
        own = [a for a in as_they_are if naming.of_account(a.source) is None and a.source != naming.ACCOUNT]
        mirrors = settings_mirrors.targets(sync.manual_segments)
        targets = {a.target for a in sync.attributes} | ({sync.segment_attribute} - {""})
        return cls(
            name=sync.name,
            connection=sync.connection,
            whitelist=frozenset(sync.segments),
            everybody=EVERYTHING in sync.segments,
            identifier=Source.of(sync.identifier),
            identify_by=sync.identify_by,
            by_either=sync.identify_by == "id_or_email",
            email=Source.of(_email_field(sync.attributes)),
            attributes=tuple((a.target, Source.of(a.source)) for a in own),
            account_attributes=tuple((target, Source.of(name)) for target, name in of_account if name is not None),
            whole_account=any(a.source == naming.ACCOUNT for a in sync.attributes),
            transformed=tuple(Transformed.of(a) for a in sync.attributes if a.transform),
            segment_attribute=sync.segment_attribute,
            targets=frozenset(targets),
            events=frozenset(sync.events),
            anonymous_events=sync.anonymous_events,
            require_email=sync.require_email,
            update_only=sync.mode == "update",
            on_exit=sync.on_exit,
            on_identifier_change=sync.on_identifier_change,
            convert_dates=sync.convert_dates,
            deliver=sync.deliver,
            deletion_guard=sync.deletion_guard,
            suppress_when=SuppressWhen.of(sync.suppress_when),
            preferences=frozenset(filter(preferences.is_one, targets)),
            actions=settings_actions.compiled(sync.actions, defaults=sync.default_actions),
            mirrors=mirrors,
            served=mirrors,
            objects={each.type: ObjectRules.of(each) for each in sync.objects},
        )

    def maps(self, target: str) -> bool:
        """Whether the settings still send the attribute `target`."""
        return target in self.targets or (self.whole_account and target.startswith(naming.ACCOUNT + "_"))

    def admits(self, segments: Iterable[tuple[str, str | None]]) -> bool:
        """Whether a user in these segments (key and name; the name null where left) is in the audience."""
        if self.everybody:
            return True
        whitelist = self.whitelist
        for key, name in segments:  # noqa: SIM110 - a generator costs as much as the look-ups themselves
            if name is not None and (key in whitelist or name in whitelist):
                return True
        return False

    def allows(self, kind: str, name: str) -> bool:
        """Whether an event passes: by name, or pages and screens by their kind."""
        return name in self.events or (kind != "event" and kind in self.events) or EVERYTHING in self.events
