"""A private RabbitMQ."""

import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from kombu import Connection
from kombu.exceptions import OperationalError

from connector.demo.server import Server, free_port, lean, not_installed

_BINARIES = Path("/usr/lib/rabbitmq/lib")
_PART_OF_IT = "rabbitmq_prelaunch"


class RabbitMQ(Server):
    """A RabbitMQ of its own, with a port mapper of its own."""

    def __init__(self, folder: Path | None = None) -> None:
        """Raises ConnectorError where RabbitMQ is not installed.

        Args:
            folder: Where it keeps its data, also when it is closed; None is a temporary folder, which is removed.
        """
        self._program, self._mapper_program = _programs()
        super().__init__("rabbitmq", folder)
        self._mapper: subprocess.Popen[bytes] | None = None
        self._mapper_port = free_port()
        self._distribution_port = free_port()

    @property
    def url(self) -> str:
        """Its URL, as Celery and kombu take it."""
        return f"amqp://guest:guest@127.0.0.1:{self.port}//"

    def start(self) -> None:
        """Starts it, and comes back when it takes connections. What its queues held durably is there again.

        Raises ConnectorError, with the log's end, where it does not start.
        """
        if self._mapper is None:
            self._configure()
            command = [self._mapper_program, "-port", str(self._mapper_port), "-address", "127.0.0.1"]
            self._mapper = subprocess.Popen(
                command, env=self.environ(), stdin=subprocess.DEVNULL, start_new_session=True
            )
        self._launch([str(self._program)], self.environ())
        self._await(self._answers)

    def stop(self) -> None:
        """Ends it in order."""
        self._end(signal.SIGTERM)

    def close(self) -> None:
        """Ends it and its port mapper; a folder that was not given goes away."""
        super().close()
        if self._mapper is not None:
            self._mapper.kill()
            self._mapper.wait()

    def delete_queues(self, *names: str) -> None:
        """Deletes queues with all that they hold."""
        with self._channel() as channel:
            for name in names:
                channel.queue_delete(name)

    def waiting(self, queue: str) -> int:
        """Returns how many messages a queue holds that nobody is working on."""
        with self._channel() as channel:
            return int(channel.queue_declare(queue, passive=True).message_count)

    def environ(self) -> dict[str, str]:
        """Returns the environment of the server, and of Debian's commands that ask it (`rabbitmq-diagnostics`)."""
        folder = self._folder
        return lean() | {
            "HOME": str(folder),  # where Erlang keeps the cookie it makes up
            "RABBITMQ_NODENAME": "private@localhost",  # its port mapper knows no other
            "RABBITMQ_CONF_ENV_FILE": str(folder / "no-such-environment"),
            "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(folder / "no-such.config"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
            "RABBITMQ_PLUGINS_DIR": str(folder / "needed"),
            "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(folder / "log"),
            "RABBITMQ_PID_FILE": str(folder / "pid"),
            "RABBITMQ_DIST_PORT": str(self._distribution_port),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
            "RUNNING_UNDER_SYSTEMD": "true",  # so that no shell stands between us and the server
            "ERL_EPMD_PORT": str(self._mapper_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
        }

    @contextmanager
    def _channel(self) -> Iterator[Any]:
        with Connection(self.url) as connection, connection.channel() as channel:
            yield channel

    def _configure(self) -> None:
        lines = (
            f"listeners.tcp.1 = 127.0.0.1:{self.port}",
            "disk_free_limit.absolute = 50MB",
            "vm_memory_high_watermark.absolute = 1GB",
        )
        (self._folder / "rabbitmq.conf").write_text("\n".join(lines) + "\n")
        (self._folder / "plugins").write_text("[].\n")
        self._link_needed_plugins()

    def _link_needed_plugins(self) -> None:
        """Leaves out what could be enabled: RabbitMQ looks for each of its modules in each plugin, enabled or not.

        That takes a third of its start.
        """
        needed = self._folder / "needed"
        shutil.rmtree(needed, ignore_errors=True)  # it may be that of an older RabbitMQ
        needed.mkdir()
        for plugin in (self._program.parent.parent / "plugins").iterdir():
            name = plugin.name
            if not name.startswith("rabbitmq_") or name.startswith(_PART_OF_IT):
                (needed / name).symlink_to(plugin)

    def _answers(self) -> bool:
        try:
            with Connection(self.url, connect_timeout=5) as connection:
                connection.ensure_connection(max_retries=1, interval_start=0)
        except OperationalError:
            return False
        return True


def _programs() -> tuple[Path, str]:
    found, mapper = sorted(_BINARIES.glob("rabbitmq_server-*/sbin/rabbitmq-server")), shutil.which("epmd")
    if not found or not mapper:
        raise not_installed("RabbitMQ")
    return found[-1], mapper
