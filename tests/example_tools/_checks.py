"""What the tools of the examples check where the real ones are not, or must not be used: see README.md here."""

import os
import sys
from pathlib import Path
from typing import NoReturn

ROOT = Path(os.environ["EXAMPLE_ROOT"])


def refuse(reason: str) -> NoReturn:
    sys.exit(f"{Path(sys.argv[0]).name}: {reason}")


def must_be_there(*paths: str) -> None:
    for path in paths:
        if not (ROOT / path).exists():
            refuse(f"{path} is not in the repository")
