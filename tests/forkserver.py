"""Starts `connector` and `celery` as processes of their own, without importing everything anew for each.

To import what a command needs takes a second of CPU. So one program imports it once, and forks for each process that a
test starts. What comes of it is a process as any other: its own id, session, environment, folder and output, default
signal handlers, an end with an exit code. Only the time of the imports is saved; whatever starts in another way than
these two commands is started as usual.
"""

import atexit
import gc
import importlib
import json
import os
import pkgutil
import resource
import selectors
import signal
import socket
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import IO, Any, NoReturn

from tests import nursery

ROOT = Path(__file__).resolve().parent.parent
CONNECTOR = str(Path(sys.executable).with_name("connector"))
CELERY = (sys.executable, "-m", "celery")
_REQUEST_BYTES = 150_000
_BLOCK_BYTES = 512
_IMPORTED = (
    "alembic.command", "celery.__main__", "celery.apps.beat", "celery.apps.worker", "celery.bin.beat",
    "celery.bin.celery", "celery.bin.worker", "celery.concurrency.prefork", "celery.concurrency.thread",
    "celery.fixups", "celery.loaders.app", "celery.worker.components", "celery.worker.consumer", "fastapi",
    "kombu.transport.memory", "kombu.transport.pyamqp", "psycopg", "rich.progress", "rich.table",
    "sqlalchemy.dialects.postgresql.psycopg", "sqlalchemy.dialects.sqlite.pysqlite", "uvicorn.lifespan.off",
    "uvicorn.loops.asyncio", "uvicorn.protocols.http.h11_impl", "uvicorn.protocols.http.httptools_impl",
)  # fmt: skip
"""What our commands and workers import beside our own modules."""
_ANEW = ("connector.__main__", "connector.bulk.tabular.parquet", "connector.cli", "connector.store.migrations")
"""What each process imports by itself: it looks at the environment then, starts something, or need not be installed."""


# --- in the tests ----------------------------------------------------------------------------------------------------


class Forked:
    """A process that was started here, with as much of `subprocess.Popen` as the tests use."""

    def __init__(self, command: Sequence[str], replies: socket.socket) -> None:
        self.args = command
        self._replies = replies
        answer = replies.recv(_REQUEST_BYTES)
        assert answer, "the program that forks has ended: it could not import what it must, `make test` installs it"
        self.pid: int = json.loads(answer)
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Its exit code, as `subprocess` gives it; None while it runs."""
        with suppress(subprocess.TimeoutExpired):
            return self.wait(0)
        return None

    def wait(self, timeout: float | None = None) -> int:
        """Its exit code, once it has ended. Raises subprocess.TimeoutExpired after so many seconds."""
        if self.returncode is None:
            self._replies.settimeout(timeout)
            try:
                answer = self._replies.recv(_REQUEST_BYTES)
            except (TimeoutError, BlockingIOError):
                raise subprocess.TimeoutExpired(self.args, timeout or 0) from None
            self.returncode = json.loads(answer)
            self._replies.close()
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Sends a signal, unless it has ended."""
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        """Ends it as a crash would."""
        self.send_signal(signal.SIGKILL)


Process = Forked | subprocess.Popen[bytes]


def start(
    command: Sequence[str],
    *,
    env: Mapping[str, str],
    stdout: IO[bytes],
    stderr: IO[bytes],
    stdin: IO[bytes] | None = None,
    cwd: Path | None = None,
    limit: int | None = None,
) -> Process:
    """Starts a command in a session of its own.

    Args:
        command: The program and its arguments. CONNECTOR and CELERY are forked, everything else is started.
        env: Its whole environment.
        stdout: A file for its output.
        stderr: A file for its errors.
        stdin: A file for its input; nothing where it is not given.
        cwd: Its folder; the one of the tests where it is not given.
        limit: The most blocks of 512 bytes that a file of it may have.
    """
    with Path(os.devnull).open("rb") as nothing:
        files = (stdin or nothing, stdout, stderr)
        if _can_fork(command, env):
            request = {"command": list(command), "env": dict(env), "cwd": str(cwd or Path.cwd()), "limit": limit}
            with _ONE_AT_A_TIME:
                return _server().start(request, [file.fileno() for file in files])
        return subprocess.Popen(
            command,
            env=dict(env),
            cwd=cwd,
            stdin=files[0],
            stdout=stdout,
            stderr=stderr,
            start_new_session=True,
            preexec_fn=None if limit is None else lambda: _limit_files(limit),  # noqa: PLW1509 - it takes no lock
        )


def _can_fork(command: Sequence[str], env: Mapping[str, str]) -> bool:
    """Whether it is one of ours, and the interpreter would start as it has started here."""
    ours = command[0] == CONNECTOR or tuple(command[:3]) == CELERY
    return ours and all(os.environ.get(name) == text for name, text in env.items() if name.startswith("PYTHON"))


_ONE_AT_A_TIME = threading.Lock()


class _Server:
    """The program that forks, as the tests see it."""

    def __init__(self) -> None:
        self._requests, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._requests.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _REQUEST_BYTES)
        with theirs:
            command = (sys.executable, "-m", "tests.forkserver", str(theirs.fileno()))
            clean = {name: text for name, text in os.environ.items() if not name.startswith(("CONNECTOR", "PYTEST"))}
            self._popen = subprocess.Popen(
                command, env=clean, cwd=ROOT, pass_fds=[theirs.fileno()], start_new_session=True
            )

    def start(self, request: Mapping[str, Any], files: Sequence[int]) -> Forked:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            socket.send_fds(self._requests, [json.dumps(request).encode()], [*files, theirs.fileno()])
        return Forked(request["command"], ours)

    def close(self) -> None:
        """Ends it; what it has started runs on."""
        self._requests.close()
        self._popen.wait()


@cache
def _server() -> _Server:
    server = _Server()
    atexit.register(server.close)
    return server


# --- in the program that forks ---------------------------------------------------------------------------------------


def _serve(requests: socket.socket) -> Callable[[], object] | None:
    """Forks for each request until the tests have ended. Comes back in each child, with what it is to run."""
    with selectors.DefaultSelector() as selector:
        selector.register(requests, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.fileobj is not requests:
                    _tell_end(selector, key)
                    continue
                message, files, *_ = socket.recv_fds(requests, _REQUEST_BYTES, 4)
                if not message:
                    return None
                if run := _fork(selector, json.loads(message), files):
                    return run


def _fork(selector: selectors.BaseSelector, request: dict[str, Any], files: list[int]) -> Callable[[], object] | None:
    *standard, replies = files
    pid = os.fork()
    if pid == 0:
        for key in list(selector.get_map().values()):
            os.close(key.fd)
        return _become(request, standard, replies)
    for file in standard:
        os.close(file)
    answers = socket.socket(fileno=replies)
    answers.send(json.dumps(pid).encode())
    selector.register(os.pidfd_open(pid), selectors.EVENT_READ, (pid, answers))
    return None


def _tell_end(selector: selectors.BaseSelector, key: selectors.SelectorKey) -> None:
    pid, answers = key.data
    selector.unregister(key.fileobj)
    os.close(key.fd)
    _, status = os.waitpid(pid, 0)
    with suppress(OSError), answers:  # who started it need not wait for its end
        answers.send(json.dumps(os.waitstatus_to_exitcode(status)).encode())


def _become(request: dict[str, Any], standard: Sequence[int], replies: int) -> Callable[[], object]:
    """Makes of the fork the process that was asked for; gives what it is to run."""
    os.close(replies)
    os.setsid()
    for target, file in enumerate(standard):
        os.dup2(file, target)
        os.close(file)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.clear()
    os.environ.update(request["env"])
    time.tzset()
    os.chdir(request["cwd"])
    if request["limit"] is not None:
        _limit_files(request["limit"])
    if "worker" in request["command"] or "demo" in request["command"]:
        nursery.opened(nursery.Programs(_MODULES, _run_to_the_end))
    program, *arguments = request["command"]
    if program == CONNECTOR:
        return _connector(arguments)
    return _celery(arguments[2:])


def _connector(arguments: list[str]) -> Callable[[], object]:
    _be_called(CONNECTOR, arguments, Path(CONNECTOR).parent)
    return lambda: importlib.import_module("connector.cli").main()


def _celery(arguments: list[str]) -> Callable[[], object]:
    program = importlib.import_module("celery.__main__")
    _be_called(str(program.__file__), arguments, Path.cwd())
    return program.main


def _reader(arguments: list[str]) -> Callable[[], object]:
    _be_called(str(ROOT / "tasks" / "reader" / "__main__.py"), arguments, Path.cwd())
    return nursery.as_main(nursery.READER)


_MODULES = {"connector": _connector, "celery": _celery, nursery.READER: _reader}
"""What a process that was forked may start as `python -m`, and have forked too."""


def _be_called(program: str, arguments: Sequence[str], folder: Path) -> None:
    """Sets what a program sees of how it was called, and the folder that it looks for modules in first."""
    sys.argv = [program, *arguments]
    sys.path[0] = str(folder)
    sys.modules["__main__"] = ModuleType("__main__")
    sys.modules["__main__"].__file__ = program
    nursery.run_first()


def _limit_files(blocks: int) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (blocks * _BLOCK_BYTES, blocks * _BLOCK_BYTES))


def _import_all() -> None:
    for name in _IMPORTED:
        importlib.import_module(name)
    package = importlib.import_module("connector")
    for module in pkgutil.walk_packages(package.__path__, "connector."):
        if not module.name.startswith(_ANEW):
            importlib.import_module(module.name)


def _run_to_the_end(run: Callable[[], object]) -> NoReturn:
    """Runs it and ends as the interpreter ends, but for taking apart what was imported: that takes half a second."""
    code = _exit_code(run)
    threading._shutdown()
    atexit._run_exitfuncs()
    with suppress(OSError):  # whoever read it has stopped reading
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)


def _exit_code(run: Callable[[], object]) -> int:
    try:
        run()
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return end.code or 0
        print(end.code, file=sys.stderr)
        return 1
    except BaseException:  # noqa: BLE001 - as the interpreter does
        traceback.print_exc()
        return 1
    return 0


if __name__ == "__main__":
    _import_all()
    gc.freeze()
    run = _serve(socket.socket(fileno=int(sys.argv[1])))
    if run:
        _run_to_the_end(run)
