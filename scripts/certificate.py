"""Certifies the furnished demonstration, and keeps what docs/certification.md shows of it: its page and three pictures.

A machine that has other things to do answers late, and a certificate says so: then what was kept stays.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from playwright.async_api import Browser

from agentlocator.certificate import place
from agentlocator.certificate.certification import Certified, certify
from agentlocator.domain import businesses
from agentlocator.domain.seed import CLINIC_NUMBER
from agentlocator.simulator.speech import Voice

DOCS: Final = Path(__file__).parents[1] / "docs"
PAGE: Final = DOCS / "certificate.html"
_WIDTH: Final = 920
# Which picture begins at which section, and how much of the page it shows.
_PICTURES: Final = (
    ("certificate", "body", 1250),
    ("certificate-cards", "#s5", 1000),
    ("certificate-call", "#s8", 1000),
)


async def issue(folder: Path, voice: Voice) -> Certified:
    """Certify the clinic, on a server of its own over the deployment's data. The row stays, as any night's does."""
    async with place.own(folder, voice=voice) as (here, _):
        async with here.db.operator() as operator:
            business_id = await businesses.find_by_number(operator, CLINIC_NUMBER)
        assert business_id is not None, "the clinic was seeded"
        return await certify(here, business_id, key="screenshots")


async def keep(browser: Browser, certified: Certified) -> bool:
    """Put its page and its pictures where the docs show them; not those of one that failed."""
    if not certified.certificate.passed:
        return False
    PAGE.write_text(certified.page, encoding="utf-8")
    context = await browser.new_context(viewport={"width": _WIDTH, "height": 1250}, color_scheme="light")
    page = await context.new_page()
    await page.goto(PAGE.as_uri())
    for name, begins_at, height in _PICTURES:
        top = await page.evaluate("(at) => document.querySelector(at).getBoundingClientRect().top + scrollY", begins_at)
        await page.screenshot(
            path=DOCS / f"{name}.png", clip={"x": 0, "y": top, "width": _WIDTH, "height": height}, full_page=True
        )
    await context.close()
    return True
