"""A private server: one of Debian's programs on a port and in a folder of its own, on the loopback only.

It can be killed and started again. Without a folder given it leaves nothing behind.
"""

import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

from connector.errors import ConnectorError

_START_SECONDS = 60.0
_STOP_SECONDS = 30.0
_SHOWN_OF_LOG = 2000
_PATH = "/usr/lib/rabbitmq/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Server:
    """A server's process, and the folder it keeps everything in."""

    def __init__(self, name: str, folder: Path | None) -> None:
        """`folder`: where it keeps its files, also when it is closed; None is a temporary one, which is removed."""
        self.port = free_port()
        self._kept = folder is not None
        self._folder = folder.resolve() if folder else Path(tempfile.mkdtemp(prefix=f"private-{name}-"))
        self._folder.mkdir(parents=True, exist_ok=True)
        self._popen: subprocess.Popen[bytes] | None = None

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
        """Starts it, and comes back when it answers. Raises ConnectorError, with the log's end, where it does not."""
        raise NotImplementedError

    def close(self) -> None:
        """Ends it; a folder that was not given goes away."""
        self.kill()
        if not self._kept:
            shutil.rmtree(self._folder, ignore_errors=True)

    def kill(self) -> None:
        """Ends it as a power cut would: nothing is said, nothing written any more."""
        self._end(signal.SIGKILL)

    def check_alive(self) -> None:
        """Raises ConnectorError, with the log's end, where it has ended by itself."""
        if self._popen is not None and self._popen.poll() is not None:
            raise ConnectorError(f"{self._title} ended with {self._popen.returncode}:\n{self._end_of_log()}")

    def _end(self, how: signal.Signals) -> None:
        if self._popen is None:
            return
        self._popen.send_signal(how)
        try:
            self._popen.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._popen.kill()
            self._popen.wait()
        self._popen = None

    def _launch(self, command: list[str], env: Mapping[str, str], **owner: Any) -> None:
        with self.log.open("ab") as log:
            # A session of its own: Ctrl-C reaches the program that started it, which then ends it.
            self._popen = subprocess.Popen(
                command, env=dict(env), cwd=self._folder, stdout=log, stderr=log, start_new_session=True, **owner
            )

    def _await(self, answers: Callable[[], bool]) -> None:
        end = time.monotonic() + _START_SECONDS
        while not answers():
            self.check_alive()
            if time.monotonic() > end:
                raise ConnectorError(
                    f"{self._title} did not start within {_START_SECONDS:.0f} s:\n{self._end_of_log()}"
                )
            time.sleep(0.05)

    @property
    def pid(self) -> int | None:
        """The id of its process, while it runs."""
        return self._popen.pid if self._popen else None

    @property
    def log(self) -> Path:
        """The file it writes its output to."""
        return self._folder / "output.log"

    @property
    def _title(self) -> str:
        return type(self).__name__

    def _end_of_log(self) -> str:
        with suppress(OSError):
            return self.log.read_text(errors="replace")[-_SHOWN_OF_LOG:]
        return "(it wrote nothing)"


def free_port() -> int:
    """Returns a port that nobody listens on just now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def lean() -> dict[str, str]:
    """Returns the little environment that a server needs, so that nothing of ours reaches it."""
    return {"PATH": _PATH, "LANG": "C.UTF-8"}


def not_installed(what: str) -> ConnectorError:
    """Returns what to say where a program is not there."""
    return ConnectorError(f"{what} is not on this machine: apt install postgresql rabbitmq-server")
