"""A real browser for the screens' tests: wide and on a phone, with axe looking over its shoulder.

Pictures of every screen are left in build/screenshots.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from playwright.async_api import ConsoleMessage, Page, async_playwright, expect

from agentlocator.db.engine import Database
from agentlocator.domain import accounts
from web.office import Office

CHROMIUM = shutil.which("chromium")
AXE = Path(__file__).parent / "vendor" / "axe" / "axe.min.js"
PICTURES = Path(__file__).parents[2] / "build" / "screenshots"
# A machine that runs other tests beside this one shows a page a little later.
PATIENCE_MS = 20_000
expect.set_options(timeout=PATIENCE_MS)
FLAGS = (
    "--no-sandbox",
    "--hide-scrollbars",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    # A test is nobody's gesture.
    "--autoplay-policy=no-user-gesture-required",
)
WIDTHS = {"wide": (1280, 860), "phone": (360, 740)}


@contextmanager
def chromium() -> Iterator[str]:
    """A browser that many tests open their windows in; the address that it is steered through."""
    assert CHROMIUM is not None
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile,
        subprocess.Popen(
            [CHROMIUM, *FLAGS, "--headless", "--remote-debugging-port=0", f"--user-data-dir={profile}", "about:blank"],
            stderr=subprocess.PIPE,
            text=True,
        ) as process,
    ):
        assert process.stderr is not None
        for line in process.stderr:
            if found := re.search(r"DevTools listening on (ws://\S+)", line):
                # It goes on complaining, and must not be kept waiting for a reader.
                threading.Thread(target=process.stderr.read, daemon=True).start()
                yield found[1]
                break
        process.kill()


@asynccontextmanager
async def window(width: str, *options: str, at: str = "") -> AsyncIterator[Page]:
    """A window that says no word of complaint: of the browser `at`, or of one of its own with Chromium's `options`."""
    across, down = WIDTHS[width]
    complaints: list[str] = []
    async with async_playwright() as playwright:
        if at:
            browser = await playwright.chromium.connect_over_cdp(at)
        else:
            browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS, *options])
        context = await browser.new_context(viewport={"width": across, "height": down}, locale="he-IL")
        opened = await context.new_page()
        opened.on("console", lambda line: complaints.append(line.text) if _is_complaint(line) else None)
        opened.on("pageerror", lambda fault: complaints.append(str(fault)))
        opened.on("dialog", lambda dialog: complaints.append(f"dialog: {dialog.message}"))
        opened.set_default_timeout(PATIENCE_MS)
        yield opened
        assert complaints == []
        await context.close()
        await browser.close()


def _is_complaint(line: ConsoleMessage) -> bool:
    # A form that is refused is answered with 422, a move with 409, and the browser remarks on it.
    is_refusal = "status of 422" in line.text or "status of 409" in line.text
    return line.type in ("error", "warning") and not is_refusal


async def log_in(page: Page, served: Office, who: str) -> None:
    """Come in by a link that works once, as the command line makes them."""
    db: Database = served.house.db
    async with db.operator(writing=True) as operator:
        token = await accounts.login_link(operator, served.people[who].id, actor="test", now=served.hands())
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
    barriers = [
        f"{one['id']}: {[node['html'][:120] for node in one['nodes']][:3]}" for one in found if one["impact"] != "minor"
    ]
    assert barriers == [], f"{name}: {barriers}"
