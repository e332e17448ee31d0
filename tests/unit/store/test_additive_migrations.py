"""A migration only adds, so that workers of the version before go on on the new tables until they are replaced.

The first eleven are older than this rule. What must take something away does so a version later, when nobody asks for
it any more, and is named here with the reason.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from connector.store.engine import MIGRATIONS

BEFORE_THE_RULE = "0011"
NOT_ADDITIVE: dict[str, str] = {}
"""The migrations that take something away, by number, and why nobody misses it."""
_ADDING = {"create_table", "create_index", "add_column", "get_bind", "get_context", "execute", "bulk_insert"}


def migrations() -> list[Path]:
    return sorted(MIGRATIONS.glob("versions/[0-9]*.py"))


def offences(code: str) -> Iterator[str]:
    """What of a migration is not additive, as the code says it."""
    tree = ast.parse(code)
    downgrade = [each for each in tree.body if isinstance(each, ast.FunctionDef) and each.name == "downgrade"]
    left_out = {id(node) for function in downgrade for node in ast.walk(function)}
    for node in ast.walk(tree):
        if id(node) in left_out or not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        if isinstance(node.func.value, ast.Name) and node.func.value.id == "op" and not _adds(node, node.func.attr):
            yield ast.unparse(node)


def _adds(call: ast.Call, name: str) -> bool:
    if name == "create_index":  # an index that is unique may refuse what old workers write
        return not _says(call, "unique", "True")
    if name != "add_column":
        return name in _ADDING
    column = next((each for each in call.args if isinstance(each, ast.Call)), None)
    return column is not None and (not _says(column, "nullable", "False") or _has(column, "server_default"))


def _says(call: ast.Call, name: str, value: str) -> bool:
    return any(each.arg == name and ast.unparse(each.value) == value for each in call.keywords)


def _has(call: ast.Call, name: str) -> bool:
    return any(each.arg == name for each in call.keywords)


@pytest.mark.parametrize("path", migrations(), ids=lambda path: path.stem)
def test_a_migration_only_adds(path: Path) -> None:
    number = path.name.partition("_")[0]
    if number > BEFORE_THE_RULE and number not in NOT_ADDITIVE:
        assert list(offences(path.read_text())) == []


@pytest.mark.parametrize(
    "step",
    [
        'op.drop_column("entity", "lane")',
        'op.rename_table("tally", "count")',
        'op.alter_column("entity", "facts", nullable=False)',
        'op.add_column("entity", sa.Column("lane", sa.Integer(), nullable=False))',
        'op.create_index("one", "entity", ["key"], unique=True)',
        'op.create_unique_constraint("one", "entity", ["key"])',
    ],
)
def test_what_takes_something_away_or_demands_more_is_found(step: str) -> None:
    assert len(list(offences(f"def upgrade():\n    {step}\n"))) == 1
    assert list(offences(f"def downgrade():\n    {step}\n")) == []


@pytest.mark.parametrize(
    "step",
    [
        'op.add_column("entity", sa.Column("lane", sa.Integer()))',
        'op.add_column("entity", sa.Column("lane", sa.Integer(), nullable=False, server_default="0"))',
        'op.create_index("entity_due", "entity", ["sync"])',
        'op.create_table("job", sa.Column("id", sa.Text(), nullable=False))',
    ],
)
def test_what_adds_is_fine(step: str) -> None:
    assert list(offences(f"def upgrade():\n    {step}\n")) == []
