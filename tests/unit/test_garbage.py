"""What the end of a process costs: what it has imported is not taken apart piece by piece."""

import subprocess
import sys

import pytest

from connector import __version__

ENDING = """
import sys
class Held:
    def __del__(self):
        sys.stdout.write("found")
try:
    {start}
finally:
    held = Held()
    held.itself = held
    del held
"""


VERSION = f"audience-sync-connector {__version__}\n"


@pytest.mark.parametrize(
    ("start", "said"),
    [
        ("pass", "found"),
        ("from connector import garbage; garbage.look_seldom()", ""),
        ("import tasks", ""),
        ("from connector.cli import main; sys.argv = ['connector', '--version']; main()", VERSION),
    ],
    ids=["python alone", "garbage", "tasks", "connector"],
)
def test_a_process_of_ours_looks_for_no_garbage_at_its_end(start: str, said: str) -> None:
    command = [sys.executable, "-c", ENDING.format(start=start)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == said
