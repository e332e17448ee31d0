"""What people use instead, on the same notifications and simulator: a task for each, and the clients that exist."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec

from benchmarks import celery_app, plain
from benchmarks.fleet import Figures, differences
from benchmarks.notifications import Notifications
from benchmarks.publisher import Publisher, declare
from benchmarks.stage import API_KEY, ROOT, SITE_ID, Stage, pause, resume
from connector.errors import ConnectorError

_STALLED_SECONDS = 60.0
_LOOK_SECONDS = 0.1


def celery(stage: Stage, given: Notifications, concurrency: int) -> Figures:
    """Measures a Celery task and a request for each notification; all tasks are queued before the worker begins."""
    stage.empty_simulators()
    environ = _environ(stage) | {"C_FORCE_ROOT": "1"}
    worker = (sys.executable, "-m", "celery", "-A", "benchmarks.celery_app", "worker", "--loglevel", "INFO")
    options = ("--without-gossip", "--without-mingle", "--concurrency", str(concurrency))
    with stage.running(f"celery-{concurrency}", *worker, *options, environ=environ) as process:
        process.until_it_says("ready.")
        stage.processes["workers"] = [process.popen.pid]
        pause([process])
        _publish_tasks(stage, given)
        before, began = stage.cpu(), time.monotonic()
        resume([process])
        _until(lambda: int(stage.summary()["calls"]), given.changes)
        seconds, after = time.monotonic() - began, stage.cpu()
        del stage.processes["workers"]
    used = {group: after[group] - before[group] for group in after}
    return _figures(stage, given, seconds, used["workers main"] + used["workers pool"], used["rabbitmq"])


def script(stage: Stage, given: Notifications) -> Figures:
    """Returns the official client's batch from memory (benchmarks/script.py); the file is written before it begins."""
    _check_installed()
    stage.empty_simulators()
    path = stage.folder / "notifications.ndjson"
    path.write_bytes(b"\n".join(given.bodies()))
    found = _run(stage, "benchmarks.script", str(path))
    path.unlink()
    return _figures(stage, given, found["seconds"], found["cpu"], 0.0)


def client(stage: Stage, given: Notifications, name: str) -> Figures:
    """Measures one of benchmarks.clients; all messages are in the queue when it begins."""
    _check_installed()
    stage.empty_simulators()
    declare(stage.rabbitmq.url, plain.QUEUE)
    publisher = Publisher(stage.rabbitmq.url, plain.QUEUE)
    publisher.publish(given.bodies())
    publisher.close()
    before = stage.cpu()
    found = _run(stage, "benchmarks.clients", name, str(given.changes))
    return _figures(stage, given, found["seconds"], found["cpu"], stage.cpu()["rabbitmq"] - before["rabbitmq"])


def _check_installed() -> None:
    if not find_spec("customerio") or not find_spec("async_customerio"):
        raise ConnectorError("what to compare with is not installed: run `make bench` once, it installs it")


def _run(stage: Stage, module: str, *arguments: str) -> dict[str, float]:
    """Returns what a program of ours prints at its end."""
    command = [sys.executable, "-m", module, *arguments]
    done = subprocess.run(command, env=_environ(stage), cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ConnectorError(f"{module} {' '.join(arguments)} ended with {done.returncode}:\n{done.stderr[-2000:]}")
    found: dict[str, float] = json.loads(done.stdout)
    return found


def _figures(stage: Stage, given: Notifications, seconds: float, cpu: float, broker: float) -> Figures:
    return {
        "changes": given.changes,
        "seconds": round(seconds, 2),
        "per_second": round(given.changes / seconds),
        "cpu_seconds": round(cpu, 2),
        "per_cpu_second": round(given.changes / cpu),
        "per_cpu_second_with_servers": round(given.changes / (cpu + broker)),
        "requests": stage.summary()["calls"],
        "wrong_people": len(differences(stage, stage.simulator, given)),
    }


def _publish_tasks(stage: Stage, given: Notifications) -> None:
    publisher = Publisher(stage.rabbitmq.url, celery_app.QUEUE)
    bodies = (b"[[%b],{},{}]" % body for body in given.bodies())
    publisher.publish(bodies, headers=lambda number: {"id": str(number), "task": celery_app.TASK})
    publisher.close()


def _until(count: Callable[[], int], wanted: int) -> None:
    """Returns when the count is reached. Raises ConnectorError if it moves no more."""
    moved, last = time.monotonic(), -1
    while (now := count()) < wanted:
        if now != last:
            moved, last = time.monotonic(), now
        if time.monotonic() - moved > _STALLED_SECONDS:
            raise ConnectorError(f"stopped at {now} of {wanted} requests")
        time.sleep(_LOOK_SECONDS)


def _environ(stage: Stage) -> dict[str, str]:
    return {
        **stage.environ,
        "BENCHMARK_BROKER": stage.rabbitmq.url,
        "BENCHMARK_SIMULATOR": stage.simulator,
        "BENCHMARK_SITE_ID": SITE_ID,
        "BENCHMARK_API_KEY": API_KEY,
    }
