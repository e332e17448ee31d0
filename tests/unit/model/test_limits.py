"""Customer.io's limits stand in one file, and what we send stays below what the simulator takes."""

import ast
from pathlib import Path

from connector.model import limits
from connector.simulator.base import limits as simulated

ROOT = Path(__file__).parents[3] / "connector"
OURS = {name: value for name, value in vars(limits).items() if name.isupper()}


def test_no_limit_is_written_a_second_time() -> None:
    elsewhere = [
        f"{path.relative_to(ROOT)}: {target.id}"
        for path in ROOT.glob("**/*.py")
        if "simulator" not in path.parts and path.name != "limits.py"
        for text in [path.read_text("utf-8")]
        if any(f"{name} =" in text for name in OURS)  # to parse them all takes a second
        for node in ast.parse(text).body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name) and target.id in OURS
    ]
    assert elsewhere == []


def test_what_we_take_to_be_the_limits_a_faithful_customer_io_takes() -> None:
    assert limits.IDENTIFIER_BYTES <= simulated.ID_BYTES
    assert limits.NAME_BYTES <= simulated.NAME_BYTES
    assert limits.VALUE_BYTES <= simulated.VALUE_BYTES
    assert limits.EVENT_NAME_BYTES <= simulated.EVENT_NAME_BYTES
    assert limits.EVENT_BYTES <= simulated.EVENT_DATA_BYTES
    assert limits.ITEM_BYTES <= simulated.ITEM_BYTES
    assert limits.BATCH_BYTES <= simulated.BATCH_BYTES
