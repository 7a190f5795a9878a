"""Leads in and out of a spreadsheet."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from agentlocator.domain import lead_file, leads
from agentlocator.domain.lead_file import BadFile, BadRow, Imported
from agentlocator.domain.leads import By, Patch
from town import NOW, Town, ring

PERSON = By("person", "dana")


async def test_what_goes_out_opens_in_excel_and_runs_nothing(town: Town) -> None:
    caller = await ring(town, town.clinic)
    async with town.db.scope(town.clinic) as scope:
        patch = Patch(name='=HYPERLINK("http://evil")', need="+1", notes="@SUM(A1)", city="-2", email='a,b"c')
        await leads.upsert(scope, caller.lead_id, patch, by=PERSON, now=NOW)
        text = await lead_file.export(scope)
    assert text.encode().startswith(b"\xef\xbb\xbf"), "or Excel shows the Hebrew as noise"
    heading, row = text.splitlines()
    assert heading == "\ufeffטלפון,שם,דוא״ל,עיר,פנייה,הערות,שלב,מקור,נוצר"
    assert row.startswith(
        '054-1234567,"\'=HYPERLINK(""http://evil"")","a,b""c",\'-2,\'+1,\'@SUM(A1),חדש,call,2026-11-21T'
    )


async def test_what_went_out_comes_back_the_same(town: Town) -> None:
    caller = await ring(town, town.clinic)
    async with town.db.scope(town.clinic) as scope:
        await leads.upsert(scope, caller.lead_id, Patch(name="=דנה", notes="שורה\nשנייה"), by=PERSON, now=NOW)
        content = (await lead_file.export(scope)).encode()
    async with town.db.scope(town.garage) as scope:
        assert await lead_file.load(scope, content, actor="owner", now=NOW) == Imported(1)
        lead = (await leads.search(scope))[0]
    assert (lead.name, lead.notes, lead.phone_e164, lead.source) == ("=דנה", "שורה\nשנייה", "+972541234567", "import")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1255"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
async def test_excels_many_ways_of_saving_are_read(town: Town, encoding: str, delimiter: str) -> None:
    content = f"שם{delimiter}נייד\r\nמשה{delimiter}052-1112233\r\n\r\n".encode(encoding)
    async with town.db.scope(town.clinic) as scope:
        assert await lead_file.load(scope, content, actor="owner", now=NOW) == Imported(1)
        assert [(lead.name, lead.phone_e164) for lead in await leads.search(scope)] == [("משה", "+972521112233")]


async def test_bad_rows_are_named_and_the_rest_is_taken(town: Town) -> None:
    content = "phone,name\nanonymous,אלמוני\n052-1112233,משה\nlalala,לא\n*2700,קצר\n".encode()
    async with town.db.scope(town.clinic) as scope:
        imported = await lead_file.load(scope, content, actor="owner", now=NOW)
    assert imported == Imported(2, (BadRow(2, "no_phone"), BadRow(4, "no_phone")))


async def test_a_file_never_overwrites_what_a_person_typed(town: Town) -> None:
    caller = await ring(town, town.clinic)
    async with town.db.scope(town.clinic) as scope:
        await leads.upsert(scope, caller.lead_id, Patch(name="דנה כהן"), by=PERSON, now=NOW)
        await lead_file.load(scope, "phone,name\n0541234567,אחרת\n".encode(), actor="owner", now=NOW)
        lead = await leads.show(scope, caller.lead_id)
    assert lead is not None
    assert lead.name == "דנה כהן"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty"),
        ("שם\nדנה\n".encode(), "no_phone_column"),
        (b"phone\n" + b"\xff\xfe\xca" * 9, "unknown_encoding"),
        (b"phone\n" + b"1\n" * 20_001, "too_many_rows"),
        (b'phone\n"' + b"x" * 200_000, "malformed"),
    ],
)
async def test_what_is_no_file_of_leads_is_refused(town: Town, content: bytes, code: str) -> None:
    async with town.db.scope(town.clinic) as scope:
        with pytest.raises(BadFile) as refused:
            await lead_file.load(scope, content, actor="owner", now=NOW)
    assert refused.value.code == code


@given(st.text(max_size=40))
@example("\t")
def test_no_cell_is_ever_a_formula_and_each_comes_back(cell: str) -> None:
    safe = lead_file._safe(cell)
    assert not safe.strip(" ").startswith(("=", "+", "-", "@", "\t", "\r"))
    assert lead_file._plain(safe) == cell.strip() or cell.strip().startswith("'")
