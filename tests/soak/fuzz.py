"""`python -m tests.soak.fuzz NAME SECONDS SEED`: one fuzzer; prints how many inputs it made."""

import sys
from importlib import import_module

import structlog

NAMES = ("formats", "replies", "envelopes")


def main(name: str, seconds: float, seed: int) -> None:
    """Runs the fuzzer `tests/soak/NAME.py`: its `run(seconds, seed)` gives the count."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    print(f"inputs: {import_module(f'tests.soak.{name}').run(seconds, seed)}")


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]), int(sys.argv[3]))
