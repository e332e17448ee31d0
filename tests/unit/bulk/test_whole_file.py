"""A file of a user's is there whole, or as it was before."""

import errno
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from connector.bulk import whole_file
from connector.bulk.whole_file import written_whole


def names(folder: Path) -> set[str]:
    return {each.name for each in folder.iterdir()}


def test_a_file_keeps_its_rights_and_a_link_stays_a_link(tmp_path: Path) -> None:
    real, link = tmp_path / "real", tmp_path / "link"
    real.write_text("before")
    real.chmod(0o600)
    link.symlink_to(real)
    with written_whole(link) as file:
        file.write(b"after")
        file.flush()
        assert real.read_text() == "before"
    assert (link.is_symlink(), real.read_text(), stat.S_IMODE(real.stat().st_mode)) == (True, "after", 0o600)
    assert names(tmp_path) == {"real", "link"}


@pytest.mark.parametrize("new", [False, True])
def test_what_fails_leaves_what_was_there_and_nothing_beside(tmp_path: Path, new: bool) -> None:
    (tmp_path / "file").write_text("before")
    with pytest.raises(ValueError, match="half"):
        _fail_in_the_middle(tmp_path / ("new" if new else "file"), new=new)
    assert [(each.name, each.read_text()) for each in tmp_path.iterdir()] == [("file", "before")]


def _fail_in_the_middle(target: Path, *, new: bool) -> None:
    with written_whole(target, new=new) as file:
        file.write(b"ha")
        raise ValueError("half")


def test_a_pipe_and_a_device_are_written_to_and_not_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    with written_whole(pipe) as file:
        file.write(b"through")
    assert os.read(reader, 100) == b"through"
    os.close(reader)
    with written_whole(Path(os.devnull)) as file:
        file.write(b"gone")
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert stat.S_ISCHR(Path(os.devnull).stat().st_mode)


@pytest.mark.parametrize("place", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"])
def test_what_a_shell_opened_for_appending_is_appended_to(tmp_path: Path, place: str) -> None:
    log = tmp_path / "log"
    log.write_text("before ")
    code = (
        "from pathlib import Path; from connector.bulk.whole_file import written_whole\n"
        f"with written_whole(Path({place!r})) as file: file.write(b'after')"
    )
    with log.open("ab") as opened:
        inode = log.stat().st_ino
        subprocess.run([sys.executable, "-c", code], stdout=opened, check=True)
    assert (log.read_text(), log.stat().st_ino, names(tmp_path)) == ("before after", inode, {"log"})


@pytest.mark.parametrize("why", [errno.EXDEV, errno.EBUSY, errno.EPERM])
def test_a_file_whose_place_cannot_be_taken_is_written_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, why: int
) -> None:
    def refused(*_: object) -> None:
        raise OSError(why, os.strerror(why))

    monkeypatch.setattr(Path, "replace", refused)
    target = tmp_path / "file"
    target.write_text("before, and longer")
    inode = target.stat().st_ino
    with written_whole(target) as file:
        file.write(b"after")
    assert (target.read_text(), target.stat().st_ino, names(tmp_path)) == ("after", inode, {"file"})


def test_a_file_with_no_room_beside_it_is_written_to(tmp_path: Path) -> None:
    target = tmp_path / ("n" * 250)
    with written_whole(target) as file:
        file.write(b"after")
    assert (target.read_text(), names(tmp_path)) == ("after", {target.name})


def test_a_file_in_a_folder_that_may_not_be_written_to_is_written_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> int:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    target = tmp_path / "file"
    target.write_text("before")
    monkeypatch.setattr(whole_file.os, "open", refused)  # root may write to any folder
    with written_whole(target) as file:
        file.write(b"after")
    assert target.read_text() == "after"


def test_what_a_killed_process_left_is_cleared_away_and_nothing_else(tmp_path: Path) -> None:
    kept = {"file.x.partial", "file.other.7.partial", "file.7", "other.7.partial"}
    for each in {*kept, "file.1.partial", f"file.{os.getpid()}.partial"}:  # the first of a process that lives, unlocked
        (tmp_path / each).write_text("left")
    with written_whole(tmp_path / "file") as file:
        file.write(b"after")
    assert names(tmp_path) == {*kept, "file"}


def test_two_that_write_one_file_at_once_leave_each_other_alone(tmp_path: Path) -> None:
    with written_whole(tmp_path / "file") as first:
        with written_whole(tmp_path / "file") as second:
            second.write(b"second")
        first.write(b"first")
    assert ((tmp_path / "file").read_text(), names(tmp_path)) == ("first", {"file"})


def test_a_new_file_replaces_none_that_came_meanwhile(tmp_path: Path) -> None:
    with pytest.raises(FileExistsError):
        _write_while_another_does(tmp_path / "file")
    assert [(each.name, each.read_text()) for each in tmp_path.iterdir()] == [("file", "meanwhile")]


def _write_while_another_does(target: Path) -> None:
    with written_whole(target, new=True) as file:
        file.write(b"after")
        target.write_text("meanwhile")
