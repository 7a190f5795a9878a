"""`make requirements`: the paper and the tests must agree, and a number that nobody proves is not overlooked."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parent.parent

PAPER = """\
# What the product must do

- **R1** The phone is answered
  within a second.
- **R2** The caller is heard.
- **R3** A letter is sent.

## Not landed yet

| Number | What is missing |
| --- | --- |
| R3 | The letter |
"""

PROVED = """\
import pytest

@pytest.mark.requirement("R1")
def test_answers(): ...

@pytest.mark.requirement("R2")
async def test_hears(): ...
"""


def _script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("requirements_script", ROOT / "scripts" / "requirements.py")
    assert spec is not None, "the script is there"
    assert spec.loader is not None, "and is Python"
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


script = _script()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A project with three requirements: two proved, one not landed."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "requirements.md").write_text(PAPER, encoding="utf-8")
    (tmp_path / "tests" / "call").mkdir(parents=True)
    _test_file(tmp_path, PROVED)
    return tmp_path


def test_each_number_is_printed_with_its_sentence_and_its_tests(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert script.main(checkout) == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed == [
        "R1   The phone is answered within a second.",
        "       ✓ tests/call/test_line.py::test_answers",
        "R2   The caller is heard.",
        "       ✓ tests/call/test_line.py::test_hears",
        "R3   A letter is sent.",
        "       – not landed yet: The letter",
        "3 requirements, 2 proved by 2 tests, 1 not landed yet",
    ]


def test_a_number_without_a_test_is_a_fault(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _test_file(checkout, PROVED.replace('"R2"', '"R1"'))
    assert script.main(checkout) == 1
    assert capsys.readouterr().err == "FAULT: R2 has no test\n"


def test_a_number_that_is_no_requirement_is_a_fault(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _test_file(checkout, PROVED + '\n@pytest.mark.requirement("R99")\ndef test_flies(): ...\n')
    assert script.main(checkout) == 1
    assert capsys.readouterr().err == "FAULT: tests/call/test_line.py::test_flies proves R99, which is no requirement\n"


def test_a_number_that_has_landed_leaves_the_table(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _test_file(checkout, PROVED + '\n@pytest.mark.requirement("R3")\ndef test_writes(): ...\n')
    assert script.main(checkout) == 1
    assert "R3 has tests, so it has landed" in capsys.readouterr().err


def test_a_number_that_is_not_written_out_is_a_fault(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _test_file(checkout, PROVED + "\n@pytest.mark.requirement(NUMBER)\ndef test_vague(): ...\n")
    assert script.main(checkout) == 1
    assert "tests/call/test_line.py::test_vague marks a requirement without writing" in capsys.readouterr().err


def test_the_table_names_only_requirements(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paper = checkout / "docs" / "requirements.md"
    paper.write_text(PAPER + "| R40 | Something else |\n", encoding="utf-8")
    assert script.main(checkout) == 1
    assert "R40 is “not landed” but no requirement" in capsys.readouterr().err


def test_a_number_stands_once() -> None:
    with pytest.raises(ValueError, match="R1 stands twice"):
        script.read_paper("- **R1** One.\n- **R1** Two.\n")


def test_marks_of_modules_classes_and_parameters_count(checkout: Path) -> None:
    _test_file(
        checkout,
        """\
import pytest

pytestmark = [pytest.mark.requirement("R1")]
LATER = [pytest.param(2, marks=pytest.mark.requirement("R2"))]

class TestLine:
    @pytest.mark.requirement("R2")
    def test_inside(self): ...

@pytest.mark.parametrize("x", [pytest.param(1, marks=pytest.mark.requirement("R2"))])
def test_given(x): ...
""",
    )
    assert list(script.proofs(checkout)) == [
        ("R1", "tests/call/test_line.py::TestLine::test_inside"),
        ("R2", "tests/call/test_line.py::TestLine::test_inside"),
        ("R1", "tests/call/test_line.py::test_given"),
        ("R2", "tests/call/test_line.py::test_given"),
        ("R2", "tests/call/test_line.py:4"),
    ]


def test_a_mark_on_what_is_no_test_proves_nothing(checkout: Path) -> None:
    _test_file(checkout, 'import pytest\n\n@pytest.mark.requirement("R1")\ndef helper(): ...\n')
    assert list(script.proofs(checkout)) == []


def test_every_test_of_this_project_names_a_requirement_of_this_project() -> None:
    paper = script.read_paper((ROOT / "docs" / "requirements.md").read_text(encoding="utf-8"))
    assert {proof.number for proof in script.proofs(ROOT)} <= set(paper.sentences)


def _test_file(checkout: Path, text: str) -> None:
    (checkout / "tests" / "call" / "test_line.py").write_text(text, encoding="utf-8")
