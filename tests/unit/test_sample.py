"""The shipped sample is what its script writes, and holds what it is meant to hold."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from connector.demo.expected import differences, load
from scripts.make_sample import NOTIFICATIONS, REPEATED, ROOT, audience, write
from tests.oracle import readable

DEMO = ROOT / "connector" / "demo"
FILES = ("sample.ndjson.gz", "expected.json")


def content(path: Path) -> bytes:
    """What a file says: machines pack the same bytes differently."""
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


def sent() -> list[dict[str, Any]]:
    return [json.loads(line) for line in content(DEMO / "sample.ndjson.gz").splitlines()]


def rows() -> list[dict[str, Any]]:
    """The simulator's read side, were everything right."""
    return [row(name, person) for name, person in load()["people"].items()]


def row(name: str, person: dict[str, Any]) -> dict[str, Any]:
    attributes = dict(person["attributes"])
    identifiers = {"id": name, "email": attributes.pop("email", None), "cio_id": f"c{name}"}
    events = [event(name, at) for name, at in person["events"]["must"]]
    return {"identifiers": identifiers, "attributes": attributes, "events": events}


def event(name: str, at: int) -> dict[str, Any]:
    page = name == "page"
    return {
        "id": f"{name}{at}",
        "name": "https://example.com/" if page else name,
        "type": name if page else "event",
    } | {
        "timestamp": at,
        "attributes": {},
    }


def test_running_the_script_again_changes_nothing(tmp_path: Path) -> None:
    again, once_more = tmp_path / "a", tmp_path / "b"
    for folder in (again, once_more):
        folder.mkdir()
        write(folder)
    for name in FILES:
        assert (again / name).read_bytes() == (once_more / name).read_bytes()
        assert content(again / name) == content(DEMO / name)


def test_packed_file_carries_no_time() -> None:
    assert (DEMO / "sample.ndjson.gz").read_bytes()[4:8] == bytes(4)


def test_sample_is_small() -> None:
    assert (DEMO / "sample.ndjson.gz").stat().st_size < 400_000


def test_shape_of_the_sample() -> None:
    notifications = sent()
    messages = [message for one in notifications for message in one["messages"]]
    good = [message for message in messages if readable(message)]
    assert len(notifications) == NOTIFICATIONS
    assert len({one["notification_id"] for one in notifications}) == NOTIFICATIONS - REPEATED
    assert len({message["user"]["id"] for message in good}) == 300
    assert len({message["user"]["id"] for message in good if audience(message)}) > 200
    assert any(len({readable(message) for message in one["messages"]}) == 2 for one in notifications)


def test_some_messages_come_late() -> None:
    newest: dict[str, str] = {}
    late = 0
    for message in (message for one in sent() for message in one["messages"] if readable(message)):
        user = message["user"]
        late += user["indexed_at"] < newest.get(user["id"], "")
        newest[user["id"]] = max(user["indexed_at"], newest.get(user["id"], ""))
    assert late >= 20


def test_expected_people_have_no_differences() -> None:
    assert differences(load(), rows()) == []


@pytest.mark.parametrize("absent", ["1017", "9001"])
def test_a_person_too_many(absent: str) -> None:
    held = [*rows(), row(absent, {"attributes": {}, "events": {"must": []}})]
    assert [line.split(":")[0] for line in differences(load(), held)] == [absent]


def test_a_person_too_few() -> None:
    assert differences(load(), rows()[1:]) == ["1001: is missing"]


def test_wrong_attribute() -> None:
    held = rows()
    plan = held[0]["attributes"]["plan"]
    held[0]["attributes"] |= {"plan": 7, "extra": True}
    wrong = ["1001: extra must be absent, is true", f'1001: plan must be "{plan}", is 7']
    assert differences(load(), held) == wrong


def test_event_twice() -> None:
    held = rows()
    held[0]["events"] *= 2
    lines = differences(load(), held)
    assert len(lines) == len(load()["people"]["1001"]["events"]["must"])
    assert all("is not expected" in line for line in lines)


def test_event_lost() -> None:
    held = rows()
    name, at = load()["people"]["1001"]["events"]["must"][0]
    held[0]["events"] = [one for one in held[0]["events"] if one["timestamp"] != at]
    assert differences(load(), held) == [f"1001: event {name} of {at} is missing"]
