"""The machine that the figures are from, in words that tell how far they can be carried over."""

import os
import platform
import statistics
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

_PACKAGES = ("celery", "kombu", "httpx", "psycopg", "sqlalchemy", "pydantic")
_FSYNCS = 200


def described() -> dict[str, str]:
    """Returns processor, memory, system, disk and Python, a line each."""
    return {
        "processor": f"{os.cpu_count()} x {_field(Path('/proc/cpuinfo'), 'model name')}",
        "memory": f"{int(_field(Path('/proc/meminfo'), 'MemTotal').split()[0]) / 1e6:.0f} GB",
        "system": f"{_system()}, Linux {platform.release().partition('-')[0]}",
        "disk": f"a write of 8 kB is safe after {fsync_ms():.2f} ms (median)",
        "Python": platform.python_version(),
        "packages": ", ".join(f"{name} {version(name)}" for name in _PACKAGES),
    }


def _field(path: Path, name: str) -> str:
    found = [line.partition(":")[2].strip() for line in path.read_text().splitlines() if line.startswith(name)]
    return found[0] if found else "unknown"


def _system() -> str:
    lines = platform.freedesktop_os_release()
    return lines.get("PRETTY_NAME", "Linux")


def fsync_ms() -> float:
    """Returns what PostgreSQL waits for at each commit: a virtual disk may promise more than a real one can hold."""
    taken = []
    with tempfile.NamedTemporaryFile(buffering=0) as file:
        for _ in range(_FSYNCS):
            began = time.perf_counter()
            file.write(bytes(8192))
            os.fdatasync(file.fileno())
            taken.append(1000 * (time.perf_counter() - began))
    return statistics.median(taken)
