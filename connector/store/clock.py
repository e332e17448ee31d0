"""The one clock that all workers share, which never goes back, however the machine's clock is set.

Leases, pauses and what is due are times of the store. If the clock that gives them were set back by two minutes,
nothing would be due for two minutes. So the store keeps the latest time it has seen, and how much is added to the clock
since it was set back. The added time is taken away again slowly, a tenth of a second in each second.
"""

from typing import Any, NamedTuple

from sqlalchemy import Connection, case, update

from connector.store.bulk_sql import insert
from connector.store.tables import ClockRow

TABLE = ClockRow.__table__  # type: ignore[attr-defined]  # SQLModel makes it, its types do not tell
ONLY = 1
RENEWED_SECONDS = 5.0
"""The age in seconds at which the kept time is renewed: the most that is lost when the clock is set back."""
_GIVEN_BACK_PER_SECOND = 0.1


class Clock(NamedTuple):
    """The time as the store keeps it, in unix seconds.

    ahead: seconds added to the machine's clock. since: when that began. seen: the latest time given out.
    """

    ahead: float = 0.0
    since: float = 0.0
    seen: float = 0.0

    def corrected(self, machine: float) -> float:
        """Returns the unix seconds at `machine` of the machine's clock, as if that had never been set back."""
        left = self.ahead - _GIVEN_BACK_PER_SECOND * max(machine - self.since, 0.0)
        return machine + max(left, 0.0)

    def now(self, machine: float) -> float:
        """Returns the corrected time in unix seconds, never earlier than the latest time kept as given out."""
        return max(self.corrected(machine), self.seen)

    def is_stale(self, machine: float) -> bool:
        """Says whether the kept time must be renewed, because it is too old or because the clock was set back."""
        return abs(self.corrected(machine) - self.seen) > RENEWED_SECONDS

    def was_set_back(self, machine: float) -> bool:
        """Says whether the machine's clock was set back since the time was last kept."""
        return self.corrected(machine) < self.seen - RENEWED_SECONDS


def renew(tx: Connection, clock: Clock, machine: float) -> None:
    """Keeps the latest time. If the machine's clock was set back, keeps how much is added to it from now on."""
    if clock.was_set_back(machine):
        same = (TABLE.c.id == ONLY) & (TABLE.c.ahead == clock.ahead) & (TABLE.c.since == clock.since)
        tx.execute(update(TABLE).where(same).values(ahead=clock.seen - machine, since=machine))
        return
    row: dict[str, Any] = {"id": ONLY, "ahead": 0.0, "since": 0.0, "seen": clock.now(machine)}
    new = insert(tx.dialect.name, TABLE).values(row)
    later = case((TABLE.c.seen > new.excluded.seen, TABLE.c.seen), else_=new.excluded.seen)
    tx.execute(new.on_conflict_do_update(index_elements=["id"], set_={"seen": later}))
