"""Who called: one lead a phone, nobody merged who should not be, nothing overwritten that a person typed."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from agentlocator.db.schema import Call, Lead
from agentlocator.domain import audit, leads, stages
from agentlocator.domain.leads import By, Patch, Place
from agentlocator.domain.schedules import BadSetting
from town import DANA, MOSHE, NOW, Town, ring

ASSISTANT = By("assistant", "assistant", "CA1")
DANA_AT_THE_DESK = By("person", "dana@clinic")
FILE = By("import", "leads.csv")


@pytest.mark.requirement("R20")
async def test_each_call_finds_or_makes_the_lead_and_is_recorded_on_it(town: Town) -> None:
    first = await ring(town, town.clinic, DANA, "CA1")
    later = NOW + timedelta(days=1)
    second = await ring(town, town.clinic, "054-1234567", "CA2", later)
    assert first.lead_id == second.lead_id
    async with town.db.reading(town.clinic) as scope:
        lead = await leads.show(scope, first.lead_id)
        assert lead is not None
        assert (lead.last_call_sid, lead.last_call_at, lead.source) == ("CA2", later, "call")
        assert await scope.first(select(func.count(Call.id)).where(Call.lead_id == lead.id)) == 2


@pytest.mark.requirement("R20")
async def test_withheld_callers_are_never_one_lead(town: Town) -> None:
    first = await ring(town, town.clinic, "anonymous", "CA1")
    second = await ring(town, town.clinic, "+266696687", "CA2")
    again = await ring(town, town.clinic, "anonymous", "CA1")
    assert first.lead_id != second.lead_id
    assert first.lead_id == again.lead_id, "the same call, told of twice"


async def test_two_calls_of_one_number_that_start_together_are_one_lead(town: Town) -> None:
    callers = await asyncio.gather(*(ring(town, town.clinic, DANA, f"CA{number}") for number in range(12)))
    assert len({caller.lead_id for caller in callers}) == 1


async def test_the_same_phone_is_another_lead_at_another_business(town: Town) -> None:
    clinic, garage = await ring(town, town.clinic), await ring(town, town.garage)
    async with town.db.scope(town.clinic) as scope:
        await leads.upsert(scope, clinic.lead_id, Patch(name="דנה"), by=ASSISTANT, now=NOW)
    async with town.db.reading(town.garage) as scope:
        lead = await leads.show(scope, garage.lead_id)
    assert lead is not None
    assert lead.name is None


async def test_what_a_person_typed_the_assistant_and_a_file_leave_alone(town: Town) -> None:
    caller = await ring(town, town.clinic)
    async with town.db.scope(town.clinic) as scope:
        heard = Patch(name="דנה קון", need="סתימה")
        assert (await leads.upsert(scope, caller.lead_id, heard, by=ASSISTANT, now=NOW)) == leads.Written(
            ("name", "need")
        )
        typed = Patch(name="דנה כהן")
        assert (await leads.upsert(scope, caller.lead_id, typed, by=DANA_AT_THE_DESK, now=NOW)) == leads.Written(
            ("name",)
        )
        again = Patch(name="דנה קון", need="הלבנה")
        assert (await leads.upsert(scope, caller.lead_id, again, by=ASSISTANT, now=NOW)) == leads.Written(
            ("need",), ("name",)
        )
        assert (await leads.upsert(scope, caller.lead_id, again, by=FILE, now=NOW)) == leads.Written((), ("name",))
        lead = await leads.show(scope, caller.lead_id)
        facts = (await leads.provenance(scope, caller.lead_id))[::-1]
    assert lead is not None
    assert (lead.name, lead.need) == ("דנה כהן", "הלבנה")
    assert [(fact.field, fact.value, fact.source, fact.taken) for fact in facts if fact.field == "name"] == [
        ("name", "דנה קון", "assistant", True),
        ("name", "דנה כהן", "person", True),
        ("name", "דנה קון", "assistant", False),
        ("name", "דנה קון", "import", False),
    ]
    assert facts[0].call_sid == "CA1"


async def test_values_are_cleaned_and_bounded(town: Town) -> None:
    caller = await ring(town, town.clinic)
    async with town.db.scope(town.clinic) as scope:
        patch = Patch(name="דנה\u202e\x00\n כהן", notes="א" * 10_000)
        await leads.upsert(scope, caller.lead_id, patch, by=ASSISTANT, now=NOW)
        lead = await leads.show(scope, caller.lead_id)
        assert await leads.upsert(scope, 10**9, patch, by=ASSISTANT, now=NOW) is None
    assert lead is not None
    assert lead.name == "דנה כהן"
    assert len(lead.notes or "") == 2000


async def test_leads_are_found_by_name_phone_and_stage(town: Town) -> None:
    dana, moshe = await ring(town, town.clinic, DANA, "CA1"), await ring(town, town.clinic, MOSHE, "CA2")
    async with town.db.scope(town.clinic) as scope:
        await leads.upsert(scope, dana.lead_id, Patch(name="דנה 100%"), by=ASSISTANT, now=NOW)
        won = next(stage for stage in await stages.listed(scope) if stage.kind == "won")
        await stages.move(scope, moshe.lead_id, won.stage_id, actor="person:dana", now=NOW)
    async with town.db.reading(town.clinic) as scope:

        async def found(query: str, stage_id: int | None = None) -> list[int]:
            return [lead.id for lead in await leads.search(scope, query, stage_id=stage_id)]

        assert await found("דנה") == [dana.lead_id]
        assert await found("100%") == [dana.lead_id]
        assert await found("%") == await found("_") == [], "a sign stands for nothing but itself"
        assert await found("ד 10") == [dana.lead_id], "each word's beginning is enough"
        assert await found("דנה משה") == []
        for way in ("052-1112233", "0521112233", "+972 52 111 2233", "972521112233", "11122", "2233", "052-11"):
            assert await found(way) == [moshe.lead_id], way
        assert await found("", won.stage_id) == [moshe.lead_id]
        assert len(await found("")) == 2
        by_phone = await leads.find_by_phone(scope, "0541234567")
        assert by_phone is not None
        assert by_phone.id == dana.lead_id


async def test_a_name_is_found_however_its_marks_are_typed(town: Town) -> None:
    caller = await ring(town, town.clinic)
    async with town.db.scope(town.clinic) as scope:
        patch = Patch(name="ד״ר צ׳רלי בן-דוד", city="כְּפַר סָבָא", need="Crown & bridge")
        await leads.upsert(scope, caller.lead_id, patch, by=ASSISTANT, now=NOW)
    async with town.db.reading(town.clinic) as scope:
        for query in ("צ'רלי", "צרלי", 'ד"ר', "דוד", "כפר סבא", "BRIDGE", "צ׳ בן"):
            assert [lead.id for lead in await leads.search(scope, query)] == [caller.lead_id], query
    async with town.db.scope(town.clinic) as scope:
        await leads.upsert(scope, caller.lead_id, Patch(name="רות"), by=DANA_AT_THE_DESK, now=NOW)
        assert await leads.search(scope, "צרלי") == [], "an old name finds nobody"
        assert [lead.id for lead in await leads.search(scope, "רות")] == [caller.lead_id]


async def test_a_withheld_number_finds_nobody(town: Town) -> None:
    await ring(town, town.clinic, "+266696687")
    async with town.db.reading(town.clinic) as scope:
        assert await leads.search(scope, "266696687") == []


async def test_pages_of_leads_go_on_where_the_last_one_ended(town: Town) -> None:
    for number in range(7):
        await ring(town, town.clinic, f"05211122{number:02}", f"CA{number}")
    seen: list[int] = []
    after: Place | None = None
    async with town.db.reading(town.clinic) as scope:
        while page := await leads.search(scope, "052", after=after, limit=3):
            seen += [lead.id for lead in page]
            after = Place(page[-1].last_activity_at, page[-1].id)
    assert seen == sorted(seen, reverse=True)
    assert len(set(seen)) == 7


async def test_a_step_has_the_name_its_owner_gives_it_and_one_that_no_other_has(town: Town) -> None:
    async with town.db.scope(town.clinic) as scope:
        won = next(stage for stage in await stages.listed(scope) if stage.kind == "won")
        assert await stages.rename(scope, won.stage_id, " מטופל ", actor="owner", now=NOW)
        assert await stages.rename(scope, won.stage_id, "מטופל", actor="owner", now=NOW), "its own name is not taken"
        assert not await stages.rename(scope, 10**9, "אחר", actor="owner", now=NOW)
        for name, no in (("", "empty"), ("חדש", "taken")):
            with pytest.raises(BadSetting) as refused:
                await stages.rename(scope, won.stage_id, name, actor="owner", now=NOW)
            assert refused.value.code == no
        kept = [(step.key, step.name) for step in await stages.listed(scope) if step.kind == "won"]
        history = [(line.old, line.new) for line in await audit.history(scope, "stage", won.stage_id)]
    assert kept == [("won", "מטופל")]
    assert history == [("לקוח", "מטופל")]


async def test_a_lead_is_moved_by_people_and_the_move_is_written_down(town: Town) -> None:
    caller = await ring(town, town.clinic)
    async with town.db.scope(town.clinic) as scope:
        lost = next(stage for stage in await stages.listed(scope) if stage.kind == "lost")
        assert await stages.move(scope, caller.lead_id, lost.stage_id, actor="person:dana", now=NOW, lost_reason="יקר")
        assert not await stages.move(scope, caller.lead_id, 10**9, actor="person:dana", now=NOW)
        lead = await scope.get(Lead, caller.lead_id)
        history = await audit.history(scope, "lead", caller.lead_id)
    assert lead is not None
    assert lead.lost_reason == "יקר"
    assert [(line.field, line.actor) for line in history] == [("stage_id", "person:dana")]
