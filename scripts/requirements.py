"""Prints each requirement of docs/requirements.md with the tests that prove it; exit code 1 when the two disagree.

The tests are read, never run or imported: a mark counts where it stands on a test, on its class or module, or in a
`pytest.param`. What a test proves is its author's word; this only says that somebody gave it.
"""

from __future__ import annotations

import ast
import re
import sys
import textwrap
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
WIDTH = 110


class Paper(NamedTuple):
    """docs/requirements.md: each number's sentence, and the numbers that are not landed with what they lack."""

    sentences: dict[str, str]
    not_landed: dict[str, str]


class Proof(NamedTuple):
    """A mark found in the tests: `number` is empty where it is not written out; `test` is its node, or file:line."""

    number: str
    test: str


class Verdict(NamedTuple):
    """What `make requirements` says: lines to read, and what is wrong."""

    lines: list[str]
    faults: list[str]


def main(root: Path = ROOT) -> int:
    """Prints the list of the checkout at `root`. Returns the exit code."""
    paper = read_paper((root / "docs/requirements.md").read_text(encoding="utf-8"))
    verdict = judge(paper, proofs(root))
    sys.stdout.write("\n".join([*verdict.lines, ""]))
    sys.stderr.write("".join(f"FAULT: {fault}\n" for fault in verdict.faults))
    return 1 if verdict.faults else 0


def read_paper(markdown: str) -> Paper:
    """Reads the paper. Raises ValueError for a number that stands there twice."""
    sentences: dict[str, str] = {}
    for number, sentence in re.findall(r"^- \*\*(R\d+)\*\* (.+(?:\n +\S.*)*)", markdown, re.MULTILINE):
        if number in sentences:
            raise ValueError(f"{number} stands twice in the requirements")
        sentences[number] = " ".join(sentence.split())
    return Paper(sentences, dict(re.findall(r"^\| (R\d+) \| (.+?) \|$", markdown, re.MULTILINE)))


def proofs(root: Path) -> Iterator[Proof]:
    """Every requirement mark under `root`/tests, once for each test that carries it."""
    for path in sorted((root / "tests").rglob("test_*.py")):
        name = path.relative_to(root).as_posix()
        tree = ast.parse(path.read_text(encoding="utf-8"), name)
        found = list(_of_body(tree.body, name, []))
        carried = {id(mark) for mark, _ in found}
        found += [(mark, f"{name}:{mark.lineno}") for mark in _in_params(tree) if id(mark) not in carried]
        yield from (Proof(number, test) for mark, test in found for number in _numbers(mark))


def judge(paper: Paper, found: Iterable[Proof]) -> Verdict:
    """Holds the paper against the tests."""
    tests: dict[str, list[str]] = {number: [] for number in paper.sentences}
    faults: list[str] = []
    for number, test in found:
        if not number:
            faults.append(f'{test} marks a requirement without writing its number out, as in requirement("R14")')
        elif number not in tests:
            faults.append(f"{test} proves {number}, which is no requirement")
        else:
            tests[number].append(test)
    lines: list[str] = []
    for number, sentence in paper.sentences.items():
        lines += _entry(number, sentence, tests[number], paper.not_landed.get(number))
        if number in paper.not_landed and tests[number]:
            faults.append(f"{number} has tests, so it has landed: take it out of “Not landed yet”")
        elif number not in paper.not_landed and not tests[number]:
            faults.append(f"{number} has no test")
    faults += [f"{number} is “not landed” but no requirement" for number in paper.not_landed if number not in tests]
    proved = sum(1 for each in tests.values() if each)
    carriers = len({test for each in tests.values() for test in each})
    lines.append(
        f"{len(tests)} requirements, {proved} proved by {carriers} tests, {len(paper.not_landed)} not landed yet"
    )
    return Verdict(lines, faults)


def _entry(number: str, sentence: str, tests: list[str], lacking: str | None) -> list[str]:
    lines = textwrap.wrap(sentence, WIDTH, initial_indent=f"{number:5}", subsequent_indent=" " * 5)
    lines += [f"       ✓ {test}" for test in tests]
    if lacking:
        lines.append(f"       – not landed yet: {lacking}")
    elif not tests:
        lines.append("       ✗ no test")
    return lines


def _of_body(body: Iterable[ast.stmt], place: str, outer: list[ast.Call]) -> Iterator[tuple[ast.Call, str]]:
    """The marks of each test in a module or class; `outer` are those it has from around it."""
    body = list(body)
    around = outer + [mark for statement in body if _is_pytestmark(statement) for mark in _marks(statement)]
    for statement in body:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            own = [mark for decorator in statement.decorator_list for mark in _marks(decorator)]
            name = f"{place}::{statement.name}"
            if isinstance(statement, ast.ClassDef) and statement.name.startswith("Test"):
                yield from _of_body(statement.body, name, around + own)
            elif statement.name.startswith("test"):
                yield from ((mark, name) for mark in around + own)


def _is_pytestmark(statement: ast.stmt) -> bool:
    targets = statement.targets if isinstance(statement, ast.Assign) else []
    return any(isinstance(target, ast.Name) and target.id == "pytestmark" for target in targets)


def _in_params(tree: ast.AST) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "param":
            yield from _marks(node)


def _marks(node: ast.AST) -> Iterator[ast.Call]:
    for call in ast.walk(node):
        if isinstance(call, ast.Call) and ast.unparse(call.func).endswith("mark.requirement"):
            yield call


def _numbers(mark: ast.Call) -> list[str]:
    values = [argument.value if isinstance(argument, ast.Constant) else "" for argument in mark.args]
    return [value if isinstance(value, str) else "" for value in values] or [""]


if __name__ == "__main__":
    sys.exit(main())
