"""The stage of `make fleet`: RabbitMQ, PostgreSQL, two workers, beat, web and simulator; the sample comes by AMQP."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from connector.broker.publisher import Publisher
from connector.demo.cast import Cast
from connector.demo.postgres import Postgres
from connector.demo.rabbitmq import RabbitMQ
from connector.demo.stage import OnSent, Stage, emptied, environment, start_simulator
from connector.settings.schema import load

FOLDER = Path("var/fleet")
_WORKERS = 2


@contextmanager
def staged(settings: Path, folder: Path) -> Iterator[Stage]:
    """Yields a fleet, running until the block ends, with everything it keeps in `folder`. Raises ConnectorError.

    It ends in order: first who works, then the simulator, then the servers that they worked on.
    """
    folder = emptied(folder)
    with ExitStack() as stack:
        rabbitmq = stack.enter_context(RabbitMQ(folder / "rabbitmq"))
        postgres = stack.enter_context(Postgres(folder / "postgres"))
        audience = stack.enter_context(Cast(folder))
        simulator = start_simulator(audience, os.environ).url()
        ours = environment(settings, simulator, postgres.url, rabbitmq.url)
        workers = stack.enter_context(Cast(folder))
        connector = _started(workers, folder, {**os.environ, **ours})
        places = {
            "PostgreSQL": f"127.0.0.1:{postgres.port}",
            "RabbitMQ": f"127.0.0.1:{rabbitmq.port}",
            "Customer.io, simulated": simulator,
            "The connector": connector,
        }
        environ, running = {**os.environ, **ours}, (postgres, rabbitmq, audience, workers)
        send = _sender(settings, rabbitmq)
        stage = Stage(folder, simulator, connector, places, environ, running, send, "publish")
        stage.prepare(ours)
        yield stage


def _started(cast: Cast, folder: Path, environ: Mapping[str, str]) -> str:
    """Starts the fleet on an empty store. Returns the URL of its web doors."""
    with Cast(folder) as first:
        first.connector("migration", "migrate", environ=environ).wait_to_end()
    web = cast.connector("web", "web", environ=environ)
    for number in range(1, _WORKERS + 1):
        _start_worker(cast, f"worker {number}", environ)
    cast.start("beat", "celery", "-A", "tasks", "beat", environ=environ)
    return web.url()


def _start_worker(cast: Cast, name: str, environ: Mapping[str, str]) -> None:
    """Starts a worker of two processes, with a name of its own."""
    options = (
        "--concurrency",
        "2",
        "--without-gossip",
        "--without-mingle",
        "--hostname",
        f"{name.replace(' ', '-')}@%h",
    )
    cast.start(name, "celery", "-A", "tasks", "worker", *options, environ=environ)


def _sender(settings: Path, rabbitmq: RabbitMQ) -> Callable[[Sequence[bytes], OnSent], None]:
    def send(notifications: Sequence[bytes], sent: OnSent) -> None:
        publisher = Publisher(rabbitmq.url, load(settings).intake.queue)
        publisher.publish(notifications, sent)
        publisher.close()

    return send
