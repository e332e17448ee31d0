"""What import-linter does not hold of the house (docs/architecture.md): lengths, nesting, hidden imports, clocks."""

import ast
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MIGRATIONS = "connector.store.migrations"

PURE_ROOMS = ("model", "formats", "actions", "audience", "planning")
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


def imported(module: str, *, on_top: bool = False) -> Iterator[str]:
    """The names of all modules that a module imports, ours as far as they exist; on top, or anywhere."""
    for node in sources()[module].body if on_top else ast.walk(sources()[module]):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{module} imports by dots: say the whole name"
            whole = [f"{node.module}.{each.name}" for each in node.names]
            yield from (each if each in sources() else str(node.module) for each in whole)


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


PURE = sorted(_module(path) for room in PURE_ROOMS for path in ROOT.glob(f"connector/{room}/**/*.py"))


@pytest.mark.parametrize("module", PURE)
def test_decisions_ask_no_clock_and_open_nothing(module: str) -> None:
    calls = [node.func for node in ast.walk(sources()[module]) if isinstance(node, ast.Call)]
    assert [each.attr for each in calls if isinstance(each, ast.Attribute) and each.attr in CLOCKS] == []
    assert [each.id for each in calls if isinstance(each, ast.Name) and each.id in {"open", "print", "input"}] == []


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


def public_types(tree: ast.Module) -> Iterator[str]:
    """The names of classes, and of other names for types, that a module gives."""
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield node.name
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            variable = isinstance(node.value, ast.Call) and ast.unparse(node.value.func) == "TypeVar"
            name = node.targets[0].id
            if name[0].isupper() and not name.isupper() and not variable:
                yield name


def test_no_public_type_shares_its_name_with_another() -> None:
    homes: dict[str, list[str]] = {}
    for module, tree in sources().items():
        for name in public_types(tree):
            homes.setdefault(name, []).append(module)
    assert {name: modules for name, modules in homes.items() if len(modules) > 1} == {}


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


# What a command's parameters are stands in their own help (tests/unit/cli/test_commands.py).
WITHOUT_ARGS = ("connector.cli",)
PARAMETERS = 3


def public_functions(node: ast.AST, prefix: str) -> Iterator[tuple[str, Function]]:
    """Functions and methods that others may call; an `__init__` counts, a function in a function does not."""
    for each in ast.iter_child_nodes(node):
        if isinstance(each, Function) and (not each.name.startswith("_") or each.name == "__init__"):
            yield f"{prefix}.{each.name}", each
        elif isinstance(each, ast.ClassDef) and not each.name.startswith("_"):
            yield from public_functions(each, f"{prefix}.{each.name}")


def parameters(function: Function) -> list[str]:
    given = function.args
    names = [each.arg for each in (*given.posonlyargs, *given.args, *given.kwonlyargs)]
    return [name for name in names if name not in ("self", "cls")]


def test_public_functions_with_many_parameters_say_what_each_is() -> None:
    silent = [
        name
        for module, tree in sources().items()
        if not module.startswith(WITHOUT_ARGS)
        for name, function in public_functions(tree, module)
        if len(parameters(function)) > PARAMETERS and (text := ast.get_docstring(function)) is not None
        for said in [text.partition("Args:")[2]]
        if not all(f"\n    {each}: " in said for each in parameters(function))
    ]
    assert silent == []
