"""Looks at every screen of the dashboard in Chromium, wide and on a phone, and writes down what it saw.

It starts a demonstration of its own on a free port and ends it. Pictures go to docs/screenshots; what axe found, what
the console said and what the browser measured goes beside them into the tables of docs/dashboard.md. Each screen is
opened with an empty cache. The demonstration is certified first; its certificate goes to docs too.
"""

from __future__ import annotations

import asyncio
import io
import logging
import re
import shutil
import tempfile
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import msgspec
import neighbours
from PIL import Image
from playwright.async_api import Browser, ConsoleMessage, Page, async_playwright
from sqlalchemy import select

import certificate
from agentlocator.certificate.certification import Certified
from agentlocator.db.schema import Appointment, Call, Conversation
from agentlocator.domain import businesses
from agentlocator.domain.seed import CLINIC_NUMBER
from agentlocator.rehearsal import showcase, theatre
from agentlocator.simulator.scenarios import SCENARIOS
from agentlocator.simulator.speech import Voice
from agentlocator.simulator.whatsapp_model import SimulatedTextModel

ROOT: Final = Path(__file__).parents[1]
PICTURES: Final = ROOT / "docs" / "screenshots"
REPORT: Final = ROOT / "docs" / "dashboard.md"
AXE: Final = ROOT / "tests" / "web" / "vendor" / "axe" / "axe.min.js"
WIDTHS: Final = {"wide": (1280, 860), "phone": (360, 740)}
COLOURS: Final = 64
IMPACTS: Final = ("critical", "serious", "moderate", "minor")
LIVE: Final = "live"
# Name of the picture, address, what it shows. The operator's begin with a slash.
SCREENS: Final = (
    ("today", "today", "the day in ten seconds"),
    ("inbox", "inbox", "who writes and who waits"),
    ("inbox-conversation", "inbox/{conversation}", "a thread, and a person in it"),
    ("calls", "calls", "how each ended, what it cost"),
    ("calls-call", "calls/{call}", "the call microscope"),
    ("leads", "leads", "found by any word or part of a number"),
    ("leads-board", "leads/board", "by stage"),
    ("leads-lead", "leads/{lead}", "one timeline across channels"),
    ("calendar", "calendar", "week, or a day on a phone"),
    ("calendar-appointment", "calendar/{appointment}", "moved, cancelled, closed"),
    ("calendar-new", "calendar/new", "booked by hand"),
    (LIVE, "live", "read along while it is spoken"),
    ("talk", "talk", "a test call from the page"),
    ("assistant", "assistant", "greeting and prompt"),
    ("assistant-prompt", "assistant/prompt", "what the model is told"),
    ("assistant-conduct", "assistant/conduct", "voice, policies, caps"),
    ("booking", "booking", "days, hours, notice"),
    ("booking-services", "booking/services", "what can be booked"),
    ("booking-staff", "booking/staff", "who gives it"),
    ("booking-away", "booking/away", "who is away when"),
    ("booking-dates", "booking/dates", "days unlike their weekday, holidays"),
    ("members", "members", "who may what"),
    ("whatsapp", "whatsapp", "lines and conduct in writing"),
    ("readiness", "readiness", "certifications"),
    ("readiness-certificate", "readiness/{certificate}", "one of them, with its evidence"),
    ("account", "/account", "one's own ways in"),
    ("operator", "/operator", "every business's health"),
    ("operator-setup", "/operator/setup", "credentials and numbers"),
)
_OBSERVE: Final = """
window.measured = {shifted: 0, painted: 0, blocked: 0};
const watch = (type, each) =>
  new PerformanceObserver((seen) => seen.getEntries().forEach(each)).observe({type, buffered: true});
watch("layout-shift", (one) => { if (!one.hadRecentInput) measured.shifted += one.value; });
watch("largest-contentful-paint", (one) => { measured.painted = one.startTime; });
watch("longtask", (one) => { measured.blocked += Math.max(0, one.duration - 50); });
"""
_MEASURE: Final = """() => {
  const loads = [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")];
  return {...measured, bytes: loads.reduce((sum, one) => sum + one.transferSize, 0), requests: loads.length,
    nodes: document.getElementsByTagName("*").length,
    overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth};
}"""
_INSPECT: Final = "axe.run().then(({violations, passes}) => ({passes: passes.length, \
violations: violations.map(({id, impact, nodes}) => ({id, impact, nodes: nodes.length}))}))"


class Seen(msgspec.Struct, frozen=True):
    """One screen at one width. `violations` are axe's rules by impact; times are milliseconds from the request."""

    name: str
    about: str
    width: str
    violations: dict[str, list[str]]
    passes: int
    complaints: list[str]
    bytes: int
    requests: int
    nodes: int
    painted: float
    blocked: float
    shifted: float
    overflow: int


async def main() -> bool:
    logging.disable()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        voice = Voice(folder / "voices")
        await showcase.furnish(folder, voice, seed=1, now=datetime.now(UTC))
        certified = await certificate.issue(folder, voice)
        async with (
            neighbours.opened() as around,
            theatre.opened(
                folder, SCENARIOS["demo"], voice=voice, text_model=SimulatedTextModel(), **around.settings
            ) as house,
        ):
            seen, is_kept = await _look(house, around, certified)
    _write(seen)
    if not is_kept:
        print("The certification failed, and docs keeps the former one: chrt -r 5 scripts/screenshots")  # noqa: T201
    return is_kept and all(_is_sound(one) for one in seen)


async def _look(house: theatre.Theatre, around: neighbours.Neighbours, certified: Certified) -> tuple[list[Seen], bool]:
    """Every screen; and whether the certificate was kept."""
    business_id, things = await _things(house)
    things["certificate"] = certified.row_id
    await around.greet(house, business_id)
    PICTURES.mkdir(parents=True, exist_ok=True)
    seen: list[Seen] = []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--lang=he-IL"]
        )
        for width in WIDTHS:
            calls = house.perform(SCENARIOS["demo"], seed=len(seen) + 1)
            for email in (showcase.OWNER, showcase.OPERATOR):
                is_operator = email == showcase.OPERATOR
                async with _window(browser, house, width, email) as (page, complaints):
                    for name, path, about in SCREENS:
                        if path.startswith("/operator") is is_operator:
                            there = path if path.startswith("/") else f"/b/{business_id}/{path.format(**things)}"
                            complaints.clear()
                            async with _happening(calls if name == LIVE else None):
                                await page.goto(house.origin + there)
                                await _settle(page, name)
                                await _keep(page, f"{name}-{width}")
                                seen.append(await _inspect(page, name, about, width, complaints))
        is_kept = await certificate.keep(browser, certified)
        await browser.close()
    return seen, is_kept


async def _things(house: theatre.Theatre) -> tuple[int, dict[str, Any]]:
    """The business that is looked at, and what of it has a screen of its own."""
    db = house.deployment.db
    async with db.operator() as operator:
        business_id = await businesses.find_by_number(operator, CLINIC_NUMBER)
    assert business_id is not None, "the clinic was seeded"
    async with db.reading(business_id) as scope:
        waits = select(Conversation).where(Conversation.needs_person != "").order_by(Conversation.id.desc())
        conversation = await scope.first(waits)
        things = {
            "call": await scope.first(select(Call.call_sid).order_by(Call.id.desc())),
            "conversation": conversation.id,
            "lead": conversation.lead_id,
            "appointment": await scope.first(
                select(Appointment.id).where(Appointment.status == "booked").order_by(Appointment.starts_at)
            ),
        }
    return business_id, things


@asynccontextmanager
async def _window(
    browser: Browser, house: theatre.Theatre, width: str, email: str
) -> AsyncIterator[tuple[Page, list[str]]]:
    """Somebody's browser, logged in, and what it complains of."""
    across, down = WIDTHS[width]
    context = await browser.new_context(
        viewport={"width": across, "height": down}, locale="he-IL", color_scheme="light"
    )
    complaints: list[str] = []
    page = await context.new_page()
    page.on("console", lambda line: complaints.append(line.text) if _is_complaint(line) else None)
    page.on("pageerror", lambda fault: complaints.append(str(fault)))
    await page.goto(await showcase.entry_link(house.deployment.db, house.origin, email, now=datetime.now(UTC)))
    await page.get_by_role("button", name="כניסה").click()
    await page.locator("details.me").wait_for()
    await page.add_init_script(_OBSERVE)
    wire = await context.new_cdp_session(page)
    await wire.send("Network.enable")
    await wire.send("Network.setCacheDisabled", {"cacheDisabled": True})
    yield page, complaints
    await context.close()


def _is_complaint(line: ConsoleMessage) -> bool:
    # What measures here is a script too, and a certificate's frame lets none in.
    return line.type in ("error", "warning") and "frame is sandboxed" not in line.text


@asynccontextmanager
async def _happening(calls: Coroutine[Any, Any, object] | None) -> AsyncIterator[None]:
    """Somebody calls meanwhile, where it is said who."""
    if calls is None:
        yield
        return
    performed = asyncio.create_task(calls)
    await asyncio.sleep(8)
    yield
    await performed


async def _settle(page: Page, name: str) -> None:
    if name == LIVE:
        # It is told of the call for as long as the page is open.
        await page.wait_for_timeout(4000)
        return
    await page.wait_for_load_state("networkidle")
    # What a script draws after the page has come, such as a wave form.
    await page.wait_for_timeout(600)


async def _keep(page: Page, name: str) -> None:
    picture = Image.open(io.BytesIO(await page.screenshot())).convert("RGB")
    few = picture.quantize(COLOURS, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    few.save(PICTURES / f"{name}.png", optimize=True)


async def _inspect(page: Page, name: str, about: str, width: str, complaints: Sequence[str]) -> Seen:
    measured = await page.evaluate(_MEASURE)
    # The script is handed in by the debugger, where the page's policy does not reach.
    await page.evaluate(AXE.read_text(encoding="utf-8"))
    found = await page.evaluate(_INSPECT)
    violations: dict[str, list[str]] = {}
    for one in found["violations"]:
        violations.setdefault(one["impact"], []).append(f"{one['id']} ({one['nodes']})")
    return msgspec.convert(
        {
            **measured,
            "name": name,
            "about": about,
            "width": width,
            "violations": violations,
            "passes": found["passes"],
            "complaints": list(complaints),
        },
        Seen,
    )


def _is_sound(one: Seen) -> bool:
    grave = one.violations.keys() & {"critical", "serious"}
    return not (grave or one.complaints or one.overflow > 0)


def _write(seen: Sequence[Seen]) -> None:
    """Put the tables between the marks that the page has for them."""
    page = REPORT.read_text(encoding="utf-8")
    for part, lines in (("measured", _measured(seen)), ("pictures", _pictures())):
        marks = re.compile(rf"(<!-- {part} -->\n).*?(<!-- end of {part} -->)", re.DOTALL)
        page, count = marks.subn(lambda found, lines=lines: found[1] + "\n".join(lines) + "\n" + found[2], page)
        assert count == 1, f"{REPORT.name} has one place for what was {part}"
    REPORT.write_text(page, encoding="utf-8")


def _measured(seen: Sequence[Seen]) -> list[str]:
    lines = [
        "| screen | axe: passed | axe: violated | console | requests | KiB | nodes | LCP ms | CLS | blocked ms |",
        "| --- | --: | --- | --: | --: | --: | --: | --: | --: | --: |",
    ]
    order = [name for name, _path, _about in SCREENS]
    for one in sorted(seen, key=lambda one: (order.index(one.name), one.width == "phone")):
        violated = "; ".join(
            f"{impact}: {', '.join(one.violations[impact])}" for impact in IMPACTS if impact in one.violations
        )
        figures = (
            f"[{one.name}, {one.width}](screenshots/{one.name}-{one.width}.png)",
            one.passes,
            violated or "none",
            len(one.complaints),
            one.requests,
            f"{one.bytes / 1024:.0f}",
            one.nodes,
            f"{one.painted:.0f}",
            f"{one.shifted:.3f}",
            f"{one.blocked:.0f}",
        )
        lines.append("| " + " | ".join(str(figure) for figure in figures) + " |")
        lines += [f"<!-- {one.name}, {one.width}: {complaint[:200]} -->" for complaint in one.complaints]
    return lines


def _pictures() -> list[str]:
    lines = ["| | wide | phone |", "| --- | --- | --- |"]
    for name, _path, about in SCREENS:
        wide, phone = (
            f'<img src="screenshots/{name}-{width}.png" width="{across}" alt="{name}, {width}">'
            for width, across in (("wide", 520), ("phone", 180))
        )
        lines.append(f"| **{name}**: {about} | {wide} | {phone} |")
    return lines


if __name__ == "__main__":
    raise SystemExit(0 if asyncio.run(main()) else 1)
