"""Private PostgreSQL and RabbitMQ for tests: Debian's own programs, each on a port and in a folder of its own.

They listen on the loopback only, can be killed and started again, and leave nothing behind. Where a program is not
installed the test is skipped, with the package to install; with CI=true that is a failure.
"""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self

import psycopg
import pytest
from kombu import Connection

_START_SECONDS = 60.0
_STOP_SECONDS = 30.0
_POSTGRES_BINARIES = Path("/usr/lib/postgresql")
_RABBITMQ_BINARIES = Path("/usr/lib/rabbitmq/lib")
_POSTGRES_USER = "postgres"


def eventually(true: Callable[[], Any], seconds: float = 20.0, every: float = 0.02) -> Any:
    """What `true` gives once that is true; fails where it takes longer than `seconds`."""
    end = time.monotonic() + seconds
    while not (found := true()):
        assert time.monotonic() < end, f"did not come true within {seconds:g} s"
        time.sleep(every)
    return found


def free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


class _Server:
    """A process of a server, in a folder that goes away with it."""

    def __init__(self, name: str) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix=f"test-{name}-"))
        self._popen: subprocess.Popen[bytes] | None = None
        self.port = free_port()

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self) -> None:
        """Starts it, and comes back when it answers."""
        raise NotImplementedError

    def close(self) -> None:
        """Ends it and removes its folder."""
        if self._popen is not None:
            self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)

    def kill(self) -> None:
        """Ends it as a power cut would: nothing is said, nothing written any more."""
        self._end(signal.SIGKILL)

    def _end(self, how: signal.Signals) -> None:
        assert self._popen is not None
        self._popen.send_signal(how)
        try:
            self._popen.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._popen.kill()
            self._popen.wait()
        self._popen = None

    def _launch(self, command: list[str], env: Mapping[str, str], **owner: Any) -> None:
        with self._log.open("ab") as log:
            self._popen = subprocess.Popen(
                command, env=dict(env), cwd=self._folder, stdout=log, stderr=log, start_new_session=True, **owner
            )

    def _await(self, answers: Callable[[], bool]) -> None:
        end = time.monotonic() + _START_SECONDS
        while not answers():
            assert self._popen is not None
            if self._popen.poll() is not None or time.monotonic() > end:
                pytest.fail(f"{type(self).__name__} did not start:\n{self._log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.05)

    @property
    def _log(self) -> Path:
        return self._folder / "output.log"


class Postgres(_Server):
    """A PostgreSQL of its own. `durable` makes it wait for the disk, as it must where durability is tested."""

    def __init__(self, *, durable: bool = False) -> None:
        self._binaries = _postgres_binaries()
        super().__init__("postgres")
        self._fsync = "on" if durable else "off"
        self._owner = _postgres_owner(self._folder)
        self._data = self._folder / "data"

    @property
    def url(self) -> str:
        """The URL of its first database."""
        return self.database("postgres")

    def database(self, name: str) -> str:
        """The URL of one of its databases, as SQLAlchemy writes it."""
        return f"postgresql+psycopg://postgres@127.0.0.1:{self.port}/{name}"

    def run(self, *statements: str, database: str = "postgres") -> None:
        """Runs statements as the superuser, each by itself: what makes and drops databases is in no transaction."""
        with psycopg.connect(self._address(database), autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def start(self) -> None:
        """Starts it, and comes back when it answers."""
        if not self._data.exists():
            self._initialise()
        options = {
            "listen_addresses": "127.0.0.1",
            "port": self.port,
            "unix_socket_directories": "",
            "fsync": self._fsync,
            "synchronous_commit": self._fsync,
            "full_page_writes": self._fsync,
            "shared_buffers": "32MB",
            "max_connections": 60,
            "deadlock_timeout": "100ms",
            "autovacuum": "off",
        }
        settings = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        self._launch([str(self._binaries / "postgres"), "-D", str(self._data), *settings], _lean(), **self._owner)
        self._await(self._answers)

    def stop(self, *, immediate: bool = False) -> None:
        """Ends it: open connections are cut; with `immediate` nothing is written first, as in a crash."""
        self._end(signal.SIGQUIT if immediate else signal.SIGINT)

    def kill(self) -> None:
        """Ends it at once: it recovers when it starts again."""
        self.stop(immediate=True)

    def _address(self, database: str = "postgres") -> str:
        return f"host=127.0.0.1 port={self.port} user=postgres dbname={database} connect_timeout=5"

    def _initialise(self) -> None:
        superuser = ("--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync")
        command = [str(self._binaries / "initdb"), "-D", str(self._data), *superuser]
        done = subprocess.run(command, env=_lean(), cwd=self._folder, capture_output=True, check=False, **self._owner)
        if done.returncode:
            pytest.fail(f"initdb failed: {done.stderr.decode(errors='replace')}")

    def _answers(self) -> bool:
        try:
            psycopg.connect(self._address()).close()
        except psycopg.OperationalError:
            return False
        return True


class RabbitMQ(_Server):
    """A RabbitMQ of its own, with a port mapper of its own."""

    def __init__(self) -> None:
        self._program = _rabbitmq_program()
        super().__init__("rabbitmq")
        self._mapper: subprocess.Popen[bytes] | None = None
        self._mapper_port = free_port()
        self._distribution_port = free_port()

    @property
    def url(self) -> str:
        """Its URL, as Celery and kombu take it."""
        return f"amqp://guest:guest@127.0.0.1:{self.port}//"

    def start(self) -> None:
        """Starts it, and comes back when it takes connections. What its queues held durably is there again."""
        environ = self._environ()
        if self._mapper is None:
            self._configure()
            command = ["epmd", "-port", str(self._mapper_port), "-address", "127.0.0.1"]
            self._mapper = subprocess.Popen(command, env=environ, stdin=subprocess.DEVNULL)
        self._launch([str(self._program)], environ)
        self._await(self._answers)

    def stop(self) -> None:
        """Ends it in order."""
        self._end(signal.SIGTERM)

    def close(self) -> None:
        """Ends it and its port mapper, and removes its folder."""
        super().close()
        if self._mapper is not None:
            self._mapper.kill()
            self._mapper.wait()

    def delete_queues(self, *names: str) -> None:
        """Deletes queues with all that they hold."""
        with Connection(self.url) as connection, connection.channel() as channel:
            for name in names:
                channel.queue_delete(name)

    def waiting(self, queue: str) -> int:
        """How many messages a queue holds that nobody is working on."""
        with Connection(self.url) as connection, connection.channel() as channel:
            return int(channel.queue_declare(queue, passive=True).message_count)

    def _configure(self) -> None:
        lines = (
            f"listeners.tcp.1 = 127.0.0.1:{self.port}",
            "disk_free_limit.absolute = 50MB",
            "vm_memory_high_watermark.absolute = 1GB",
        )
        (self._folder / "rabbitmq.conf").write_text("\n".join(lines) + "\n")
        (self._folder / "plugins").write_text("[].\n")

    def _environ(self) -> dict[str, str]:
        folder = self._folder
        return _lean() | {
            "HOME": str(folder),
            "RABBITMQ_NODENAME": f"test{self.port}@localhost",
            "RABBITMQ_CONF_ENV_FILE": str(folder / "no-such-environment"),
            "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(folder / "no-such.config"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
            "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(folder / "log"),
            "RABBITMQ_PID_FILE": str(folder / "pid"),
            "RABBITMQ_DIST_PORT": str(self._distribution_port),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1} -setcookie test",
            "RUNNING_UNDER_SYSTEMD": "true",  # so that no shell stands between us and the server
            "ERL_EPMD_PORT": str(self._mapper_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
        }

    def _answers(self) -> bool:
        try:
            with Connection(self.url, connect_timeout=5) as connection:
                connection.connect()
        except OSError:
            return False
        return True


def _lean() -> dict[str, str]:
    """The little environment that a server needs, so that nothing of the test's own reaches it."""
    return {"PATH": "/usr/lib/rabbitmq/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}


def _missing(package: str) -> Any:
    text = f"install the Debian package {package} to run this test"
    if os.environ.get("CI") == "true":
        pytest.fail(text)
    pytest.skip(text)


def _postgres_binaries() -> Path:
    found = [path.parent for path in _POSTGRES_BINARIES.glob("*/bin/postgres") if (path.parent / "initdb").exists()]
    newest: Path = max(found, key=lambda path: int(path.parts[-2])) if found else _missing("postgresql")
    return newest


def _postgres_owner(folder: Path) -> dict[str, Any]:
    """PostgreSQL refuses to run as root: then Debian's user for it owns the folder and runs it."""
    if os.geteuid() != 0:
        return {}
    shutil.chown(folder, _POSTGRES_USER, _POSTGRES_USER)
    return {"user": _POSTGRES_USER, "group": _POSTGRES_USER, "extra_groups": []}


def _rabbitmq_program() -> Path:
    found = sorted(_RABBITMQ_BINARIES.glob("rabbitmq_server-*/sbin/rabbitmq-server"))
    program: Path = found[-1] if found and shutil.which("epmd") else _missing("rabbitmq-server")
    return program
