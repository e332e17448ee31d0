"""`connector plan` takes what `connector send` takes."""

import json
from pathlib import Path

from typer.testing import CliRunner

from connector.cli import commands

SETTINGS = """
[connections.main]

[syncs.main]
connection = "main"
segments = ["Paying"]
attributes = ["plan"]
"""


def test_a_line_that_was_written_for_send_may_say_yes(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_text(SETTINGS)
    (tmp_path / "users.csv").write_text("external_id,plan\nu1,gold\n")
    line = [str(tmp_path / "users.csv"), "--settings", str(tmp_path / "settings.toml"), "--segment", "Paying", "--yes"]
    ended = CliRunner().invoke(commands.app, ["plan", *line, "--json"])

    assert ended.exit_code == 0, ended.output
    [row] = map(json.loads, ended.stdout.splitlines())
    assert (row["user"], row["decision"]) == ("external_id:u1", "sync")
