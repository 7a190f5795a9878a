"""`agentlocator replay --plot`, as somebody with a journal and a browser uses it."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from agentlocator.call.events import CallerHungUp
from agentlocator.cli import app
from call.playbook import answering

JOURNAL = b"".join(answering(3_000).caller_interrupts().after(500).hears(CallerHungUp("stop")).lines)


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    path = tmp_path / "CA1.jsonl"
    path.write_bytes(JOURNAL)
    return path


def plot(*words: str) -> Result:
    return CliRunner().invoke(app, ["replay", "--plot", *words])


def test_the_page_lies_beside_the_journal(journal: Path) -> None:
    done = plot(str(journal))

    assert done.exit_code == 0, done.output
    assert "CA1.html" in done.output.replace("\n", "")
    assert "המתקשר ניתק" in journal.with_suffix(".html").read_text(encoding="utf-8")


def test_or_where_it_is_wanted_as_wide_as_wanted(journal: Path, tmp_path: Path) -> None:
    narrow, wide = tmp_path / "narrow.html", tmp_path / "wide.html"

    assert plot(str(journal), "--out", str(narrow), "--scale", "20").exit_code == 0
    assert plot(str(journal), "--out", str(wide), "--scale", "400").exit_code == 0
    assert len(wide.read_bytes()) > len(narrow.read_bytes())
    assert not journal.with_suffix(".html").exists()


def test_a_replay_that_differs_is_drawn_and_said(journal: Path) -> None:
    journal.write_bytes(JOURNAL.replace(b'"verdict":"commit"', b'"verdict":"resume"'))
    done = plot(str(journal))

    assert done.exit_code == 0
    assert "1 of them led to other commands" in done.output


def test_what_cannot_be_read_is_one_sentence(journal: Path, tmp_path: Path) -> None:
    journal.write_bytes(b"hello\n")
    for words in ([str(journal)], [str(tmp_path / "nowhere.jsonl")]):
        done = plot(*words)
        assert done.exit_code == 1
        assert "Traceback" not in done.output


def test_a_page_that_cannot_be_written_is_one_sentence(journal: Path, tmp_path: Path) -> None:
    done = plot(str(journal), "--out", str(tmp_path / "nowhere" / "page.html"))
    assert done.exit_code == 1
    assert "page.html" in done.output.replace("\n", "")
