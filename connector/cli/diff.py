"""`connector diff`: what the settings at hand would change in Customer.io."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Annotated, Any

from pydantic_core import to_json
from typer import Argument, Option

from connector.admin import deviations
from connector.admin.deviations import Deviation
from connector.cli.opening import opened
from connector.cli.options import SETTINGS_TOML, AsJson, SettingsFile, Yes, agreed, err, out
from connector.cli.tables import table
from connector.model.visible import visible
from connector.runtime import Runtime

_EXAMPLES, _ATTRIBUTES = 3, 20
_KINDS = {"person": "people", "object": "objects"}

DiffSync = Annotated[str, Argument(help="The sync, as the settings name it. Left out, all of them.")]
Apply = Annotated[bool, Option("--apply", help="Make them due: what is shown is sent, behind what is live.")]


def diff(
    sync: DiffSync = "",
    settings: SettingsFile = SETTINGS_TOML,
    apply: Apply = False,
    yes: Yes = False,
    json: AsJson = False,
) -> None:
    """Show what the settings would create, update, clear and delete, by what the store has; nothing is sent."""
    runtime = opened(settings)
    syncs = (runtime.rules(sync),) if sync else runtime.syncs
    for rules in syncs:
        found = deviations.of_sync(runtime.store, rules)
        if json:
            for each in found:
                out.out(to_json(_as_json(rules.name, each)).decode(), highlight=False)
        else:
            _show(rules.name, found)
    if not json:
        err.print(deviations.NOTE, soft_wrap=True, highlight=False)
    if apply and agreed(f"Send this to {', '.join(rules.connection for rules in syncs)}?", yes=yes):
        _apply(runtime, [rules.name for rules in syncs])
    runtime.close()


def _apply(runtime: Runtime, names: Iterable[str]) -> None:
    for name in names:
        count = deviations.apply(runtime.store, runtime.rules(name))
        err.print(f"{name}: {count:,} are due", highlight=False)


def _as_json(sync: str, found: Deviation) -> dict[str, Any]:
    whom = "user" if found.kind == "person" else "object"
    return {"sync": sync, whom: found.key, "effect": found.effect, "sets": found.sets, "clears": found.clears}


def _show(sync: str, found: Iterable[Deviation]) -> None:
    counts: Counter[tuple[str, str]] = Counter()
    attributes: dict[tuple[str, str], Counter[str]] = {}
    examples: dict[tuple[str, str], list[str]] = {}
    for each in found:
        what = (each.kind, each.effect)
        counts[what] += 1
        attributes.setdefault(what, Counter()).update(_attributes(each))
        if len(examples.setdefault(what, [])) < _EXAMPLES:
            examples[what].append(visible(each.key))
    rows = [
        (f"{_KINDS[kind]} {effect}", f"{count:,}", ", ".join(examples[kind, effect]), _named(attributes[kind, effect]))
        for (kind, effect), count in counts.most_common()
    ]
    shown = table(("what", "count", "such as", "attributes"), rows, whole=("what", "count"), title=sync)
    out.print(shown if rows else f"{sync}: everything is as the settings say.")


def _attributes(found: Deviation) -> Iterator[str]:
    yield from (f"set {visible(name)}" for name in found.sets)
    yield from (f"clear {visible(name)}" for name in found.clears)


def _named(attributes: Counter[str]) -> str:
    return "\n".join(f"{what} ({count:,})" for what, count in attributes.most_common(_ATTRIBUTES))
