"""What a large fleet would need, worked out from what was measured: 10,000 a second, about 100 million people."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from typing import Any, Self

from benchmarks.markdown import table

Results = Mapping[str, Any]
BATCH_BYTES = 500_000
CLAIMED = 1000
"""How many people one delivery claims, and so the most that one request is about ([delivery] people)."""
PER_SECOND, PEOPLE, WORKSPACES = 10_000, 100_000_000, 100
REQUESTS_A_SECOND = 100
"""As shipped, for each workspace."""
PARTITION_BYTES = 50e9
"""A table that is larger than this is better kept in parts: vacuum and index builds work on one at a time."""
BUSY = 0.6
"""How much of a core, or of a reader, may be taken at the most: what is fuller answers late."""
AUTOVACUUM_SHARE = 0.2
"""PostgreSQL vacuums a table by itself when so much of it is dead (autovacuum_vacuum_scale_factor)."""
_READING = ("workers reader", "workers main")


@dataclass(frozen=True, slots=True)
class Cost:
    """Of a notification: CPU microseconds by group, bytes of log, rows left dead. Of a person: bytes in the store."""

    cpu: Mapping[str, float]
    wal_bytes: float
    dead_rows: float
    hot_share: float
    bytes_a_person: float
    people_a_request: int

    @classmethod
    def of(cls, run: Results, storage: Results) -> Self:
        """Returns the costs, from the figures of a run of the fleet and the bytes a person takes by table."""
        changes, counted = run["changes"], run["postgres"]
        updated = max(1, counted["updated"])
        return cls(
            {group: 1e6 * seconds / changes for group, seconds in run["cpu"].items()},
            counted["wal_bytes"] / changes,
            (counted["updated"] + counted["deleted"]) / changes,
            counted["updated_hot"] / updated,
            sum(size for name, size in storage.items() if name != "people"),
            min(CLAIMED, int(BATCH_BYTES // run["bytes_an_operation"])),
        )

    @property
    def workers(self) -> float:
        """The CPU microseconds of all processes of the workers."""
        return sum(spent for group, spent in self.cpu.items() if group.startswith("workers "))

    @property
    def reading(self) -> float:
        """Microseconds of whoever reads the queue and takes in: the reader, or a main process where there is none."""
        return next((self.cpu[group] for group in _READING if group in self.cpu), 0.0)

    def cores(self, microseconds: float) -> int:
        """Returns how many cores that is, at so many a second, none busier than it should be."""
        return ceil(PER_SECOND * microseconds / 1e6 / BUSY)

    @property
    def shards(self) -> int:
        """The number of readers it takes: each reads one shard, on one core."""
        return self.cores(self.reading)

    @property
    def partitions(self) -> int:
        """The number of parts in which the tables of people are best kept."""
        return ceil(PEOPLE * self.bytes_a_person / PARTITION_BYTES)

    @property
    def vacuum_minutes(self) -> float:
        """The minutes after which a fifth of everybody's rows is dead."""
        return PEOPLE * AUTOVACUUM_SHARE / (PER_SECOND * self.dead_rows) / 60


def written(results: Results) -> str:
    """Returns the section, where there is what it stands on."""
    beside = results.get("beside")
    if not beside:
        return ""
    cost = Cost.of(beside, beside["storage"])
    title = f"### On paper: {PER_SECOND:,} notifications a second, {PEOPLE:,} people"
    return "\n\n".join((title, _basis(cost, beside), table(("what it takes", ""), rows(cost)).replace("---:", "---")))


def _basis(cost: Cost, beside: Results) -> str:
    cpu = cost.cpu
    return (
        f"It rests on the run beside {beside['storage']['people']:,} people. A notification takes {cost.workers:,.0f} "
        f"µs of the workers ({cost.reading:,.0f} where it is read and taken in), {cpu['postgres']:,.0f} µs of "
        f"PostgreSQL, {cpu['rabbitmq']:,.0f} µs of RabbitMQ, and {cost.wal_bytes:,.0f} bytes of write-ahead log (pages "
        f"are logged whole after a checkpoint). It leaves {cost.dead_rows:.1f} dead rows; {cost.hot_share:.0%} of the "
        f"updates leave no index to clean. A person takes {cost.bytes_a_person:,.0f} bytes of the store with its "
        f"indexes. No core is to be busier than {BUSY:.0%}."
    )


def rows(cost: Cost) -> list[list[object]]:
    """Returns a line for each thing it takes."""
    requests = PER_SECOND / cost.people_a_request
    return [
        ["cores of workers", cost.cores(cost.workers)],
        ["shards, each with a reader", cost.shards],
        ["cores of PostgreSQL", cost.cores(cost.cpu["postgres"])],
        ["cores of RabbitMQ", cost.cores(cost.cpu["rabbitmq"])],
        ["write-ahead log a second", f"{PER_SECOND * cost.wal_bytes / 1e6:,.0f} MB"],
        ["write-ahead log a day", f"{PER_SECOND * cost.wal_bytes * 86_400 / 1e12:,.1f} TB"],
        ["dead rows", f"{PER_SECOND * cost.dead_rows:,.0f} a second"],
        ["a fifth of everybody's rows is dead after", f"{cost.vacuum_minutes:,.0f} minutes"],
        ["the store", f"{PEOPLE * cost.bytes_a_person / 1e9:,.0f} GB"],
        ["partitions of at most 50 GB", cost.partitions],
        ["full requests a second, one workspace", f"{requests:,.0f} of {REQUESTS_A_SECOND}"],
        [f"notifications a second in each of {WORKSPACES} workspaces", PER_SECOND // WORKSPACES],
        ["a full resync of one workspace at 100 requests a second", f"{_resync(cost) / 60:,.0f} minutes"],
    ]


def _resync(cost: Cost) -> float:
    return PEOPLE / cost.people_a_request / REQUESTS_A_SECOND
