"""`python -m tasks.reader`: the reader's process. A worker starts it, and ends it; nobody else has to."""

import ctypes
import os
import signal
import sys
from time import monotonic

import structlog

from connector import log as logs
from connector.admin.heartbeat import HeartbeatThread
from connector.errors import ConnectorError
from connector.stop_signal import StopSignal
from connector.tracing import tracer
from tasks.base import give_back_the_store, runtime, settings
from tasks.reader.process import DEAD, NAME, PARENT
from tasks.reader.reader import Reader

log = structlog.get_logger(__name__)
_PR_SET_PDEATHSIG = 1
_LOOK_SECONDS = 1.0
_SLOW_SECONDS, _STUCK_SECONDS = 90.0, 300.0
"""A reader that has made no step for so long is not said to live; and for so long, is started again."""


def main() -> int:
    """Reads until SIGTERM, or until its worker is gone. Returns the exit code."""
    stop = StopSignal(signal.SIGTERM)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group: the worker says when
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    try:
        logs.configure(settings().log)
        reader = Reader(runtime(), os.environ[NAME], os.environ.get(DEAD, ""))
    except ConnectorError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    reader.start()
    parent = int(os.environ[PARENT])
    heartbeat = HeartbeatThread(runtime().store, "worker", lambda: reader.stuck_for() < _SLOW_SECONDS, parent).start()
    _until_the_end(reader, stop, parent)
    end_by = monotonic() + settings().worker.stop_seconds
    heartbeat.close()
    reader.stop(end_by)
    tracer.flush()
    give_back_the_store()
    return 0


def _until_the_end(reader: Reader, stop: StopSignal, parent: int) -> None:
    while not stop.wait(_LOOK_SECONDS):
        if os.getppid() != parent:
            log.warning("the worker of this reader is gone: it ends too")
            return
        if reader.stuck_for() > _STUCK_SECONDS:
            log.error("the reader stands still: it ends, and is started again", seconds=round(reader.stuck_for()))
            os._exit(1)


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # threads that wait for a store or broker that is silent keep nobody
