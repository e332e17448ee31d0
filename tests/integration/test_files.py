"""Files of messages: every shape they come in, and memory that does not grow with them."""

import gzip
import json
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from connector.bulk import files
from connector.errors import ConnectorError, UnreadableError
from connector.formats.content_encoding import FREE_BYTES
from connector.model.change import Change
from tests.world import message

LIMIT = 1_000_000
FAR_LARGER = FREE_BYTES + 5_000_000
Write = Callable[[bytes | str], Path]
NAMES = ("u1", "u2", "u3")
MESSAGES = [message(name, 1, plan="gold") for name in NAMES]
NDJSON = "".join(json.dumps(each) + "\n" for each in MESSAGES)


@pytest.fixture(params=["plain", "gzip"])
def write(request: pytest.FixtureRequest, tmp_path: Path) -> Write:
    """Writes a file, plain or packed; its name says nothing of that."""

    def written(content: bytes | str) -> Path:
        body = content.encode() if isinstance(content, str) else content
        path = tmp_path / "messages"
        path.write_bytes(gzip.compress(body) if request.param == "gzip" else body)
        return path

    return written


def documents(path: Path, limit: int = LIMIT) -> Iterator[Any]:
    with files.opened(path) as opened:
        yield from opened.documents(limit)


def answers(path: Path, limit: int = LIMIT) -> list[str]:
    """The key of each message that can be read, and the reason for each that cannot."""
    found = [answer for document in documents(path, limit) for answer in files.read("native", document, limit)]
    return [answer.key if isinstance(answer, Change) else answer.reason for answer in found]


@pytest.mark.parametrize(
    "content",
    [
        NDJSON,
        NDJSON.rstrip("\n"),
        NDJSON.replace("\n", "\r\n"),
        "\n\n" + NDJSON.replace("\n", "\n\n"),
        "\ufeff" + NDJSON,
        json.dumps(MESSAGES),
        json.dumps(MESSAGES, indent=2),
        "\n  " + json.dumps(MESSAGES, indent=2) + "\n",
    ],
    ids=[
        "lines",
        "no end of line",
        "Windows",
        "blank lines",
        "byte order mark",
        "list",
        "indented list",
        "blanks first",
    ],
)
def test_messages_are_read_from_lines_and_from_lists(write: Write, content: str) -> None:
    assert answers(write(content)) == list(NAMES)


@pytest.mark.parametrize("indent", [None, 2], ids=["in a line", "indented"])
@pytest.mark.parametrize("end", ["", "\n", "\n\n"])
def test_one_message_alone_is_read(write: Write, indent: int | None, end: str) -> None:
    assert answers(write(json.dumps(MESSAGES[0], indent=indent) + end)) == ["u1"]


@pytest.mark.parametrize("content", ["", "\n", " \n\r\n \n", "[]", "[\n]\n"])
def test_an_empty_file_has_no_messages(write: Write, content: str) -> None:
    assert answers(write(content)) == []


def test_a_broken_line_harms_only_itself(write: Write) -> None:
    lines = NDJSON.splitlines()
    found = answers(write("\n".join([lines[0], lines[1][:30], "nonsense", lines[2]])))

    assert (found[0], found[-1], len(found)) == ("u1", "u3", 4)
    assert all("is not JSON" in reason for reason in found[1:3])


@pytest.mark.parametrize("broken", ["nonsense", "{}}", '{"user": 7}'])
def test_a_broken_first_line_harms_only_itself(write: Write, broken: str) -> None:
    assert answers(write(f"{broken}\n{NDJSON}"))[1:] == list(NAMES)


CUT = '{"user": {"id": "cut",\n'


def test_a_first_line_cut_short_harms_only_itself(write: Write) -> None:
    assert answers(write(CUT + NDJSON))[1:] == list(NAMES)


def test_a_first_line_cut_short_harms_only_itself_in_a_large_file(write: Write) -> None:
    assert answers(write(CUT + NDJSON * 50), 5_000)[1:] == list(NAMES) * 50


def test_each_line_may_be_a_list(write: Write) -> None:
    """As the HTTP door has it."""
    lines = json.dumps(MESSAGES[:2]) + "\n" + json.dumps(MESSAGES[2:]) + "\n"
    assert answers(write(lines)) == list(NAMES)


def test_an_indented_list_may_begin_with_a_byte_order_mark(write: Write) -> None:
    assert answers(write("\ufeff" + json.dumps(MESSAGES, indent=2))) == list(NAMES)


def test_a_line_that_is_too_long_harms_only_itself(write: Write) -> None:
    long = json.dumps(message("long", 1, plan="x" * 20_000))
    lines = NDJSON.splitlines()
    found = answers(write("\n".join([lines[0], long, lines[1], long, lines[2]])), 10_000)

    assert [found[index] for index in (0, 2, 4)] == list(NAMES)
    assert all("larger than [intake] max_message_bytes, 10000 bytes" in found[index] for index in (1, 3))


@pytest.mark.parametrize("over", [0, 1])
def test_a_line_may_be_as_long_as_the_limit(write: Write, over: int) -> None:
    line = json.dumps(message("long", 1, plan="x" * 900))
    found = answers(write(f"{NDJSON}{line}\n{NDJSON}"), len(line) - over)

    assert found[:3] == found[4:] == list(NAMES)
    assert (found[3] == "long") is (over == 0)


def test_the_first_line_may_be_as_long_as_the_limit(write: Write) -> None:
    line = json.dumps(message("long", 1, plan="x" * 900))

    assert answers(write(f"{line}\n{NDJSON}"), len(line)) == ["long", *NAMES]


def test_a_first_line_that_is_too_long_harms_only_itself(write: Write) -> None:
    long = json.dumps(message("long", 1, plan="x" * 20_000))
    found = answers(write(f"{long}\n{NDJSON}"), 10_000)

    assert found[1:] == list(NAMES)


def test_the_messages_before_the_break_of_a_list_are_read(write: Write) -> None:
    found = documents(write(json.dumps(MESSAGES)[:-30]))
    assert [json.loads(next(found).body)["user"]["id"] for _ in range(2)] == ["u1", "u2"]
    with pytest.raises(UnreadableError, match="the list in the file is not JSON"):
        next(found)


@pytest.mark.parametrize("content", [NDJSON * 500, json.dumps(MESSAGES * 500)], ids=["lines", "list"])
def test_a_packed_file_cut_short_says_so(tmp_path: Path, content: str) -> None:
    path = tmp_path / "messages.gz"
    path.write_bytes(gzip.compress(content.encode())[:-200])
    with pytest.raises(UnreadableError, match="the file is not whole"):
        list(documents(path))


def test_a_packed_file_damaged_inside_says_so(tmp_path: Path) -> None:
    path = tmp_path / "messages.gz"
    head = 10
    path.write_bytes(gzip.compress(NDJSON.encode())[:head] + b"\xff" * 100)
    with pytest.raises(UnreadableError):
        list(documents(path))


def test_packed_files_put_behind_one_another_are_one(tmp_path: Path) -> None:
    path = tmp_path / "messages.gz"
    path.write_bytes(b"".join(gzip.compress(line.encode() + b"\n") for line in NDJSON.splitlines()))

    assert answers(path) == list(NAMES)


@pytest.mark.parametrize("bad", ['{"user":', "12345678901234567890" * 300, "[" * 5000 + "]" * 5000, '"\\ud800"', ""])
def test_a_bad_item_of_a_list_harms_only_itself(write: Write, bad: str) -> None:
    good = [json.dumps(each) for each in MESSAGES]
    found = answers(write(f"[{good[0]}, {good[1]}, {bad}, {good[2]}]".replace('{"user":,', '{"user":7},')))
    assert [found[0], found[1], found[3]] == list(NAMES)
    assert found[2].startswith("item 3 of the list: ")


def test_an_odd_value_in_an_item_of_a_list_costs_itself_alone(write: Write) -> None:
    deep = json.dumps(message("deep", 1, plan="gold")).replace('"gold"', "[" * 5000 + "]" * 5000)
    long = json.dumps(message("long", 1, plan="gold")).replace('"gold"', "9" * 30)
    content = f"[{json.dumps(MESSAGES[0])}, {deep}, {long}, {json.dumps(MESSAGES[1])}]"
    assert answers(write(content)) == ["u1", "deep", "long", "u2"]


def test_a_bad_line_is_told_with_its_number_in_the_file(write: Write) -> None:
    found = answers(write(f"\n{NDJSON}\n{{nonsense\n" + json.dumps({"segments": []}) + "\n"))
    assert found[3].startswith("line 6: it is not JSON: ")
    assert " at column " in found[3]
    assert found[4] == "line 7: the message names no user"


@pytest.mark.parametrize(("start", "again"), [(b"", b" "), (b"", b"x"), (b"[", b" "), (b"", b'{"a": 1}\n')])
def test_a_packed_file_that_is_far_larger_unpacked_is_refused_early(tmp_path: Path, start: bytes, again: bytes) -> None:
    path = tmp_path / "messages.gz"
    path.write_bytes(gzip.compress(start + again * (FAR_LARGER // len(again))))
    with pytest.raises(UnreadableError, match="the file is more than 250 times as large once it is unpacked"):
        list(documents(path))


def test_a_file_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(ConnectorError, match=r"no-such-file: cannot be read \(No such file or directory\)"):
        list(documents(tmp_path / "no-such-file"))


def test_the_position_comes_to_the_end(write: Write) -> None:
    path = write(NDJSON * 1000)
    with files.opened(path) as opened:
        positions = [opened.position for _ in opened.documents(LIMIT)]
        assert opened.size == path.stat().st_size
        assert opened.position == opened.size
    assert positions == sorted(positions)


def peak(path: Path) -> int:
    """The most memory that reading a file takes."""
    tracemalloc.start()
    for _ in documents(path):
        pass
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return most


@pytest.mark.parametrize("shape", ["lines", "indented list", "list"])
def test_memory_does_not_grow_with_the_file(write: Write, shape: str) -> None:
    def sized(times: int) -> Path:
        if shape == "lines":
            return write(NDJSON * times)
        return write(json.dumps(MESSAGES * times, indent=2 if shape == "indented list" else None))

    peak(sized(10))
    small, large = peak(sized(500)), peak(sized(5_000))
    assert large < small + 100_000
    assert large < 2_000_000
