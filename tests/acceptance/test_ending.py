"""A command that is told to end does so, wherever Python is just then."""

import subprocess
import sys

SIGNALLED_IN_A_CALLBACK = """
import os, signal, time, weakref
from connector.cli.sigterm import end_on_sigterm

class Gone: pass

end_on_sigterm()
gone = Gone()
last_word = weakref.ref(gone, lambda _: os.kill(os.getpid(), signal.SIGTERM))
try:
    del gone
    time.sleep(30)
finally:
    print("in order")
"""


def test_sigterm_inside_a_callback_whose_exceptions_python_drops_still_ends_the_command_in_order() -> None:
    command = [sys.executable, "-c", SIGNALLED_IN_A_CALLBACK]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)
    assert (done.returncode, done.stdout, done.stderr) == (143, "in order\n", "")
