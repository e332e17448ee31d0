"""`connector` and `celery` for the shells of the examples: names on a path, behind which `tests.forkserver` forks.

A shell calls a small program of that name. It hands its arguments, folder, environment and files over to the tests,
which start the real command with them, and ends as that one ends.
"""

import json
import os
import signal
import socket
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from tests.forkserver import CELERY, CONNECTOR, Process, start
from tests.processes import until

_COMMANDS = {"connector": [CONNECTOR], "celery": [*CELERY]}
_MOST_BYTES = 150_000
_CALLER = """#!{python} -SE
import json, os, socket, sys
call = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
call.connect({address!r})
asked = {{"command": [os.path.basename(sys.argv[0]), *sys.argv[1:]], "cwd": os.getcwd(), "env": dict(os.environ)}}
socket.send_fds(call, [json.dumps(asked).encode()], [0, 1, 2])
sys.exit(int(call.recv(100) or b"1"))
"""


class Commands:
    """A folder with the two programs, and what they have started."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        address = str(folder / "socket")
        self._door = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._door.bind(address)
        self._door.listen()
        self._pids: set[int] = set()
        for name in _COMMANDS:
            caller = folder / name
            caller.write_text(_CALLER.format(python=getattr(sys, "_base_executable", sys.executable), address=address))
            caller.chmod(0o755)
        threading.Thread(target=self._serve, daemon=True).start()

    def running(self) -> bool:
        """Whether something that was started still runs."""
        return bool(self._pids)

    def end(self) -> None:
        """Ends all that was started and still runs, with its children."""
        for pid in list(self._pids):
            with suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)
        until(lambda: not self._pids, "what the examples have started to end")

    def close(self) -> None:
        """Ends everything, and takes no more calls."""
        self.end()
        self._door.close()

    def _serve(self) -> None:
        while True:
            try:
                call, _ = self._door.accept()
            except OSError:
                return
            threading.Thread(target=self._run, args=(call,), daemon=True).start()

    def _run(self, call: socket.socket) -> None:
        with call:
            message, files, *_ = socket.recv_fds(call, _MOST_BYTES, 3)
            asked = json.loads(message)
            process = self._start(asked["command"], asked["env"], Path(asked["cwd"]), files)
            self._pids.add(process.pid)
            code = process.wait()
            self._pids.discard(process.pid)
            with suppress(OSError):  # a shell that was ended waits for nothing
                call.send(str(code if code >= 0 else 128 - code).encode())

    def _start(self, command: Sequence[str], env: dict[str, str], cwd: Path, files: Sequence[int]) -> Process:
        name, *arguments = command
        stdin, stdout, stderr = (os.fdopen(file, mode) for file, mode in zip(files, ("rb", "wb", "wb"), strict=True))
        with stdin, stdout, stderr:
            whole = [*_COMMANDS[name], *arguments]
            return start(whole, env=env, cwd=cwd, stdin=stdin, stdout=stdout, stderr=stderr)
