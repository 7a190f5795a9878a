"""Every page is tried by everybody: nobody, Charlie, a viewer, staff, the owner, the operator."""

from __future__ import annotations

import re

import pytest
from starlette.routing import Mount, Route

from agentlocator.web.door import Page
from agentlocator.web.routes import PAGES, routes
from web.office import ORIGIN, Office, csrf

pytestmark = pytest.mark.requirement("R30")

RANK = {"viewer": 0, "staff": 1, "owner": 2}
OURS = [page for page in PAGES if "{business_id" in page.path]
# A page of one row: of Charlie's own business, there is no such row.
ROW = re.compile(r"\{(call_sid|lead_id|conversation_id|certificate_id|appointment_id|service_id|resource_id)")
INSIDE = re.compile("דנה|משה|CA-dana|0541234567|054-123|כאב|מרפאת")


def address(page: Page, office: Office, business_id: int | None = None) -> str:
    """The page of something that is really there, in the clinic."""
    parts = {
        "business_id:int": business_id or office.town.clinic,
        "call_sid": "CA-dana",
        "lead_id:int": office.lead_id,
        "conversation_id:int": office.conversation_id,
        "certificate_id:int": office.certificate_id,
        "appointment_id:int": office.appointment_id,
        "service_id:int": office.service_id,
        "resource_id:int": office.resource_id,
        "account_id:int": office.people["viewer"].id,
    }
    return re.sub(r"\{(.*?)\}", lambda found: str(parts[found[1]]), page.path)


def name(page: Page) -> str:
    return f"{page.method} {page.path}"


async def test_what_is_not_in_the_table_is_not_served(office: Office) -> None:
    served = routes(office.house)
    assert {route.path for route in served if isinstance(route, Route)} == {page.path for page in PAGES}
    assert [route.path for route in served if isinstance(route, Mount)] == ["/static"]


async def test_nobody_is_sent_to_the_login_wherever_he_knocks(office: Office) -> None:
    async with office.browser() as nobody:
        for page in OURS:
            for business_id in (office.town.clinic, 999):
                answer = await nobody.request(page.method, address(page, office, business_id))
                told = (answer.status_code, answer.headers.get("location"), answer.text)
                assert told == (303, "/login", ""), name(page)


async def test_charlie_cannot_tell_the_clinic_from_a_business_that_does_not_exist(office: Office) -> None:
    async with await office.browser_of("charlie") as charlie:
        charlie.headers["X-CSRF-Token"] = await csrf(charlie)
        for page in OURS:
            here = await charlie.request(page.method, address(page, office))
            nowhere = await charlie.request(page.method, address(page, office, 999))
            assert here.status_code == nowhere.status_code == 404, name(page)
            assert here.text == nowhere.text, name(page)
            assert not INSIDE.search(here.text), name(page)


async def test_charlie_finds_no_row_of_the_clinic_under_his_own_roof(office: Office) -> None:
    async with await office.browser_of("charlie") as charlie:
        charlie.headers["X-CSRF-Token"] = await csrf(charlie)
        for page in (page for page in OURS if ROW.search(page.path)):
            found = await charlie.request(page.method, address(page, office, office.town.charlie))
            assert found.status_code == 404, name(page)
            assert not INSIDE.search(found.text), name(page)


@pytest.mark.parametrize("page", OURS, ids=name)
async def test_a_role_opens_its_own_pages_and_no_others(office: Office, page: Page) -> None:
    for who in ("viewer", "staff", "owner", "operator"):
        async with await office.browser_of(who) as browser:
            headers = {"X-CSRF-Token": await csrf(browser)}
            answer = await browser.request(page.method, address(page, office), headers=headers)
        may = RANK.get(who, 2) >= RANK[page.needs]
        assert (answer.status_code != 403) == may, who


async def test_the_operator_s_page_does_not_exist_for_an_owner(office: Office) -> None:
    async with await office.browser_of("owner") as owner, await office.browser_of("operator") as operator:
        assert (await owner.get("/operator")).status_code == 404
        assert "מוסך הצפון" in (await operator.get("/operator")).text


@pytest.mark.parametrize("site", ["cross-site", "same-site", "none"])
async def test_a_form_of_another_site_is_refused(office: Office, site: str) -> None:
    async with await office.browser_of("owner") as owner:
        headers = {"X-CSRF-Token": await csrf(owner), "Sec-Fetch-Site": site}
        for page in (page for page in PAGES if page.method == "POST"):
            there = address(page, office) if page in OURS else page.path.replace("{token}", "x")
            assert (await owner.post(there, headers=headers)).status_code == 403, name(page)


async def test_an_old_browser_proves_itself_by_its_origin(office: Office) -> None:
    async with await office.browser_of("owner") as owner:
        token = await csrf(owner)
        del owner.headers["Sec-Fetch-Site"]
        form = {"csrf": token, "language": "en"}
        assert (await owner.post("/language", data=form)).status_code == 403
        assert (await owner.post("/language", data=form, headers={"Origin": "http://evil.test"})).status_code == 403
        assert (await owner.post("/language", data=form, headers={"Origin": ORIGIN})).status_code == 303


async def test_a_form_without_the_session_s_token_is_refused(office: Office) -> None:
    async with await office.browser_of("owner") as owner, await office.browser_of("staff") as staff:
        there = f"/b/{office.town.clinic}/leads/{office.lead_id}"
        assert (await owner.post(there, data={"name": "נגנב"})).status_code == 403
        other = await csrf(staff)
        assert (await owner.post(there, data={"name": "נגנב", "csrf": other})).status_code == 403
        assert "נגנב" not in (await owner.get(there)).text


async def test_every_answer_carries_the_policy(office: Office) -> None:
    async with await office.browser_of("owner") as owner:
        for path in ("/login", f"/b/{office.town.clinic}/today", "/b/999/today", "/static/app.css"):
            headers = (await owner.get(path)).headers
            assert "script-src 'self'" in headers["content-security-policy"]
            assert "unsafe" not in headers["content-security-policy"]
            assert headers["x-content-type-options"] == "nosniff"


async def test_numbers_no_database_can_count_are_no_pages(office: Office) -> None:
    async with await office.browser_of("owner") as owner:
        assert (await owner.get(f"/b/{office.town.clinic}/leads/{10**30}")).status_code == 404
        assert (await owner.get(f"/b/{10**30}/today")).status_code == 404
