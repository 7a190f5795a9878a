"""The screens in a real browser, in Hebrew, wide and on a phone: the main task of each, nothing serious for axe.

Pictures of every screen are left in build/screenshots.
"""

from __future__ import annotations

import asyncio
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from playwright.async_api import Browser, BrowserContext, Page, async_playwright
from sqlalchemy import update

from agentlocator.db.engine import Database
from agentlocator.db.schema import Call, Lead
from agentlocator.domain import accounts
from town import Town
from web.office import HOSTILE, PASSWORD, Office, furnish

pytestmark = [pytest.mark.requirement("R51")]

CHROMIUM = shutil.which("chromium")
AXE = Path(__file__).parent / "vendor" / "axe" / "axe.min.js"
PICTURES = Path(__file__).parents[2] / "build" / "screenshots"
WIDTHS = {"wide": (1280, 860), "phone": (360, 740)}

if CHROMIUM is None:
    pytest.skip("no chromium: apt-get install -y chromium", allow_module_level=True)


@pytest.fixture
def backend() -> str:
    """What a screen looks like does not hang on the database."""
    return "sqlite"


@pytest.fixture
async def served(town: Town, tmp_path: Path) -> AsyncIterator[Office]:
    """The office on a port of this machine."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        office = await furnish(town, tmp_path, f"http://127.0.0.1:{listener.getsockname()[1]}")
        server = uvicorn.Server(uvicorn.Config(office.app, log_config=None, access_log=False, lifespan="off"))
        serving = asyncio.create_task(server.serve(sockets=[listener]), name="dashboard")
        yield office
        server.should_exit = True
        await serving
    office.house.passwords.close()


@pytest.fixture(params=WIDTHS)
async def page(request: pytest.FixtureRequest, served: Office) -> AsyncIterator[Page]:
    """A browser window in which nobody is logged in, and that says no word of complaint."""
    async with _window(WIDTHS[request.param], served) as (window, complaints):
        window.set_default_timeout(8_000)
        yield window
        assert complaints == []


@pytest.fixture
def width(request: pytest.FixtureRequest) -> str:
    return str(request.node.callspec.params["page"])


async def test_an_owner_logs_in_and_sees_the_day(page: Page, served: Office, width: str) -> None:
    await page.goto(served.house.public_url)
    await picture(page, f"login-{width}")
    await page.get_by_label("דוא״ל").fill("owner@example.com")
    await page.get_by_label("סיסמה").fill(PASSWORD)
    await page.get_by_role("button", name="כניסה למערכת").click()
    await page.get_by_role("heading", name="היום", exact=True).wait_for()
    assert await tile(page, "שיחות שנענו") == "3"
    assert await tile(page, "תורים שנקבעו") == "1"
    assert await tile(page, "ממתינים לכם") == "1"
    assert await tile(page, "הוצאה") == "$0.50"
    await picture(page, f"today-{width}")


async def test_the_day_on_the_counter_stays_fresh(page: Page, served: Office, width: str) -> None:
    await page.clock.install()
    await log_in(page, served, "owner")
    assert await tile(page, "הוצאה") == "$0.50"
    async with served.town.db.scope(served.town.clinic) as scope:
        await scope.changed(update(Call).where(Call.call_sid == "CA-live").values(cost_micro_usd=1_000_000))
    await page.clock.fast_forward(31_000)
    await page.locator(".tiles", has_text="$1.50").wait_for()


async def test_from_the_list_of_calls_to_what_was_said(page: Page, served: Office, width: str) -> None:
    await log_in(page, served, "owner")
    await page.get_by_role("link", name="שיחות", exact=True).click()
    await picture(page, f"calls-{width}")
    await page.get_by_label("מי").fill("דנה")
    await page.get_by_role("button", name="הצגה").click()
    await page.get_by_role("link", name="דנה כהן").click()
    await page.get_by_text("ראשון בעשר מצוין.").wait_for()
    assert await page.locator("del").inner_text() == ", ויש גם ביום שני בתשע."
    await picture(page, f"call-{width}")


async def test_a_person_is_given_a_name_and_a_stage(page: Page, served: Office, width: str) -> None:
    await log_in(page, served, "staff")
    await page.get_by_role("link", name="לידים", exact=True).click()
    await picture(page, f"leads-{width}")
    await page.get_by_role("link", name="דנה כהן").click()
    await page.get_by_label("עיר").fill("חיפה")
    await page.get_by_role("button", name="שמירה").click()
    await page.get_by_label("שלב").select_option("לקוח")
    await page.get_by_role("button", name="העברה").click()
    await page.wait_for_load_state()
    assert await page.get_by_label("עיר").input_value() == "חיפה"
    await picture(page, f"lead-{width}")


async def test_an_owner_invites_somebody_who_comes_in(page: Page, served: Office, width: str) -> None:
    await log_in(page, served, "owner")
    await page.get_by_role("link", name="צוות", exact=True).click()
    await page.get_by_role("button", name="יצירת קישור").click()
    link = await page.locator(".link").inner_text()
    await picture(page, f"members-{width}")
    await page.context.clear_cookies()
    await page.goto(link)
    await picture(page, f"invitation-{width}")
    await page.get_by_label("שם").fill("רותי")
    await page.get_by_label("דוא״ל").fill("ruti@example.com")
    await page.get_by_label("סיסמה").fill("a long enough one")
    await page.get_by_role("button", name="כניסה").click()
    await page.get_by_role("heading", name="היום", exact=True).wait_for()
    assert await page.get_by_role("link", name="צוות", exact=True).count() == 0


async def test_the_operator_sees_every_business(page: Page, served: Office, width: str) -> None:
    await log_in(page, served, "operator")
    await page.get_by_role("link", name="מוסך הצפון").wait_for()
    await picture(page, f"operator-{width}")


async def test_it_can_be_read_in_the_dark(page: Page, served: Office, width: str) -> None:
    await page.emulate_media(color_scheme="dark")
    await log_in(page, served, "owner")
    for path in ("today", "calls/CA-dana", f"leads/{served.lead_id}"):
        await page.goto(f"{served.house.public_url}/b/{served.town.clinic}/{path}")
        await picture(page, f"dark-{path.split('/')[0]}-{width}")


async def test_hostile_words_are_shown_and_never_run(page: Page, served: Office, width: str) -> None:
    async with served.town.db.scope(served.town.clinic) as scope:
        await scope.changed(
            update(Call).values(summary=HOSTILE * 100, from_raw=HOSTILE[:60], facts={"alarms": [HOSTILE]})
        )
        await scope.changed(update(Lead).values(name=HOSTILE, need=HOSTILE * 5, notes=HOSTILE * 100, phone_raw=HOSTILE))
    await log_in(page, served, "owner")
    clinic = f"{served.house.public_url}/b/{served.town.clinic}"
    for path in ("today", "calls", "calls/CA-dana", "leads", f"leads/{served.lead_id}"):
        await page.goto(f"{clinic}/{path}")
        assert await page.locator("main img[src='x'], main script").count() == 0
        await picture(page, f"hostile-{path.split('/')[0]}-{'one' if '/' in path else 'all'}-{width}")


@asynccontextmanager
async def _window(size: tuple[int, int], served: Office) -> AsyncIterator[tuple[Page, list[str]]]:
    complaints: list[str] = []
    async with async_playwright() as playwright:
        browser: Browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        context: BrowserContext = await browser.new_context(
            viewport={"width": size[0], "height": size[1]}, locale="he-IL", bypass_csp=False
        )
        window = await context.new_page()
        window.on("console", lambda line: complaints.append(line.text) if line.type in ("error", "warning") else None)
        window.on("pageerror", lambda fault: complaints.append(str(fault)))
        window.on("dialog", lambda dialog: complaints.append(f"dialog: {dialog.message}"))
        yield window, complaints
        await browser.close()


async def log_in(page: Page, served: Office, who: str) -> None:
    """Come in by a link that works once, as the command line makes them."""
    db: Database = served.house.db
    async with db.operator(writing=True) as operator:
        token = await accounts.login_link(operator, served.people[who].id, actor="test", now=served.hands.now)
    await page.goto(f"{served.house.public_url}/entry/{token}")
    await page.get_by_role("button", name="כניסה").click()
    await page.locator("nav.sections, a[href='/operator']").first.wait_for(state="attached")


async def tile(page: Page, name: str) -> str:
    """The number on a tile."""
    found = page.locator(".tiles > div", has=page.locator("dt", has_text=name)).locator("dd")
    return (await found.inner_text()).split("\n")[0].strip().split(" ")[0]


async def picture(page: Page, name: str) -> None:
    """Keep a picture; and the page neither scrolls sideways nor shuts anybody out."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    await page.screenshot(path=PICTURES / f"{name}.png", full_page=True)
    overflow = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert overflow <= 0, f"{name} is {overflow} px too wide"
    # The script is handed in by the debugger, where the page's policy does not reach.
    await page.evaluate(AXE.read_text())
    found: list[dict[str, Any]] = await page.evaluate("axe.run({resultTypes: ['violations']}).then(r => r.violations)")
    serious = [
        f"{one['id']}: {[node['html'][:120] for node in one['nodes']][:3]}"
        for one in found
        if one["impact"] in ("serious", "critical")
    ]
    assert serious == [], name
