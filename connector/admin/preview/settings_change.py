"""Says what other settings would do to the people of the store before they are deployed, within a few seconds."""

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import NamedTuple

import tomlkit

from connector.admin import deviations
from connector.admin.deviations import Deviation
from connector.audience.rules import Rules
from connector.errors import ConnectorError, StoreError
from connector.model.entity import Entity, EntityKind
from connector.runtime import Runtime
from connector.settings.schema import Settings, load_text
from connector.store import everybody
from connector.store.entities import OBJECT, PERSON

LABEL = "the pasted settings"
MOST_LISTED = 50_000
_SECONDS, _AT_ONCE, _SAMPLES = 4.0, 500, 5
_MOST_NAMED = 30


class KindOfChange(NamedTuple):
    """A kind of change: what would be done, and whether to a person or an object."""

    kind: EntityKind
    effect: str


@dataclass(slots=True)
class SyncChange:
    """What would change in one sync, among the people and objects that were looked at.

    people, objects: how many were looked at; of_people: about how many people the sync has, None where that is not
    known, or not needed, as all were looked at. counts, samples: by what would be done (created, updated, cleared,
    deleted), the samples as keys; attributes: how often each would be set or cleared. anyway: how many today's settings
    would change in the same way, who are not in these counts. all: whether everybody was looked at. word: a sentence on
    the sync as a whole, "" for none.
    """

    sync: str
    people: int = 0
    objects: int = 0
    of_people: int | None = None
    anyway: int = 0
    all: bool = True
    word: str = ""
    counts: Counter[KindOfChange] = field(default_factory=Counter)
    samples: dict[KindOfChange, list[str]] = field(default_factory=dict)
    attributes: Counter[str] = field(default_factory=Counter)

    @property
    def created(self) -> int:
        """Returns how many new profiles, which Customer.io bills, there would be among those who were looked at."""
        return self.counts[KindOfChange(PERSON, "created")]

    @property
    def deletes(self) -> bool:
        """Says whether anything would be deleted."""
        return any(each.effect == "deleted" for each in self.counts)

    @property
    def created_in_all(self) -> int | None:
        """Returns the number of new profiles in the whole sync, estimated from the people who were looked at.

        It is exact where all were looked at, and None where there is nothing to estimate it by.
        """
        if self.all:
            return self.created
        if not self.people or self.of_people is None:
            return None
        return round(self.created * max(self.of_people, self.people) / self.people)

    def named(self) -> list[tuple[str, int]]:
        """Returns the most frequent changes of attributes ("set NAME", "clear NAME"), with their counts."""
        return self.attributes.most_common(_MOST_NAMED)


@dataclass(slots=True)
class SettingsList:
    """The people and objects that would change, each with its sync.

    all: whether everybody was looked at, and the list was not cut.
    """

    entries: list[tuple[str, Deviation]] = field(default_factory=list)
    all: bool = True


@dataclass(slots=True)
class _Look:
    """A look at a sync's people, until `end` (monotonic seconds); all: whether it reached everybody."""

    end: float
    all: bool = True


class _Seen(NamedTuple):
    """Somebody who was looked at.

    new: what the settings would change; anyway: whether those of today would change it as well.
    """

    kind: EntityKind
    new: Deviation | None
    anyway: bool


def of_text(runtime: Runtime, text: str) -> list[SyncChange]:
    """Returns what settings would change in each sync, by what the store has. Nothing is written or sent.

    Syncs that only the settings of today have come last. Raises SettingsError with a line for each mistake in the
    settings, and ConnectorError where the text is empty.
    """
    wanted, today = _read(text), {each.name: each for each in runtime.syncs}
    end = time.monotonic() + _SECONDS
    found = []
    for place, each in enumerate(wanted):
        # The time that is left is divided evenly among the syncs that are left, so that a large one leaves some.
        share = (end - time.monotonic()) / (len(wanted) - place)
        found.append(_of_sync(runtime, each, today.get(each.name), _Look(time.monotonic() + share)))
    gone = sorted(today.keys() - {each.name for each in wanted})
    word = "The pasted settings have no such sync: nothing more is sent for it, and nobody is deleted by that."
    return [*found, *(SyncChange(each, word=word) for each in gone)]


def listed(runtime: Runtime, text: str) -> SettingsList:
    """Returns the people and objects that settings would change, up to `MOST_LISTED`, sync by sync.

    Within a sync people come first, then objects, each in the order of the keys. What today's settings would change in
    the same way is left out. Raises SettingsError with a line for each mistake in the settings, and ConnectorError
    where the text is empty.
    """
    wanted, today = _read(text), {each.name: each for each in runtime.syncs}
    look, found = _Look(time.monotonic() + _SECONDS), SettingsList()
    for rules in wanted:
        seen = _everybody(runtime, rules, today.get(rules.name), look)
        changed = ((rules.name, each.new) for each in seen if each.new is not None and not each.anyway)
        found.entries += islice(changed, MOST_LISTED - len(found.entries))
    found.all = look.all and len(found.entries) < MOST_LISTED
    return found


def of_today(settings: Settings) -> str:
    """Returns the settings of this process as the text of a settings.toml, without secrets, to be changed and tried."""
    return tomlkit.dumps(settings.in_file())


def _read(text: str) -> tuple[Rules, ...]:
    if not text.strip():
        raise ConnectorError("Nothing was pasted: paste the whole settings.toml as it would be.")
    return Rules.all_of(load_text(text, LABEL))


def _of_sync(runtime: Runtime, rules: Rules, today: Rules | None, look: _Look) -> SyncChange:
    found = SyncChange(rules.name)
    if today is None:
        found.word = "This sync is new, and has nobody yet: a backfill brings people."
    elif not rules.deliver:
        found.word = "The sync would not deliver (`deliver = false`): nothing would be sent before it does."
    for each in _everybody(runtime, rules, today, look):
        found.people += each.kind == PERSON
        found.objects += each.kind == OBJECT
        found.anyway += each.anyway
        if each.new is not None and not each.anyway:
            _note(found, each.new)
    found.all = look.all
    if not found.all:
        found.of_people = _reckoned(runtime, rules.name)
    return found


def _everybody(runtime: Runtime, rules: Rules, today: Rules | None, look: _Look) -> Iterator[_Seen]:
    """Yields each person of a sync, then each object. It stops at a page's end once the time of `look` is over."""
    for kind in (PERSON, OBJECT) if rules.objects else (PERSON,):
        key = ""
        while True:
            with runtime.store.reading() as tx:
                page = everybody.page(tx, rules.name, key, _AT_ONCE, kind)
            yield from (_seen(kind, entity, rules, today) for entity in page)
            if len(page) < _AT_ONCE:
                break
            if time.monotonic() > look.end:
                look.all = False
                return
            key = page[-1].key


def _seen(kind: EntityKind, entity: Entity, rules: Rules, today: Rules | None) -> _Seen:
    new = deviations.deviation(entity, rules)
    anyway = new is not None and today is not None and new == deviations.deviation(entity, today)
    return _Seen(kind, new, anyway)


def _reckoned(runtime: Runtime, sync: str) -> int | None:
    try:
        with runtime.store.reading() as tx:
            return everybody.reckoned(tx, sync)
    except StoreError:
        return None  # counting them takes too long


def _note(found: SyncChange, new: Deviation) -> None:
    what = KindOfChange(new.kind, new.effect)
    found.counts[what] += 1
    samples = found.samples.setdefault(what, [])
    if len(samples) < _SAMPLES:
        samples.append(new.key)
    found.attributes.update(_words(new))


def _words(new: Deviation) -> Iterator[str]:
    yield from (f"set {name}" for name in new.sets)
    yield from (f"clear {name}" for name in new.clears)
