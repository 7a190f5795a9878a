"""Nothing in the call's core can wait, look at a clock, throw dice or write a log: there is no way in for them."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import agentlocator.audio
import agentlocator.call

FORBIDDEN = {"asyncio", "time", "datetime", "random", "secrets", "logging", "structlog", "threading", "socket", "uuid"}
MODULES = sorted(
    path for package in (agentlocator.call, agentlocator.audio) for path in Path(package.__path__[0]).glob("*.py")
)


@pytest.mark.requirement("R50")
@pytest.mark.parametrize("path", MODULES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_nothing_stands_between_an_event_and_its_commands(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        assert not isinstance(node, ast.AsyncFunctionDef | ast.Await | ast.AsyncFor | ast.AsyncWith)
        assert not imported(node) & FORBIDDEN, f"line {node.lineno}" if isinstance(node, ast.stmt) else ""
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in {"open", "print", "input"}


@pytest.mark.requirement("R1")
@pytest.mark.parametrize("path", MODULES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_the_core_knows_no_wire_and_no_other_engine(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        for name in imported_paths(node):
            assert not name.startswith("agentlocator.") or name.split(".")[1] in {"call", "audio"}


def imported(node: ast.AST) -> set[str]:
    return {name.split(".")[0] for name in imported_paths(node)}


def imported_paths(node: ast.AST) -> list[str]:
    match node:
        case ast.Import(names):
            return [alias.name for alias in names]
        case ast.ImportFrom(module) if module:
            return [module]
        case _:
            return []
