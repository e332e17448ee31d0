"""Work in the background of a fleet: a backfill and a source, and workers that die in the middle of it."""

import signal
from pathlib import Path

from sqlalchemy import text

from connector.bulk import jobs
from connector.model.job import Job
from tests.fleet import Fleet
from tests.servers import eventually
from tests.sources import Warehouse


def test_a_backfill_goes_on_when_all_workers_were_killed_and_a_source_is_run_once(
    fleet: Fleet, prefix: str, tmp_path: Path
) -> None:
    path = tmp_path / "users.csv"
    path.write_text("external_id,plan\n" + "".join(f"{prefix}-{number},gold\n" for number in range(4000)))
    line = fleet.connector(
        "backfill", "main", str(path), "--segment", "Paying", "--per-second", "500", "--detach", "--allow-missing"
    )
    id = line.split()[1]

    def job() -> Job:
        return jobs.find(fleet.store, id)

    eventually(lambda: job().done)
    for worker in list(fleet.workers):
        fleet.remove(worker).send(signal.SIGKILL, whole=True)
        worker.popen.wait()
    killed = job()
    assert (killed.state, 0 < killed.done < 4000) == ("running", True)
    with fleet.store.writing() as tx:  # a minute later
        tx.execute(text("UPDATE lease SET until = 0"))

    warehouse = Warehouse(f"sqlite:///{tmp_path / 'warehouse.db'}")
    warehouse.table("users", "external_id text", [{"external_id": f"{prefix}-source-{n}"} for n in range(3)])
    source = {
        "URL": warehouse.url,
        "QUERY": "SELECT * FROM users",
        "KEY": "external_id",
        "SEGMENTS": '["Paying"]',
        "SCHEDULE": "3600",
    }
    for _ in range(2):
        fleet.start_worker(**{f"CONNECTOR__SOURCES__USERS__{key}": value for key, value in source.items()})
    eventually(lambda: job().state == "done", 60)
    assert job().done == 4000
    eventually(lambda: len(fleet.simulator.people()) == 4003, 60)
    with fleet.store.reading() as tx:
        row = tx.execute(text("SELECT rows, changed, error, ended_at FROM source")).one()
    assert (row.rows, row.changed, row.error, row.ended_at is not None) == (3, 3, "", True)
    ended = [worker.end() for worker in list(fleet.workers)]
    assert ended == [0, 0]
    assert fleet.tracebacks() == set()
