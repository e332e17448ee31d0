"""Backfills: from files, URLs and sources, at a pace, behind what is live, on after a crash."""

import gzip
import json
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from connector.bulk import backfill, download, jobs
from connector.bulk.backfill_input import BackfillInput
from connector.bulk.lease import leased
from connector.errors import ConnectorError, SettingsError, StoreError
from connector.model.job import Job
from connector.store import everybody
from connector.store import jobs as stored
from tests.simulated import Simulated
from tests.sources import Warehouse, source
from tests.world import World, message

AT_ONCE = 1e9
MakeWorld = Callable[..., World]
NATIVE = {"format": "native"}


def users(count: int, start: int = 0, **rest: Any) -> list[dict[str, Any]]:
    return [message(f"u{number:03}", None, plan="gold", **rest) for number in range(start, start + count)]


def ndjson(path: Path, messages: list[dict[str, Any]]) -> str:
    path.write_bytes(b"".join(json.dumps(each).encode() + b"\n" for each in messages))
    return str(path)


def csv(path: Path, count: int) -> str:
    path.write_text("external_id,plan\n" + "".join(f"u{number:03},gold\n" for number in range(count)))
    return str(path)


def start(world: World, *files: str, sync: str = "main", per_second: float = AT_ONCE, **given: Any) -> Job:
    return backfill.start(world.runtime, sync, BackfillInput(files, **{"allow_missing": True, **given}), per_second)


def finish(world: World, job: Job, **options: Any) -> Job:
    """Takes the job as far as it goes, and delivers what came of it."""
    backfill.take_further(world.runtime, job.id, **options)
    world.settle()
    return jobs.find(world.store, job.id)


def test_files_of_every_kind_one_after_another(world: World, simulator: Simulated, tmp_path: Path) -> None:
    messages = ndjson(tmp_path / "a.ndjson", users(3))
    zipped = tmp_path / "b.json.gz"
    zipped.write_bytes(gzip.compress(json.dumps(users(3, 3)).encode()))
    job = finish(world, start(world, messages, str(zipped), format="native"))
    assert (job.state, job.done, job.total, job.counts) == ("done", 6, 6, {})
    table = tmp_path / "d.parquet"
    parquet.write_table(pa.table({"external_id": ["u900"], "plan": ["free"]}), table)
    job = finish(world, start(world, csv(tmp_path / "c.csv", 8), str(table), segments=("Paying",)))
    assert (job.state, job.done) == ("done", 9)
    assert simulator.people() == {f"u{number:03}": {"plan": "gold"} for number in range(8)} | {"u900": {"plan": "free"}}


def test_messages_are_read_in_the_form_of_the_settings_at_its_start(make_world: MakeWorld, tmp_path: Path) -> None:
    world = make_world(intake={"format": "native"})
    job = finish(world, start(world, ndjson(tmp_path / "a.ndjson", users(2))))
    assert (job.state, job.done, job.counts) == ("done", 2, {})


def test_it_waits_behind_what_is_live(world: World, tmp_path: Path) -> None:
    world.take(message("live", 1))
    job = start(world, ndjson(tmp_path / "a.ndjson", users(2)), format="native")
    backfill.take_further(world.runtime, job.id)
    with world.store.reading() as tx:
        assert (everybody.due_behind(tx, "main", 10), world.due()) == (2, 3)
    assert backfill.progress(world.runtime, job.id).due == 2


def test_it_keeps_to_its_pace(world: World, tmp_path: Path) -> None:
    job = start(world, ndjson(tmp_path / "a.ndjson", users(40)), per_second=100.0, format="native")
    finish(world, job)
    found = jobs.find(world.store, job.id)
    assert found.updated_at - job.created_at >= 0.38


def test_a_bad_row_harms_only_itself(world: World, simulator: Simulated, tmp_path: Path) -> None:
    path = tmp_path / "a.ndjson"
    path.write_bytes(b"{}\n" + json.dumps(users(1)[0]).encode() + b"\nnonsense\n")
    job = finish(world, start(world, str(path), format="native"))
    assert (job.state, job.done, job.counts) == ("done", 3, {"could not be read": 2})
    assert list(simulator.people()) == ["u000"]


def test_one_that_could_read_nothing_says_so(world: World, tmp_path: Path) -> None:
    bad = finish(world, start(world, ndjson(tmp_path / "bad.ndjson", [{"user": {}}, {"nobody": 1}])))
    good = finish(world, start(world, ndjson(tmp_path / "good.ndjson", [{"user": {}}, *users(1)])))
    empty = finish(world, start(world, ndjson(tmp_path / "empty.ndjson", [])))

    assert [backfill.read_nothing(each) for each in (bad, good, empty)] == [True, False, False]


def test_one_sync_or_all(make_world: Callable[..., World], tmp_path: Path) -> None:
    world = make_world()
    path = ndjson(tmp_path / "a.ndjson", users(1))
    assert finish(world, start(world, path, sync="*", format="native")).sync == "*"
    with pytest.raises(SettingsError, match="there is no sync 'other'"):
        start(world, path, sync="other", format="native")


# ---- Crashes, pause, resume, cancel, two at once ---------------------------------------------------------------------


@pytest.mark.parametrize("fail_at", [1, 3, 5])
def test_a_crash_in_the_middle_goes_on_from_its_position(
    world: World, simulator: Simulated, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fail_at: int
) -> None:
    files = [csv(tmp_path / "a.csv", 10), csv(tmp_path / "b.csv", 14)]
    job = start(world, *files, segments=("Paying",))
    accept, taken = backfill.accept, [0, 0]

    def failing(store: Any, syncs: Any, messages: Any, **options: Any) -> Any:
        taken[0] += 1
        if taken[0] == fail_at:
            raise StoreError("gone")
        taken[1] += len(messages)
        return accept(store, syncs, messages, **options)

    monkeypatch.setattr(backfill, "accept", failing)
    with pytest.raises(StoreError):
        backfill.take_further(world.runtime, job.id, rows_at_once=4)
    assert backfill.waiting(world.runtime) == [job.id]
    done = finish(world, job, rows_at_once=4)
    assert (done.state, done.done, taken[1]) == ("done", 24, 24)
    assert len(simulator.people()) == 14
    assert backfill.waiting(world.runtime) == []


def test_it_is_paused_resumed_and_cancelled(world: World, simulator: Simulated, tmp_path: Path) -> None:
    job = start(world, csv(tmp_path / "a.csv", 10), segments=("Paying",))
    looks = iter(range(100))

    def pause_after_the_first_batch() -> bool:
        if next(looks) == 3:
            jobs.pause(world.store, job.id)
        return False

    paused = finish(world, job, until=pause_after_the_first_batch, rows_at_once=4)
    assert paused.state == "paused"
    assert 0 < paused.done < 10
    assert finish(world, job).done == paused.done
    jobs.resume(world.store, job.id)
    assert finish(world, job).done == 10
    other = start(world, csv(tmp_path / "a.csv", 10), segments=("Paying",))
    jobs.cancel(world.store, other.id)
    assert finish(world, other).done == 0


def test_two_never_take_one_further_at_a_time(world: World, tmp_path: Path) -> None:
    job = start(world, csv(tmp_path / "a.csv", 2), segments=("Paying",))
    with leased(world.store, backfill.lease_name(job.id)):
        assert backfill.waiting(world.runtime) == []
        assert finish(world, job).done == 0
    assert finish(world, job).done == 2


def test_a_file_that_a_worker_does_not_see_pauses_it_and_says_so(world: World, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    job = start(world, csv(path, 2), segments=("Paying",))
    path.unlink()
    assert finish(world, job).state == "paused"
    ((kind, subject, reason),) = world.problems()
    assert (kind, subject) == ("backfill", job.id)
    assert reason.startswith(f"{path}: there is no such file on ")
    assert "must see its files under the same path" in reason
    csv(path, 2)
    jobs.resume(world.store, job.id)
    assert (finish(world, job).state, world.problems()) == ("done", [])


@pytest.mark.parametrize(
    ("files", "given", "says"),
    [
        ((), {}, "say what to read: files or URLs, or --source NAME"),
        (("nowhere.csv",), {}, "there is no such file"),
        (("ftp://user:hush@example.com/a.csv?hush",), {}, "'example.com/a.csv' is not accepted: give http"),
        ((), {"source": "other"}, "there is no source 'other'"),
        (("{tmp}/a.csv",), {}, "does not say who is in which segment"),
        (("{tmp}/a.csv",), {"format": "xml"}, "--format: 'xml' is not accepted"),
    ],
)
def test_what_cannot_work_is_refused_at_the_start(
    world: World, tmp_path: Path, files: tuple[str, ...], given: dict[str, Any], says: str
) -> None:
    csv(tmp_path / "a.csv", 1)
    with pytest.raises(ConnectorError) as caught:
        start(world, *(each.format(tmp=tmp_path) for each in files), **given)
    assert says in str(caught.value)
    assert "hush" not in str(caught.value)
    with world.store.reading() as tx:
        assert stored.find(tx) == []


# ---- From a source ---------------------------------------------------------------------------------------------------


def test_from_a_source_in_the_order_of_its_keys_and_on_after_a_crash(
    make_world: Callable[..., World], simulator: Simulated, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    warehouse = Warehouse(f"sqlite:///{tmp_path / 'warehouse.db'}")
    warehouse.users(*range(10))
    world = make_world(sync={"identifier": "id"}, sources={"users": source(warehouse.url)})
    job = backfill.start(world.runtime, "main", BackfillInput(source="users"), AT_ONCE)
    accept, calls = backfill.accept, [0]

    def failing(*given: Any, **options: Any) -> Any:
        calls[0] += 1
        if calls[0] == 2:
            raise StoreError("gone")
        return accept(*given, **options)

    monkeypatch.setattr(backfill, "accept", failing)
    with pytest.raises(StoreError):
        backfill.take_further(world.runtime, job.id, rows_at_once=4)
    assert jobs.find(world.store, job.id).done == 4
    assert finish(world, job, rows_at_once=4).done == 10
    assert len(simulator.people()) == 10


def test_of_rows_of_a_source_that_have_one_key_the_first_counts_wherever_a_page_ends(
    make_world: Callable[..., World], simulator: Simulated, tmp_path: Path
) -> None:
    warehouse = Warehouse(f"sqlite:///{tmp_path / 'warehouse.db'}")
    rows = [("a", 1), ("b", 1), ("b", 2), ("c", 1), ("c", 2), ("d", 1)]
    warehouse.table("users", "id text, plan text", [{"id": key, "plan": f"plan {number}"} for key, number in rows])
    by_plan = {"query": "SELECT * FROM users ORDER BY id, plan"}
    world = make_world(sync={"identifier": "id"}, sources={"users": source(warehouse.url, **by_plan)})
    job = backfill.start(world.runtime, "main", BackfillInput(source="users"), AT_ONCE)
    finish(world, job, rows_at_once=2)
    assert {name: person["plan"] for name, person in simulator.people().items()} == dict.fromkeys("abcd", "plan 1")


# ---- From the web ----------------------------------------------------------------------------------------------------


class Files(BaseHTTPRequestHandler):
    """Serves what the test puts into `pages`: bytes, or (status, Location)."""

    pages: dict[str, Any]

    def do_GET(self) -> None:
        page = self.pages[self.path.partition("?")[0]]
        if isinstance(page, list):
            page = page.pop(0)
        status, location = page if isinstance(page, tuple) else (200, "")
        self.send_response(status)
        if location:
            self.send_header("Location", location)
        body = page if isinstance(page, bytes) else b""
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Nothing."""


@pytest.fixture
def pages() -> Iterator[tuple[str, dict[str, Any]]]:
    """The URL of a server of files, and its pages."""
    found: dict[str, Any] = {}
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Served", (Files,), {"pages": found}))
    thread = Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", found
    server.shutdown()
    thread.join()
    server.server_close()


def test_from_urls_through_a_redirect_and_a_moment_of_trouble(
    world: World,
    simulator: Simulated,
    tmp_path: Path,
    pages: tuple[str, dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    url, served = pages
    monkeypatch.setattr(download.fetched.__wrapped__, "__defaults__", (lambda: False, lambda _: None, 60.0))
    content = Path(csv(tmp_path / "a.csv", 5)).read_bytes()
    served["/a.csv.gz"] = [(503, ""), gzip.compress(content)]
    served["/moved.csv"] = (302, "/b.csv")
    served["/b.csv"] = content.replace(b"u00", b"v00")
    job = start(world, f"{url}/a.csv.gz?token=hush", f"{url}/moved.csv", segments=("Paying",))
    assert finish(world, job).state == "done"
    assert sorted(simulator.people()) == [f"{letter}00{number}" for letter in "uv" for number in range(5)]


@pytest.mark.parametrize(
    ("page", "says"),
    [
        ((404, ""), "it answered 404"),
        ((302, "ftp://example.com/x"), "it redirects to 'ftp', which is not followed"),
        ((302, "file:///etc/hostname"), "it redirects to 'file', which is not followed"),
        ((302, "/a.csv"), "it redirects in a circle"),
        (b"x" * 2000, "is larger than [rows] max_file_bytes, 1,000 bytes"),
        (b"plan\ngold\n", "has none of the columns"),
    ],
)
def test_a_url_that_cannot_be_used_pauses_the_job_and_says_why(
    make_world: Callable[..., World], pages: tuple[str, dict[str, Any]], page: Any, says: str
) -> None:
    url, served = pages
    served["/a.csv"] = page
    world = make_world(rows={"max_file_bytes": 1000})
    job = start(world, f"{url}/a.csv?token=hush", segments=("Paying",))
    finish(world, job)
    ((_, subject, reason),) = world.problems()
    assert (subject, jobs.find(world.store, job.id).state) == (job.id, "paused")
    assert says in reason
    assert f"{url}/a.csv" in reason
    assert "hush" not in reason


def test_nobody_is_waited_for_for_ever() -> None:
    with (
        pytest.raises(ConnectorError, match=r"http://127.0.0.1:9/a.csv cannot be fetched: "),
        download.fetched("http://user:hush@127.0.0.1:9/a.csv", 10, pause=lambda _: None),
    ):
        pass
