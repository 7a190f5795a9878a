"""Readiness on the dashboard: the last verdict by sections, the nights before, and each certificate as it was drawn."""

from __future__ import annotations

import pytest

from agentlocator.certificate.sentences import SECTIONS as CERTIFIED
from agentlocator.domain import readiness
from agentlocator.web.pages.readiness import SECTIONS
from town import NOW
from web.office import Office

pytestmark = [pytest.mark.requirement("R51"), pytest.mark.requirement("R52")]


async def test_the_last_certification_shows_which_section_failed(office: Office) -> None:
    async with await office.browser_of("viewer") as viewer:
        listed = (await viewer.get(f"/b/{office.town.clinic}/readiness")).text
    assert '<li class="failed"><b>8</b> השיחה עצמה</li>' in listed
    assert listed.count('<li class="passed">') == 9
    assert "לא עברה" in listed
    assert f"/readiness/{office.certificate_id}" in listed


async def test_a_certificate_is_shown_in_a_frame_that_runs_nothing(office: Office) -> None:
    there = f"/b/{office.town.clinic}/readiness/{office.certificate_id}"
    async with await office.browser_of("viewer") as viewer:
        shown = await viewer.get(there)
        page = await viewer.get(f"{there}/page")
    assert f'src="{there}/page"' in shown.text
    assert "מרפאת שיניים" in page.text
    assert page.headers["content-security-policy"].startswith("sandbox; default-src 'none'")


async def test_one_that_is_under_way_and_one_that_broke_off_say_so(office: Office) -> None:
    async with office.town.db.scope(office.town.clinic) as scope:
        running = await readiness.begin(scope, key="now", caller_e164="+972500000000", version="1", now=NOW)
        broken = await readiness.begin(scope, key="broken", caller_e164="+972500000000", version="1", now=NOW)
        assert running is not None
        assert broken is not None
        await readiness.end(scope, broken, passed=False, verdicts={}, document="", page="", now=NOW)
    async with await office.browser_of("viewer") as viewer:
        assert "מתבצעת" in (await viewer.get(f"/b/{office.town.clinic}/readiness/{running}")).text
        assert "נקטעה" in (await viewer.get(f"/b/{office.town.clinic}/readiness/{broken}")).text
        assert (await viewer.get(f"/b/{office.town.clinic}/readiness/{broken}/page")).status_code == 404


async def test_a_business_without_certifications_is_told_how_to_make_one(office: Office) -> None:
    async with await office.browser_of("charlie") as charlie:
        assert "agentlocator certify" in (await charlie.get(f"/b/{office.town.charlie}/readiness")).text
        foreign = await charlie.get(f"/b/{office.town.charlie}/readiness/{office.certificate_id}/page")
    assert foreign.status_code == 404


def test_the_list_has_as_many_sections_as_a_certificate() -> None:
    assert len(SECTIONS) == len(CERTIFIED)
