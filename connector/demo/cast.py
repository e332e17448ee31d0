"""The programs of the demo: child processes, each with a log, ended together."""

import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from connector.errors import ConnectorError

_START_SECONDS = 60.0
_END_SECONDS = 30.0
_READY = "Ready: "
_SHOWN_LINES = 5


@dataclass(frozen=True, slots=True)
class Process:
    """A child process, and the log it writes."""

    name: str
    popen: "subprocess.Popen[bytes]"
    log: Path

    def url(self) -> str:
        """Returns the URL it says it is ready under. Raises ConnectorError, with the log's end, if it never does."""
        end = time.monotonic() + _START_SECONDS
        while time.monotonic() < end:
            for line in self.log.read_text(errors="replace").splitlines():
                if line.startswith(_READY):
                    return line.removeprefix(_READY).split()[0]
            self.check_alive()
            time.sleep(0.05)
        raise ConnectorError(f"the {self.name} did not start within {_START_SECONDS:.0f} s: see {self.log}")

    def check_alive(self) -> None:
        """Raises ConnectorError, with the log's end, where the process has ended."""
        if self.popen.poll() is not None:
            raise ConnectorError(f"the {self.name} ended with {self.popen.returncode}:\n{self._end_of_log()}")

    def wait_to_end(self) -> None:
        """Returns when it has done its work. Raises ConnectorError, with the log's end, if it failed."""
        if self.popen.wait():
            self.check_alive()

    def end(self) -> None:
        """Waits until it has ended, as it was asked to; kills it where that takes too long."""
        try:
            self.popen.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait()

    def _end_of_log(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-_SHOWN_LINES:])


class Cast:
    """Processes that start one by one and are asked to end together, last come first."""

    def __init__(self, folder: Path) -> None:
        """`folder`: where the logs lie."""
        self._folder = folder
        self._processes: list[Process] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in reversed(self._processes):
            process.popen.send_signal(signal.SIGTERM)
        for process in reversed(self._processes):
            process.end()

    def connector(self, name: str, *arguments: str, environ: Mapping[str, str]) -> Process:
        """Starts a command of `connector`."""
        return self.start(name, "connector", *arguments, environ=environ)

    def start(self, name: str, module: str, *arguments: str, environ: Mapping[str, str]) -> Process:
        """Starts a module of Python's as a program. Its log is NAME.log."""
        log = self._folder / f"{name.replace(' ', '-')}.log"
        with log.open("wb") as output:
            command = [sys.executable, "-m", module, *arguments]
            # A session of its own: Ctrl-C is the demo's, which then ends its children in order.
            popen = subprocess.Popen(
                command,
                env=dict(environ),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        self._processes.append(Process(name, popen, log))
        return self._processes[-1]

    def check_alive(self) -> None:
        """Raises ConnectorError where one that should go on has ended."""
        for process in self._processes:
            process.check_alive()
