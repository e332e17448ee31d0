"""The architecture, held by a test (docs/architecture.md: the levels, and what is pure)."""

import ast
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MIGRATIONS = "connector.store.migrations"

# A module imports from its own level or below. A package gives its level to all its modules.
LEVELS = {
    0: ["", "change", "chosen", "entity", "errors", "job", "mention", "moment", "naming", "origin", "problem",
        "register", "schedule", "source_state", "ulid"],
    1: ["actions", "formats", "hull_settings", "hull_template", "mapping", "operations", "preferences", "rules",
        "settings", "settings_actions", "settings_choices", "settings_errors", "settings_mirrors", "settings_rows",
        "settings_rules", "settings_sections", "settings_sources", "settings_transforms", "transform"],
    2: ["address", "adoption", "audience", "batch", "belongings", "call", "drift", "errand", "explain",
        "explain_lines", "explain_objects", "guard", "handover", "leads", "lookup", "manual_segment", "membership",
        "merge", "notices", "objects", "outcome", "pace", "plan", "portion", "relating", "step"],
    3: ["customerio", "queues", "store"],
    4: ["at_hand", "audit", "backfill", "by_hand", "calls", "dead_letters", "delivery", "doorbell", "fetch", "files",
        "forget", "gone", "inbox", "intake", "jobs", "lease", "line", "mirrors", "object_intake", "preview",
        "publishing", "reach", "readback", "remedy", "resync", "rows", "sources", "upkeep", "whom"],
    5: ["__main__", "cli", "demo", "embedded", "log", "serving", "simulator", "web"],
}  # fmt: skip
TASKS_LEVEL = 6
PURE_LEVELS = (0, 1, 2)
PURE_ABOVE = {"connector.preview"}
# The settings are read once, from the environment and from files.
NOT_PURE = {"connector.settings.schema", "connector.settings.layers"}
IMPURE = {
    "celery",
    "httpx",
    "io",
    "kombu",
    "os",
    "random",
    "secrets",
    "socket",
    "sqlalchemy",
    "sqlmodel",
    "time",
    "uuid",
}
CLOCKS = {"now", "today", "utcnow"}

LINES_A_FILE = 400
LINES_A_FUNCTION = 40
NESTING = 3
# Functions that may be longer, and why.
LONG = {
    f"{MIGRATIONS}.versions.0001_the_first_tables.upgrade": "tables, column by column",
}
# Imports for types only, and why.
FOR_TYPES = {
    "connector.simulator.state.people": "people are related to objects, and objects to people",
}

Function = ast.FunctionDef | ast.AsyncFunctionDef


@cache
def sources() -> dict[str, ast.Module]:
    """Every module of ours, parsed."""
    files = [*ROOT.glob("connector/**/*.py"), *ROOT.glob("tasks/**/*.py")]
    return {_module(path): ast.parse(path.read_text(), str(path)) for path in sorted(files)}


def _module(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def level(module: str) -> int:
    top, _, rest = module.partition(".")
    if top == "tasks":
        return TASKS_LEVEL
    first = rest.partition(".")[0]
    return next((number for number, names in LEVELS.items() if first in names), TASKS_LEVEL)


def imported(module: str, *, on_top: bool = False) -> Iterator[str]:
    """The names of all modules that a module imports, ours as far as they exist; on top, or anywhere."""
    for node in sources()[module].body if on_top else ast.walk(sources()[module]):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{module} imports by dots: say the whole name"
            whole = [f"{node.module}.{each.name}" for each in node.names]
            yield from (each if each in sources() else str(node.module) for each in whole)


def ours(module: str) -> set[str]:
    return {each for each in imported(module) if each in sources()}


def functions(tree: ast.AST, prefix: str) -> Iterator[tuple[str, Function]]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, Function):
            yield f"{prefix}.{node.name}", node
            yield from functions(node, f"{prefix}.{node.name}")
        elif isinstance(node, ast.ClassDef):
            yield from functions(node, f"{prefix}.{node.name}")
        else:
            yield from functions(node, prefix)


def every_function() -> Iterator[tuple[str, Function]]:
    for module, tree in sources().items():
        yield from functions(tree, module)


def body_lines(function: Function) -> int:
    """The lines of a function between its signature and docstring, and its end."""
    body = function.body[1:] if ast.get_docstring(function) and len(function.body) > 1 else function.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1


def nesting(statements: list[ast.stmt]) -> int:
    """How deep blocks stand in blocks. `elif` and `case` count with what they belong to, a function starts anew."""
    return max((_depth(each) for each in statements), default=0)


def _depth(statement: ast.stmt) -> int:
    if isinstance(statement, Function | ast.ClassDef):
        return 0
    blocks = _blocks(statement)
    return max((nesting(block) + deeper for block, deeper in blocks), default=0)


def _blocks(statement: ast.stmt) -> list[tuple[list[ast.stmt], int]]:
    found: list[tuple[list[ast.stmt], int]] = []
    for field in ("body", "orelse", "finalbody"):
        block = getattr(statement, field, None)
        if block:
            is_elif = field == "orelse" and isinstance(statement, ast.If) and [*map(type, block)] == [ast.If]
            found.append((block, 0 if is_elif else 1))
    found += [(handler.body, 1) for handler in getattr(statement, "handlers", [])]
    return found + [(case.body, 1) for case in getattr(statement, "cases", [])]


@pytest.mark.parametrize("module", sources())
def test_a_module_imports_from_its_own_level_or_below(module: str) -> None:
    assert [each for each in ours(module) if level(each) > level(module)] == []


@pytest.mark.parametrize("module", [each for each in sources() if each.startswith("connector")])
def test_the_connector_knows_nothing_of_its_tasks(module: str) -> None:
    assert [each for each in imported(module) if each.partition(".")[0] == "tasks"] == []


PURE = [each for each in sources() if level(each) in PURE_LEVELS and each not in NOT_PURE] + sorted(PURE_ABOVE)


@pytest.mark.parametrize("module", PURE)
def test_decisions_know_neither_network_nor_store_nor_clock_nor_chance(module: str) -> None:
    tops = {each.partition(".")[0] for each in imported(module)}
    assert tops & IMPURE == set()
    calls = [node.func for node in ast.walk(sources()[module]) if isinstance(node, ast.Call)]
    assert [each.attr for each in calls if isinstance(each, ast.Attribute) and each.attr in CLOCKS] == []
    assert [each.id for each in calls if isinstance(each, ast.Name) and each.id in {"open", "print", "input"}] == []


@pytest.mark.parametrize(
    ("foreign", "home"),
    [
        (
            "httpx",
            {"connector.customerio", "connector.bulk.download", "connector.demo", "connector.cli", "connector.simulator"},
        ),
        ("sqlmodel", {"connector.store"}),
        (
            "sqlalchemy",
            {
                "connector.store",
                "connector.intake",
                "connector.bulk.lease",
                "connector.intake.objects",
                "connector.bulk.warehouse.query",
            },
        ),
        ("celery", {"tasks", "connector.doorbell", "connector.cli.embedded"}),
        # The demo's servers ask whether they answer yet, in their own protocols.
        ("kombu", {"tasks", "connector.queues", "connector.broker.publisher", "connector.dead_letters", "connector.demo"}),
        ("amqp", {"tasks", "connector.broker.publisher", "connector.dead_letters"}),
        ("psycopg", {"connector.store", "connector.demo"}),
    ],
)
def test_what_is_foreign_stays_at_the_wall(foreign: str, home: set[str]) -> None:
    users = [module for module in sources() if foreign in {each.partition(".")[0] for each in imported(module)}]
    assert [each for each in users if not any(f"{each}.".startswith(f"{one}.") for one in home)] == []


def test_no_import_goes_in_a_circle() -> None:
    try:
        TopologicalSorter({module: set(imported(module, on_top=True)) for module in sources()}).prepare()
    except CycleError as error:
        pytest.fail(" <- ".join(error.args[1]))


def test_no_import_hides_inside_a_function_or_a_condition() -> None:
    hidden = [
        f"{module}:{node.lineno}"
        for module, tree in sources().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom) and node not in tree.body and module not in FOR_TYPES
    ]
    assert hidden == []


def test_no_file_is_longer_than_can_be_read_at_once() -> None:
    files = [*ROOT.glob("connector/**/*.py"), *ROOT.glob("tasks/**/*.py")]
    lengths = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in files}
    assert {name: lines for name, lines in lengths.items() if lines > LINES_A_FILE} == {}


def test_no_function_is_long() -> None:
    lengths = {name: body_lines(function) for name, function in every_function()}
    assert {name: lines for name, lines in lengths.items() if lines > LINES_A_FUNCTION and name not in LONG} == {}


def test_every_exception_is_still_needed() -> None:
    lengths = {name: body_lines(function) for name, function in every_function()}
    assert [name for name in LONG if lengths.get(name, 0) <= LINES_A_FUNCTION] == []


def test_no_block_stands_deeper_than_three() -> None:
    depths = {name: nesting(function.body) for name, function in every_function()}
    assert {name: depth for name, depth in depths.items() if depth > NESTING} == {}


def test_every_module_has_one_level() -> None:
    first = {module.split(".")[1] if "." in module else "" for module in sources() if module.startswith("connector")}
    listed = [name for names in LEVELS.values() for name in names]
    assert sorted(first - set(listed)) == [], "give it a level in LEVELS, and in docs/architecture.md"
    assert sorted(listed) == sorted(first)


@pytest.mark.parametrize(
    ("code", "depth"),
    [
        ("pass", 0),
        ("if a:\n pass", 1),
        ("if a:\n pass\nelif b:\n pass\nelse:\n pass", 1),
        ("for a in b:\n while c:\n  with d:\n   pass", 3),
        ("try:\n pass\nexcept E:\n if a:\n  pass", 2),
        ("match a:\n case 1:\n  if b:\n   pass", 2),
        ("def f():\n if a:\n  pass", 0),
    ],
)
def test_how_nesting_is_counted(code: str, depth: int) -> None:
    assert nesting(ast.parse(code).body) == depth
