"""What other settings would do to the people of the store, before they are deployed; within a bound in time."""

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from connector.admin import deviations
from connector.admin.deviations import Deviation
from connector.audience.rules import Rules
from connector.errors import ConnectorError
from connector.runtime import Runtime
from connector.settings.schema import load_text
from connector.store import everybody
from connector.store.entities import PERSON

LABEL = "the pasted settings"
_SECONDS, _AT_ONCE, _SAMPLES = 4.0, 500, 5
_MOST_NAMED = 30


@dataclass(slots=True)
class SyncChange:
    """What would change in one sync, among the people who were looked at.

    counts, samples: by effect (created, updated, cleared, deleted), the samples as keys; attributes: how often each
    would be set or cleared. anyway: how many are not as the settings of today say either, in the same way. all: whether
    everybody was looked at. word: what there is to say of the sync as a whole, "" for nothing.
    """

    sync: str
    people: int = 0
    anyway: int = 0
    all: bool = True
    word: str = ""
    counts: Counter[str] = field(default_factory=Counter)
    samples: dict[str, list[str]] = field(default_factory=dict)
    attributes: Counter[str] = field(default_factory=Counter)

    def named(self) -> list[tuple[str, int]]:
        """The attributes that would change most often."""
        return self.attributes.most_common(_MOST_NAMED)


def of_text(runtime: Runtime, text: str) -> list[SyncChange]:
    """Returns what settings would change in each sync, by what the store has. Nothing is written or sent.

    Raises SettingsError with a line for each mistake in them.
    """
    if not text.strip():
        raise ConnectorError("Nothing was pasted: paste the whole settings.toml as it would be.")
    wanted = Rules.all_of(load_text(text, LABEL))
    today = {each.name: each for each in runtime.syncs}
    end = time.monotonic() + _SECONDS
    found = [_of_sync(runtime, each, today.get(each.name), end) for each in wanted]
    gone = sorted(today.keys() - {each.name for each in wanted})
    word = "The pasted settings have no such sync: nothing more is sent for it, and nobody is deleted by that."
    return [*found, *(SyncChange(each, word=word) for each in gone)]


def _of_sync(runtime: Runtime, rules: Rules, today: Rules | None, end: float) -> SyncChange:
    found = SyncChange(rules.name)
    if today is None:
        found.word = "This sync is new, and has nobody yet: a backfill brings people."
    elif not rules.deliver:
        found.word = "The sync would not deliver (`deliver = false`): nothing would be sent before it does."
    key = ""
    while True:
        with runtime.store.reading() as tx:
            page = everybody.page(tx, rules.name, key, _AT_ONCE, PERSON)
        for entity in page:
            new = deviations.deviation(entity, rules)
            if new is not None and today is not None and new == deviations.deviation(entity, today):
                found.anyway += 1
            elif new is not None:
                _note(found, new)
        found.people += len(page)
        if len(page) < _AT_ONCE:
            return found
        if time.monotonic() > end:
            found.all = False
            return found
        key = page[-1].key


def _note(found: SyncChange, new: Deviation) -> None:
    found.counts[new.effect] += 1
    samples = found.samples.setdefault(new.effect, [])
    if len(samples) < _SAMPLES:
        samples.append(new.key)
    found.attributes.update(_words(new))


def _words(new: Deviation) -> Iterator[str]:
    yield from (f"set {name}" for name in new.sets)
    yield from (f"clear {name}" for name in new.clears)
