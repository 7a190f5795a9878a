"""`agentlocator demo --serve`: somebody starts it, looks around in a browser by both links, and ends it by Ctrl-C."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from pathlib import Path

import pytest

from web.chromium import CHROMIUM, tile, window

# Five weeks and five calls; a busy machine takes its time.
STARTS_S = 120
SETTINGS = ("OPENAI_API_KEY", "TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "PUBLIC_URL", "DATABASE_URL", "DATA_DIR")


@pytest.mark.requirement("R51")
async def test_the_demonstration_is_looked_around_in_and_ended(tmp_path: Path) -> None:
    if CHROMIUM is None:
        pytest.skip("no chromium: apt-get install -y chromium")
    environment = {name: value for name, value in os.environ.items() if name not in SETTINGS}
    demo = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", "from agentlocator.cli import app; app()", "demo", "--serve", "--port", "0"),
        cwd=tmp_path,
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        links = await asyncio.wait_for(read_links(demo), STARTS_S)
        async with window("wide") as page:
            await page.goto(links["Owner"])
            await page.get_by_role("button", name="כניסה").click()
            await page.get_by_role("heading", name="היום", exact=True).wait_for()
            assert (await tile(page, "שיחות שנענו")).isdecimal()
            assert (await tile(page, "הוצאה")).startswith("$")
            assert await page.get_by_role("link", name="דנה כהן").count() >= 1
            await page.context.clear_cookies()
            await page.goto(links["Operator"])
            await page.get_by_role("button", name="כניסה").click()
            await page.get_by_text("מוסך הצפון").first.wait_for()
    finally:
        demo.send_signal(signal.SIGINT)
        _, faults = await asyncio.wait_for(demo.communicate(), 30)
    assert demo.returncode == 0, faults.decode()
    assert b"Traceback" not in faults


async def read_links(demo: asyncio.subprocess.Process) -> dict[str, str]:
    """The links it prints, until it says how to end it."""
    assert demo.stdout is not None
    links: dict[str, str] = {}
    while line := (await demo.stdout.readline()).decode():
        if found := re.match(r"(\w+), once: (\S+)", line):
            links[found[1]] = found[2]
        if line.startswith("Ctrl-C"):
            return links
    assert demo.stderr is not None
    raise AssertionError((await demo.stderr.read()).decode())
