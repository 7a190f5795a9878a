"""Takes the README's pictures: the demonstration's dashboard in Chromium, wide and on a phone, in few colours.

It starts a demonstration of its own on a free port and ends it; pages that are not served are left out.
"""

from __future__ import annotations

import asyncio
import io
import logging
import shutil
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from PIL import Image
from playwright.async_api import Page, async_playwright
from sqlalchemy import select

from agentlocator.db.schema import Call, Conversation
from agentlocator.domain import businesses
from agentlocator.domain.seed import CLINIC_NUMBER
from agentlocator.rehearsal import showcase, theatre
from agentlocator.simulator.scenarios import SCENARIOS
from agentlocator.simulator.speech import Voice
from agentlocator.web.routes import PAGES

PICTURES = Path(__file__).parents[1] / "docs" / "screenshots"
WIDTHS = {"wide": (1280, 860), "phone": (360, 740)}
COLOURS = 96
SCREENS = (
    "today",
    "inbox",
    "inbox/{conversation}",
    "calls",
    "calls/{call}",
    "leads",
    "board",
    "calendar",
    "live",
    "assistant",
    "booking",
    "whatsapp",
    "members",
)


async def main() -> None:
    logging.disable()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        voice = Voice(folder / "voices")
        await showcase.furnish(folder, voice, seed=1, now=datetime.now(UTC))
        async with theatre.opened(folder, SCENARIOS["demo"], voice=voice) as house:
            await _take(house)


async def _take(house: theatre.Theatre) -> None:
    db = house.deployment.db
    async with db.operator() as operator:
        business_id = await businesses.find_by_number(operator, CLINIC_NUMBER)
    assert business_id is not None, "the clinic was seeded"
    async with db.reading(business_id) as scope:
        things = {
            "call": await scope.first(select(Call.call_sid).order_by(Call.id.desc())),
            "conversation": await scope.first(
                select(Conversation.id).where(Conversation.needs_person != "").order_by(Conversation.id.desc())
            ),
        }
    served = {page.path.partition("/b/{business_id:int}/")[2].partition("/")[0] for page in PAGES}
    PICTURES.mkdir(parents=True, exist_ok=True)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for width, size in WIDTHS.items():
            context = await browser.new_context(
                viewport={"width": size[0], "height": size[1]}, locale="he-IL", color_scheme="light"
            )
            page = await context.new_page()
            link = await showcase.entry_link(db, house.origin, showcase.OWNER, now=datetime.now(UTC))
            await page.goto(link)
            await page.get_by_role("button", name="כניסה").click()
            await page.get_by_role("heading", name="היום", exact=True).wait_for()
            for screen in SCREENS:
                if screen.partition("/")[0] in served:
                    await page.goto(f"{house.origin}/b/{business_id}/{screen.format(**things)}")
                    await _keep(page, f"{screen.replace('/{', '-').rstrip('}')}-{width}")
        await browser.close()


async def _keep(page: Page, name: str) -> None:
    await page.wait_for_load_state("load")
    # What a script draws after the page has come, such as a wave form.
    await page.wait_for_timeout(600)
    picture = Image.open(io.BytesIO(await page.screenshot())).convert("RGB")
    few = picture.quantize(COLOURS, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    few.save(PICTURES / f"{name}.png", optimize=True)


if __name__ == "__main__":
    asyncio.run(main())
