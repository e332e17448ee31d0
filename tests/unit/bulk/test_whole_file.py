"""A file of a user's is there whole, or as it was before."""

import os
import stat
from pathlib import Path

import pytest

from connector.bulk.whole_file import written_whole


def test_a_file_keeps_its_rights_and_a_link_stays_a_link(tmp_path: Path) -> None:
    real, link = tmp_path / "real", tmp_path / "link"
    real.write_text("before")
    real.chmod(0o600)
    link.symlink_to(real)
    with written_whole(link) as path:
        path.write_text("after")
        assert real.read_text() == "before"
    assert (link.is_symlink(), real.read_text(), stat.S_IMODE(real.stat().st_mode)) == (True, "after", 0o600)
    assert {each.name for each in tmp_path.iterdir()} == {"real", "link"}


def test_what_fails_leaves_what_was_there_and_nothing_beside(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("before")
    with pytest.raises(ValueError, match="half"):
        _fail_in_the_middle(tmp_path / "file")
    assert [(each.name, each.read_text()) for each in tmp_path.iterdir()] == [("file", "before")]


def _fail_in_the_middle(target: Path) -> None:
    with written_whole(target) as path:
        path.write_text("ha")
        raise ValueError("half")


def test_a_pipe_and_a_device_are_written_to_and_not_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with written_whole(pipe) as path:
        assert path == pipe
    with written_whole(Path(os.devnull)) as path:
        path.write_text("gone")
    assert stat.S_ISFIFO(pipe.stat().st_mode)
