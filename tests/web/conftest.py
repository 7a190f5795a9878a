"""The dashboard, opened on both databases, and in a browser."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import uvicorn
from playwright.async_api import Page

from town import Town
from web.chromium import CHROMIUM, WIDTHS, chromium, window
from web.office import Office, furnish


@pytest.fixture
async def office(town: Town, tmp_path: Path) -> AsyncIterator[Office]:
    opened = await furnish(town, tmp_path)
    yield opened
    opened.house.passwords.close()


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


@pytest.fixture(scope="session")
def browser() -> Iterator[str]:
    """Where the browser is steered through that screens are opened in."""
    if CHROMIUM is None:
        pytest.skip("no chromium: apt-get install -y chromium")
    with chromium() as address:
        yield address


@pytest.fixture(params=WIDTHS)
async def page(request: pytest.FixtureRequest, served: Office, browser: str) -> AsyncIterator[Page]:
    """A browser window in which nobody is logged in."""
    async with window(request.param, at=browser) as opened:
        yield opened


@pytest.fixture
def width(request: pytest.FixtureRequest) -> str:
    """The name of the window's width, for pictures."""
    return str(request.node.callspec.params["page"])
