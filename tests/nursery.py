"""Children of a forked process that are forks too: the reader of a worker, the programs of a demo.

A process that `tests.forkserver` has forked keeps a fork of itself as it was at first, before it opened anything. Where
it starts one of our programs, that fork is forked once more, as a child of the process itself: so it can be waited for,
and the kernel tells it of its parent's end, as with any child.
"""

import ctypes
import inspect
import json
import os
import platform
import runpy
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

READER = "tasks.reader"
RUN_FIRST = "RUN_FIRST"
"""The variable with the path of Python code that each forked process runs first, as an interpreter `sitecustomize`."""
_REQUEST_BYTES = 150_000
_CLONE_PARENT = 0x8000
_CLONE = 56 if platform.machine() == "x86_64" else 220
"""The number of the system call, by which the child's parent can be the caller's own: fork() knows no such thing."""
_SET_PDEATHSIG, _SET_NAME = 1, 15
_OF_THE_CHILD = ("p2cread", "c2pwrite", "errwrite")
_PIPES = ("p2cread", "p2cwrite", "c2pread", "c2pwrite", "errread", "errwrite")
Run = Callable[[], object]


class Programs(NamedTuple):
    """What can be forked: how to run a module of Python's with these arguments, and how to end."""

    modules: Mapping[str, Callable[[list[str]], Run]]
    to_the_end: Callable[[Run], NoReturn]


def opened(programs: Programs) -> None:
    """From here on `subprocess.Popen` of one of these modules gives a fork of what this process is now."""
    asking, answering = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    asking.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _REQUEST_BYTES)
    is_there = threading.Event()
    # The children belong to this thread, and not to the first one, whose children are those of a worker's pool.
    threading.Thread(target=_keep, args=(answering, is_there, programs), name="nursery", daemon=True).start()
    is_there.wait()
    answering.close()
    _Popen.nursery, _Popen.programs = asking, programs
    subprocess.Popen = _Popen  # type: ignore[misc]


class _Popen(subprocess.Popen[bytes]):
    """A child that is forked where it is one of ours, and started as usual where it is not."""

    nursery: socket.socket
    programs: Programs
    _one_at_a_time = threading.Lock()

    def _execute_child(self, *args: Any) -> None:
        """What `subprocess` calls once the pipes are open."""
        usual = super()._execute_child  # type: ignore[misc]
        given = inspect.signature(usual).bind(*args).arguments
        command, env = _words(given["args"]), given["env"] or os.environ
        if command[:2] != [sys.executable, "-m"] or command[2] not in self.programs.modules or _is_other_python(env):
            usual(*args)
            return
        asked = {"command": command[2:], "env": dict(env), "cwd": os.fspath(given["cwd"] or Path.cwd())}
        asked["new_session"] = given["start_new_session"]
        files = [given[name] if given[name] != -1 else number for number, name in enumerate(_OF_THE_CHILD)]
        with self._one_at_a_time:
            socket.send_fds(self.nursery, [json.dumps(asked).encode()], files)
            self.pid = int(self.nursery.recv(_REQUEST_BYTES))
        self._child_created = True
        self._close_pipe_fds(*(given[name] for name in _PIPES))  # type: ignore[attr-defined]


def _words(command: Any) -> list[str]:
    return [os.fsdecode(word) for word in command] if isinstance(command, list | tuple) else []


def _is_other_python(env: Mapping[str, str]) -> bool:
    """Whether the interpreter would start in another way than here."""
    return any(os.environ.get(name) != text for name, text in env.items() if name.startswith("PYTHON"))


def _keep(requests: socket.socket, is_there: threading.Event, programs: Programs) -> None:
    if os.fork():
        is_there.set()
        threading.Event().wait()
    _prctl(_SET_PDEATHSIG, signal.SIGKILL)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # they are meant for the process that this one serves
    _take(os.open(os.devnull, os.O_RDWR), 0, 1, 2)
    while True:
        message, files, *_ = socket.recv_fds(requests, _REQUEST_BYTES, 3)
        if not message:
            os._exit(0)
        asked = json.loads(message)
        pid = _forked()
        if not pid:
            requests.close()
            programs.to_the_end(_become(asked, files, programs))
        for file in files:
            os.close(file)
        requests.send(str(pid).encode())


def _forked() -> int:
    """As os.fork(), but the child is one of the parent's."""
    python = ctypes.pythonapi
    python.PyOS_BeforeFork()
    pid = int(ctypes.PyDLL(None).syscall(_CLONE, _CLONE_PARENT | signal.SIGCHLD, 0, 0, 0, 0))
    (python.PyOS_AfterFork_Parent if pid else python.PyOS_AfterFork_Child)()
    return pid


def _become(asked: Mapping[str, Any], files: Sequence[int], programs: Programs) -> Run:
    _prctl(_SET_PDEATHSIG, 0)
    module, *arguments = asked["command"]
    _prctl(_SET_NAME, module.encode())
    for target, file in enumerate(files):
        _take(file, target)
    if asked["new_session"]:
        os.setsid()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.environ.clear()
    os.environ.update(asked["env"])
    os.chdir(asked["cwd"])
    return programs.modules[module](arguments)


def run_first() -> None:
    """Runs what the environment says is to be run first."""
    if path := os.environ.get(RUN_FIRST):
        spec = spec_from_file_location("run_first", path)
        assert spec
        assert spec.loader
        sys.modules["run_first"] = module_from_spec(spec)
        spec.loader.exec_module(sys.modules["run_first"])


def _take(file: int, *targets: int) -> None:
    for target in targets:
        os.dup2(file, target)
    os.close(file)


def _prctl(option: int, value: Any) -> None:
    ctypes.CDLL(None).prctl(option, value)


def as_main(module: str) -> Run:
    """Runs a module as `python -m` does."""
    return lambda: runpy.run_module(module, run_name="__main__", alter_sys=True)
