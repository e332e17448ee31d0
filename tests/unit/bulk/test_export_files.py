"""Files of an export clear away what a killed run left beside any of them, and nothing of a run that lives."""

import fcntl
from pathlib import Path

from connector.bulk.export.files import ParquetFiles


def test_what_a_killed_run_left_goes_with_the_next_file_and_what_a_living_one_writes_stays(tmp_path: Path) -> None:
    kept = {"log-changes-b.parquet.2.partial", "other-changes-a.parquet.3.partial"}
    for each in {*kept, "log-changes-a.parquet.1.partial"}:
        (tmp_path / each).write_text("left")
    with (tmp_path / "log-changes-b.parquet.2.partial").open("r+b") as living:
        fcntl.flock(living, fcntl.LOCK_EX)
        ParquetFiles(tmp_path, "log", "changes", keep=1).add("c", [])
    assert {each.name for each in tmp_path.iterdir()} == {*kept, "log-changes-c.parquet"}
