"""The folder of operations."""

from pathlib import Path

from connector.customerio import operations

FOLDER = Path(operations.__file__).parent


def test_every_operation_has_its_test() -> None:
    here = {path.stem.removeprefix("test_") for path in Path(__file__).parent.glob("test_*.py")} - {"folder"}
    assert here == {path.stem for path in FOLDER.glob("*.py")} - {"__init__", "operation"}
