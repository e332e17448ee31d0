"""Folds activities into a state: what the fields of a profile come to, in whatever order the activities come.

Each activity gives a small state of its own, and `combine` makes one of two. It does not matter which comes first, nor
how many are combined before: so profiles of one person can be combined late, and batches be of any size. An activity
must be combined once only: the caller tells repeats by their event_id.
"""

from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any

from connector.activity import fields as profile_fields
from connector.activity.fields import ProfileField
from connector.activity.webhook import Activity

ProfileState = dict[str, list[Any]]
"""By the name of a field: its aggregate, and what that has come to, as JSON has it."""
MOST_VALUES = 1000
"""The most values of a set, or keys of counts, that are kept for one person."""


def state_of(activity: Activity, fields: Iterable[ProfileField]) -> ProfileState:
    """Returns the state of one activity alone."""
    found: ProfileState = {}
    for field in fields:
        if field.counts(activity) and (value := profile_fields.value(field, activity)) is not None:
            one = _one(field, value, activity)
            if one is not None:
                found[field.target] = [field.aggregate, one]
    return found


def _one(field: ProfileField, value: Any, activity: Activity) -> Any:
    match field.aggregate:
        case "latest" | "earliest":
            return [activity.timestamp, activity.event_id, value]
        case "max":
            return value if isinstance(value, int | float) and not isinstance(value, bool) else None
        case "set":
            return {profile_fields.text(value): activity.timestamp}
        case "count":
            return 1
        case "count_by_key":
            return [{profile_fields.text(value): 1}, 0]


def combine(before: Mapping[str, list[Any]], more: Mapping[str, list[Any]]) -> ProfileState:
    """Returns two states as one. A field that has another aggregate in `more` keeps only what `more` says."""
    found = dict(before)
    for name, (aggregate, value) in more.items():
        known = found.get(name)
        same = known is not None and known[0] == aggregate
        found[name] = [aggregate, _combined(aggregate, known[1], value)] if known and same else [aggregate, value]
    return found


def _combined(aggregate: str, one: Any, other: Any) -> Any:
    match aggregate:
        case "latest":
            return max(one, other, key=_when)
        case "earliest":
            return min(one, other, key=_when)
        case "max":
            return max(one, other)
        case "set":
            return _latest_values({each: max(one.get(each, 0), other.get(each, 0)) for each in {**one, **other}})
        case "count":
            return one + other
    return _bounded_counts(one, other)


def _when(entry: list[Any]) -> tuple[Any, ...]:
    """Returns the sort key: the time, and for equal times the webhook's id, so that the result is not up to chance."""
    return entry[0], entry[1]


def _latest_values(values: Mapping[str, int]) -> dict[str, int]:
    """Returns the values that were reported last, 1,000 at most, whatever the order in which they came."""
    if len(values) <= MOST_VALUES:
        return dict(values)
    latest = sorted(values.items(), key=lambda each: (each[1], each[0]), reverse=True)
    return dict(latest[:MOST_VALUES])


def _bounded_counts(one: list[Any], other: list[Any]) -> list[Any]:
    """Returns the sum of counts by key. Of too many keys, those with the smallest digests stay, with whole counts."""
    counts, others = dict(one[0]), one[1] + other[1]
    for key, count in other[0].items():
        counts[key] = counts.get(key, 0) + count
    if len(counts) > MOST_VALUES:
        by_digest = sorted(counts, key=lambda key: sha256(key.encode()).digest())
        others += sum(counts.pop(key) for key in by_digest[MOST_VALUES:])
    return [counts, others]


def of_fields(state: Mapping[str, list[Any]], fields: Iterable[ProfileField]) -> ProfileState:
    """Returns the part of a state that is of these fields, without what was folded by another aggregate."""
    found = {field.target: (state.get(field.target), field.aggregate) for field in fields}
    return {name: entry for name, (entry, aggregate) in found.items() if entry and entry[0] == aggregate}


def shown(state: Mapping[str, list[Any]], fields: Iterable[ProfileField]) -> dict[str, Any]:
    """Returns the values of these fields, as far as there are any. Keys beyond the most are counted under ""."""
    values: dict[str, Any] = {}
    for field in fields:
        aggregate, value = state.get(field.target, ("", None))
        if aggregate == field.aggregate:
            values[field.target] = _shown(aggregate, value)
    return values


def _shown(aggregate: str, value: Any) -> Any:
    match aggregate:
        case "latest" | "earliest":
            return value[2]
        case "set":
            return sorted(value)
        case "count_by_key":
            return dict(sorted(value[0].items())) | ({"": value[1]} if value[1] else {})
    return value
