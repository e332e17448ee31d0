"""Ending a command on SIGTERM as Ctrl-C does: with an exception, so that what was started is ended in order."""

import signal
import sys
from typing import Any

_AGAIN_SECONDS = 0.05
_CODE = 128 + signal.SIGTERM


def end_on_sigterm() -> None:
    """From now on SIGTERM raises SystemExit(143) in the main thread, once.

    Python drops an exception that a signal raises inside a callback of its own: the one that each import ends with, or
    a finaliser. Then it is raised again a moment later, or the command would never end.
    """
    signal.signal(signal.SIGTERM, _end)
    signal.signal(signal.SIGALRM, _end)
    sys.unraisablehook = _raise_again


def _end(*_: object) -> None:
    """Ends the command; no second signal keeps it from ending what it started."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise SystemExit(_CODE)


def _raise_again(dropped: Any) -> None:
    if isinstance(dropped.exc_value, SystemExit):
        signal.setitimer(signal.ITIMER_REAL, _AGAIN_SECONDS)
    else:
        sys.__unraisablehook__(dropped)
