"""A real browser for the screens' tests: wide and on a phone, with axe looking over its shoulder.

Pictures of every screen are left in build/screenshots.
"""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, async_playwright

from agentlocator.db.engine import Database
from agentlocator.domain import accounts
from web.office import Office

CHROMIUM = shutil.which("chromium")
AXE = Path(__file__).parent / "vendor" / "axe" / "axe.min.js"
PICTURES = Path(__file__).parents[2] / "build" / "screenshots"
WIDTHS = {"wide": (1280, 860), "phone": (360, 740)}


@asynccontextmanager
async def window(size: tuple[int, int], *options: str) -> AsyncIterator[tuple[Page, list[str]]]:
    """A browser's window, and what it complains of. `options` are Chromium's own."""
    complaints: list[str] = []
    async with async_playwright() as playwright:
        browser: Browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", *options])
        context: BrowserContext = await browser.new_context(
            viewport={"width": size[0], "height": size[1]}, locale="he-IL", bypass_csp=False
        )
        opened = await context.new_page()
        opened.on("console", lambda line: complaints.append(line.text) if _is_complaint(line) else None)
        opened.on("pageerror", lambda fault: complaints.append(str(fault)))
        opened.on("dialog", lambda dialog: complaints.append(f"dialog: {dialog.message}"))
        yield opened, complaints
        await browser.close()


def _is_complaint(line: ConsoleMessage) -> bool:
    # A form that is refused is answered with 422, and the browser remarks on it.
    return line.type in ("error", "warning") and "status of 422" not in line.text


async def log_in(page: Page, served: Office, who: str) -> None:
    """Come in by a link that works once, as the command line makes them."""
    db: Database = served.house.db
    async with db.operator(writing=True) as operator:
        token = await accounts.login_link(operator, served.people[who].id, actor="test", now=served.hands.now)
    await page.goto(f"{served.house.public_url}/entry/{token}")
    await page.get_by_role("button", name="כניסה").click()
    await page.locator("nav.sections, a[href='/operator']").first.wait_for(state="attached")


async def go_to(page: Page, section: str) -> None:
    """Follow a section's link, which on a phone may be behind "More"."""
    more = page.locator(".more-tab")
    link = page.get_by_role("link", name=section, exact=True)
    if await more.is_visible() and not await link.is_visible():
        await more.click()
    await link.click()


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
    assert serious == [], f"{name}: {serious}"
