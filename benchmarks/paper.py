"""What many people would cost, worked out from what was measured."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from typing import Any, Self

BATCH_BYTES = 500_000
CLAIMED = 1000
"""How many people one delivery claims, and so the most that one request is about ([delivery] people)."""
POPULATIONS = (10_000_000, 1_000_000_000)
REQUESTS_A_SECOND = (100, 1000)
"""As shipped, and the most that Customer.io asks to keep to."""
PARTITION_BYTES = 50e9
"""A table that is larger than this is better kept in parts: vacuum and index builds work on one at a time."""
HEADS = ("", *(f"{people:,} people" for people in POPULATIONS))


@dataclass(frozen=True, slots=True)
class Cost:
    """What was measured: bytes a person in the store, people a full request, changes a CPU second of everything."""

    bytes_a_person: float
    people_a_request: int
    changes_a_cpu_second: float

    @classmethod
    def of(cls, run: Mapping[str, Any]) -> Self:
        """From the figures of a run of the fleet."""
        fitting = int(BATCH_BYTES // run["bytes_an_operation"])
        size = sum(size for table, size in run["storage"].items() if table != "people")
        return cls(size, min(CLAIMED, fitting), run["per_cpu_second_with_servers"])

    def storage(self, people: int) -> str:
        """What the store takes on disk."""
        return _bytes(people * self.bytes_a_person)

    def partitions(self, people: int) -> int:
        """In how many parts the table of entities is best kept."""
        return ceil(people * self.bytes_a_person / PARTITION_BYTES)

    def requests(self, people: int) -> int:
        """How many requests it takes to deliver everybody whole."""
        return ceil(people / self.people_a_request)

    def limit_seconds(self, people: int, per_second: int) -> float:
        """How long a full resync takes where Customer.io's rate is the limit."""
        return self.requests(people) / per_second

    def cpu_hours(self, people: int) -> float:
        """CPU hours of workers, store and broker to take in and deliver a change about everybody."""
        return people / self.changes_a_cpu_second / 3600


def basis(cost: Cost) -> str:
    """What the table stands on."""
    return (
        f"From {cost.bytes_a_person:,.0f} bytes a person in the store, {cost.people_a_request:,} people a request, and "
        f"{cost.changes_a_cpu_second:,.0f} changes a CPU second of workers, store and broker together."
    )


def rows(cost: Cost) -> list[list[object]]:
    """A line for each thing it costs, a column for each population."""

    def line(name: str, value: Any) -> list[object]:
        return [name, *(value(people) for people in POPULATIONS)]

    return [
        line("store", cost.storage),
        line("partitions of at most 50 GB", cost.partitions),
        line("requests for a full resync", cost.requests),
        *(
            line(f"full resync at {rate} requests a second", lambda people, rate=rate: _time(cost, people, rate))
            for rate in REQUESTS_A_SECOND
        ),
        line("CPU hours for one change about everybody", lambda people: f"{cost.cpu_hours(people):,.1f}"),
    ]


def _time(cost: Cost, people: int, rate: int) -> str:
    seconds = cost.limit_seconds(people, rate)
    return f"{seconds / 3600:,.1f} h" if seconds >= 3600 else f"{seconds / 60:,.1f} min"


def _bytes(size: float) -> str:
    return f"{size / 1e12:,.1f} TB" if size >= 1e12 else f"{size / 1e9:,.0f} GB"
