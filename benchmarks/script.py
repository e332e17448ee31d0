"""The fastest that a script can be: the official client's v2 batch, from memory, with nothing kept.

`python -m benchmarks.script FILE` reads a notification a line, sends them all, and prints what the sending took:
seconds, and CPU seconds. A line is decoded as it is sent, since a queue would give it as text too.
"""

import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import plain
from benchmarks.clients import official

TOGETHER = 500
"""How many notifications go into a request: they fit into Customer.io's 500 kB."""


def send(client: Any, bodies: Sequence[bytes]) -> None:
    """Sends notifications, so many in a request."""
    for first in range(0, len(bodies), TOGETHER):
        messages = (plain.message_of(json.loads(body)) for body in bodies[first : first + TOGETHER])
        client.batch([operation for message in messages for operation in plain.operations(message)])


def main(path: Path) -> None:
    """Runs it; its imports and the reading of the file do not count."""
    bodies = path.read_bytes().splitlines()
    with official() as client:
        began, cpu = time.monotonic(), time.process_time()
        send(client, bodies)
        print(json.dumps({"seconds": time.monotonic() - began, "cpu": time.process_time() - cpu}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
