"""One sync's settings, prepared once so that each message is judged by set look-ups."""

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

from connector.actions.action import Actions
from connector.audience import addressing
from connector.audience.addressing import Addressing
from connector.audience.event_properties import EventTransforms
from connector.audience.every_field import EveryField, without_echoes
from connector.audience.segment_attributes import SegmentsAs
from connector.model import attribute_names, identifiers, transforms
from connector.model.change import Change
from connector.model.entity import EntityKind
from connector.settings import attribute_transforms, manual_segments, sync_actions
from connector.settings.connection import workspaces
from connector.settings.manual_segments import Target
from connector.settings.schema import Settings, Sync
from connector.settings.sections import IntakeSettings
from connector.settings.sync_options import Attribute, DeletionGuard, Feedback, ObjectType, Suppression

MISSING: Any = object()
EVERYTHING = attribute_names.EVERYTHING

MAX_FUTURE_SECONDS = 86_400.0
_INTAKE = IntakeSettings()
_NO_FEEDBACK = Feedback()


@dataclass(frozen=True, slots=True)
class FieldSource:
    """The places where upstream may write one attribute: flat keys, or paths. The first that is there counts."""

    flat: tuple[str, ...]
    nested: tuple[tuple[str, ...], ...]

    @classmethod
    def of(cls, name: str) -> "FieldSource":
        """Returns every form in which upstreams write the attribute `name` (docs/hull.md)."""
        own = attribute_names.bare(name)
        flat = (own, f"traits_{own}") if own == name else (f"traits_{own}", own)
        group = tuple(own.split("/")) if "/" in own else ()
        nested: list[tuple[str, ...]] = [("traits", own)]
        if own.startswith(attribute_names.TOPIC):
            group = tuple(own.split(".", 2))
        if group:
            nested += [group, ("traits", *group)]
        return cls(flat, tuple(nested))

    def find(self, attributes: Mapping[str, Any]) -> Any:
        """Returns the value in `attributes`, or MISSING where it is in none of the forms."""
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
    source: FieldSource
    of_account: bool
    steps: tuple[transforms.TransformStep, ...]
    fills: bool
    stays_text: bool

    @classmethod
    def of(cls, attribute: Attribute) -> "Transformed":
        """Returns the attribute as the settings give it."""
        in_account = attribute_names.of_account(attribute.source)
        source = FieldSource.of(attribute.source if in_account is None else in_account)
        steps = attribute_transforms.compiled(attribute.transform)
        names = {step.name for step in steps}
        fills, stays_text = transforms.DEFAULT in names, bool(names & transforms.TEXTUAL)
        return cls(attribute.target, source, in_account is not None, steps, fills, stays_text)


def _email_field(attributes: Iterable[Attribute]) -> str:
    """Returns the user's field that is sent as their e-mail address: upstreams have other names for it."""
    sent = (each.source for each in attributes if each.target == "email")
    return next((field for field in sent if attribute_names.of_account(field) is None), "email")


def _targets(sync: Sync, segments_as: SegmentsAs) -> frozenset[str]:
    """Returns the attributes that the settings name, by their names in Customer.io."""
    return segments_as.targets | {each.target for each in sync.attributes if each.source != EVERYTHING}


def _of_user(source: str) -> bool:
    """Says whether a source is one attribute of the user: not many, and none of the account's."""
    many = source in (attribute_names.ACCOUNT, EVERYTHING)
    return not many and attribute_names.of_account(source) is None


def _account_attributes(attributes: Iterable[Attribute]) -> tuple[tuple[str, FieldSource], ...]:
    """Returns those that are single attributes of the account."""
    named = ((each.target, attribute_names.of_account(each.source)) for each in attributes)
    return tuple((target, FieldSource.of(name)) for target, name in named if name is not None)


class DateSwitches(NamedTuple):
    """Which dates are sent as unix seconds: attributes, what stands within them, the properties of events."""

    attributes: bool
    nested: bool
    events: bool


@dataclass(frozen=True, slots=True)
class SuppressWhen:
    """Which users to suppress: those whose field holds this text, in any case; true is "true"."""

    source: FieldSource
    of_account: bool
    text: str

    @classmethod
    def of(cls, given: Suppression) -> "SuppressWhen | None":
        """Returns the rule as the settings give it; None for none."""
        if not given.attribute:
            return None
        in_account = attribute_names.of_account(given.attribute)
        source = FieldSource.of(given.attribute if in_account is None else in_account)
        return cls(source, in_account is not None, _as_text(given.equals))

    def find(self, change: Change) -> Any:
        """Returns what a change says in the field, MISSING where it says nothing."""
        return self.source.find(change.account if self.of_account else change.user)

    def holds(self, value: Any) -> bool:
        """Says whether the value is the one that the settings name."""
        return isinstance(value, str | int | float) and _as_text(value) == self.text


def _as_text(value: str | float) -> str:
    number = int(value) if isinstance(value, float) and value.is_integer() else value
    return str(number).strip().lower()


@dataclass(frozen=True, slots=True)
class ChosenAttributes:
    """Attributes that the settings choose: those that go as they are, and those that go through steps."""

    plain: tuple[tuple[str, FieldSource], ...]
    transformed: tuple[Transformed, ...]
    targets: frozenset[str]

    @classmethod
    def of(cls, attributes: Iterable[Attribute]) -> "ChosenAttributes":
        """Returns the attributes as the settings give them."""
        listed = tuple(attributes)
        plain = tuple((each.target, FieldSource.of(each.source)) for each in listed if not each.transform)
        transformed = tuple(Transformed.of(each) for each in listed if each.transform)
        return cls(plain, transformed, frozenset(each.target for each in listed))


@dataclass(frozen=True, slots=True)
class ObjectRules:
    """The rules for objects of one type, and for relationships to them."""

    type: str
    sources: frozenset[str]
    identifier: FieldSource
    attributes: ChosenAttributes
    relationship: ChosenAttributes
    on_exit: Literal["keep", "delete"]

    @classmethod
    def of(cls, given: ObjectType) -> "ObjectRules":
        """Returns the rules of a type as the settings give it."""
        return cls(
            type=given.type,
            sources=frozenset(given.sources),
            identifier=FieldSource.of(given.identifier),
            attributes=ChosenAttributes.of(given.attributes),
            relationship=ChosenAttributes.of(given.relationship_attributes),
            on_exit=given.on_exit,
        )


@dataclass(frozen=True, slots=True)
class Rules:
    """What `audience`, `mapping`, `merge` and `plan` need to know of a sync.

    addressing: by what people are known in Customer.io. mirrors: the manual segment of each upstream segment
    that is mirrored; served: those of them that can be sent now, with the id where it is known. max_future_seconds:
    how far ahead of now a time may lie (`future`). placeholders: what stands for an id and is none. workspace: the
    first connection to the sync's workspace; beside: the other syncs that deliver to it.
    """

    name: str
    connection: str
    whitelist: frozenset[str]
    everybody: bool
    identifier: FieldSource
    identify_by: Literal["id", "email", "cio_id", "id_or_email"]
    addressing: Addressing
    addresses_are_emails: bool
    email: FieldSource
    attributes: tuple[tuple[str, FieldSource], ...]
    account_attributes: tuple[tuple[str, FieldSource], ...]
    whole_account: bool
    every_field: EveryField | None
    transformed: tuple[Transformed, ...]
    segments_as: SegmentsAs
    targets: frozenset[str]
    events: frozenset[str]
    event_transforms: EventTransforms | None
    anonymous_events: bool
    require_email: bool
    update_only: bool
    create_only: bool
    on_exit: Literal["keep", "clear", "delete"]
    on_identifier_change: Literal["merge", "replace", "keep", "leave"]
    dates: DateSwitches
    deliver: bool
    deletion_guard: DeletionGuard
    suppress_when: SuppressWhen | None
    preferences: frozenset[str]
    mirrors: Mapping[str, Target]
    served: Mapping[str, Target]
    objects: Mapping[str, ObjectRules]
    feedback: Feedback = _NO_FEEDBACK
    actions: Actions | None = None
    max_future_seconds: float = MAX_FUTURE_SECONDS
    placeholders: frozenset[str] = identifiers.placeholders(identifiers.PLACEHOLDERS)
    workspace: str = ""
    beside: tuple[str, ...] = ()
    keeps_history: bool = False

    @classmethod
    def all_of(cls, settings: Settings) -> "tuple[Rules, ...]":
        """Returns the rules of every sync of the settings."""
        connections, intake = settings.connections, settings.intake
        found = tuple(
            cls.of(sync, intake, email_identifies=connections[sync.connection].email_identifies)
            for sync in settings.syncs.values()
        )
        if any(each.profiles for each in settings.out.values()):
            found = tuple(replace(each, every_field=without_echoes(each.every_field)) for each in found)
        keeps = settings.retention.history_days > 0
        return tuple(replace(rules, keeps_history=keeps) for rules in _side_by_side(found, workspaces(connections)))

    @classmethod
    def of(cls, sync: Sync, intake: IntakeSettings = _INTAKE, *, email_identifies: bool = True) -> "Rules":
        """Returns the rules of a sync as the settings give it; `email_identifies` is its connection's."""
        as_they_are = [a for a in sync.attributes if not a.transform]
        mirrors, segments_as = manual_segments.targets(sync.manual_segments), SegmentsAs.of(sync)
        return cls(
            name=sync.name,
            connection=sync.connection,
            whitelist=frozenset(sync.segments),
            everybody=EVERYTHING in sync.segments,
            identifier=FieldSource.of(sync.identifier),
            identify_by=sync.identify_by,
            addressing=addressing.of(sync.identify_by, email_identifies=email_identifies),
            addresses_are_emails=sync.address_ids == "email",
            email=FieldSource.of(_email_field(sync.attributes)),
            attributes=tuple((a.target, FieldSource.of(a.source)) for a in as_they_are if _of_user(a.source)),
            account_attributes=_account_attributes(as_they_are),
            whole_account=any(a.source == attribute_names.ACCOUNT for a in sync.attributes),
            every_field=EveryField.of(sync),
            transformed=tuple(Transformed.of(a) for a in sync.attributes if a.transform),
            segments_as=segments_as,
            targets=_targets(sync, segments_as),
            events=frozenset(each.name for each in sync.events),
            event_transforms=EventTransforms.of(sync),
            anonymous_events=sync.anonymous_events,
            require_email=sync.require_email,
            update_only=sync.mode == "update",
            create_only=sync.mode == "create",
            on_exit=sync.on_exit,
            on_identifier_change=sync.on_identifier_change,
            dates=DateSwitches(sync.convert_dates, sync.convert_nested_dates, sync.convert_event_dates),
            deliver=sync.deliver,
            deletion_guard=sync.deletion_guard,
            suppress_when=SuppressWhen.of(sync.suppress_when),
            preferences=frozenset(filter(attribute_names.is_preference, _targets(sync, segments_as))),
            actions=sync_actions.compiled(sync.actions, defaults=sync.default_actions),
            mirrors=mirrors,
            served=mirrors,
            objects={each.type: ObjectRules.of(each) for each in sync.objects},
            feedback=sync.feedback,
            max_future_seconds=intake.max_future_seconds,
            placeholders=identifiers.placeholders(intake.placeholders),
        )

    @property
    def reads(self) -> Hashable:
        """All that decides what is read of a change (`mapping.read`): equal for syncs that read alike."""
        own = (self.attributes, self.account_attributes, self.whole_account, self.every_field, self.transformed)
        return (
            *own,
            self.segments_as.others,
            self.addresses_are_emails,
            self.identifier,
            self.email,
            self.addressing,
            self.dates,
        )

    def decides_as(self, other: "Rules") -> bool:
        """Says whether both syncs come to the same about every change and user, each for its own workspace."""
        named = replace(self, name=other.name, connection=other.connection)
        own = ("deliver", "deletion_guard", "feedback", "workspace", "beside")
        return replace(named, **{each: getattr(other, each) for each in own}) == other

    def of_kind(self, kind: EntityKind) -> "Rules":
        """Returns the rules as they concern a person, or an object: only people are in manual segments."""
        return self if kind == "person" or not self.mirrors else replace(self, mirrors={}, served={})

    def maps(self, target: str) -> bool:
        """Says whether the settings still send the attribute `target`."""
        if target in self.targets or self.segments_as.maps(target):
            return True
        if self.every_field is not None and self.every_field.sends(target):
            return True
        return self.whole_account and target.startswith(attribute_names.ACCOUNT + "_")

    def preferences_in(self, attributes: Iterable[str]) -> Iterable[str]:
        """Returns those of the attributes that are the person's own choice."""
        return self.preferences if self.every_field is None else filter(attribute_names.is_preference, attributes)

    def admits(self, segments: Iterable[tuple[str, str | None]]) -> bool:
        """Says whether a user in these segments (key and name; the name null where left) is in the audience."""
        if self.everybody:
            return True
        whitelist = self.whitelist
        for key, name in segments:  # noqa: SIM110 - a generator costs as much as the look-ups themselves
            if name is not None and (key in whitelist or name in whitelist):
                return True
        return False

    def allows(self, kind: str, name: str) -> bool:
        """Says whether an event passes: by name, or pages and screens by their kind."""
        return name in self.events or (kind != "event" and kind in self.events) or EVERYTHING in self.events


def _side_by_side(syncs: tuple[Rules, ...], workspace_of: Mapping[str, str]) -> tuple[Rules, ...]:
    """Returns the rules, each with the syncs beside it. One that does not deliver is beside nobody."""
    placed = tuple(replace(each, workspace=workspace_of[each.connection]) for each in syncs)
    return tuple(replace(each, beside=_beside(each, placed)) for each in placed)


def _beside(rules: Rules, syncs: Iterable[Rules]) -> tuple[str, ...]:
    others = (each for each in syncs if each.workspace == rules.workspace and each.name != rules.name)
    return tuple(each.name for each in others if each.deliver) if rules.deliver else ()
