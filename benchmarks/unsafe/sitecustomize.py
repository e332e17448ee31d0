"""Python imports this when it starts in a process whose PYTHONPATH names this folder."""

import os

from benchmarks.unsafe.patches import apply

for _name in filter(None, os.environ.get("BENCHMARK_WITHOUT", "").split(",")):
    apply(_name)
