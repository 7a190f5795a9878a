"""`agentlocator leads`: the file an owner opens in Excel, and the one he brings from his old system."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from agentlocator.cli import app


@pytest.fixture(autouse=True)
def _a_clinic(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    agentlocator("business", "add", "קליניקה", "--number", "+97221112222")


def agentlocator(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


def test_leads_come_in_go_out_and_no_spreadsheet_runs_them(tmp_path: Path) -> None:
    (tmp_path / "old.csv").write_text("phone,name\n0541234567,דנה\n,nobody\n0521112233,=1+1\n", encoding="utf-8-sig")

    taken = agentlocator("leads", "import", "+97221112222", str(tmp_path / "old.csv"))
    assert "2 leads taken in." in taken.output
    assert "line 3 was left out: no_phone" in taken.output

    assert agentlocator("leads", "export", "1", "--out", str(tmp_path / "new.csv")).exit_code == 0
    written = (tmp_path / "new.csv").read_bytes()
    assert written.startswith(b"\xef\xbb\xbf")
    assert "דנה" in written.decode("utf-8-sig")
    assert "'=1+1" in written.decode("utf-8-sig")


def test_a_file_that_is_none_names_its_fault_and_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").write_bytes(b"\xff\xd8\xff\xe0" * 50)

    refused = agentlocator("leads", "import", "1", str(tmp_path / "photo.jpg"))

    assert refused.exit_code == 1
    assert "heading with the column phone" in refused.output


def test_a_business_that_is_not_there_is_named() -> None:
    refused = agentlocator("leads", "export", "99")

    assert refused.exit_code == 1
    assert "There is no business 99" in refused.output
