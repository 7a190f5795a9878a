"""The dashboard's preview and a real call: the same prompt, to the byte."""

from __future__ import annotations

from datetime import UTC, datetime

import httpx2
import pytest

from agentlocator.domain import accounts
from voice.house import House
from voice.stranger import CLINIC, greeted


@pytest.mark.requirement("R31")
async def test_what_an_owner_reads_is_what_the_next_call_s_session_is_configured_with(house: House) -> None:
    await house.change(CLINIC, voice="cedar", policy={"turn_detection": "semantic_vad"})
    before = await _preview(house)
    async with house.stranger.line(await house.stranger.ticket("CA1"), "CA1") as line:
        await line.converse(greeted)
    after = await _preview(house)

    sent = house.hub.servers[-1].session["instructions"].encode()
    assert sent in (before, after), "only the minute of the clock may lie between them"


async def _preview(house: House) -> bytes:
    db, business_id, now = house.deployment.db, await house.business_id(), datetime.now(UTC)
    async with db.operator(writing=True) as operator:
        found = await accounts.find_by_email(operator, "owner@example.com")
        owner = found or await accounts.add(
            operator, email="owner@example.com", name="נועה", password_hash="-", now=now
        )
    async with db.operator(writing=True) as operator:
        await accounts.set_role(operator, business_id, owner.id, "owner", actor="test", now=now)
    async with db.operator(writing=True) as operator:
        token = await accounts.open_session(operator, owner.id, browser="test", now=now)
    transport = httpx2.ASGITransport(app=house.deployment.app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://dashboard.test") as browser:
        browser.cookies.set("agentlocator", token, domain="dashboard.test")
        browser.cookies.set("__Host-agentlocator", token, domain="dashboard.test")
        answer = await browser.get(f"/b/{business_id}/assistant/prompt.txt")
    assert answer.status_code == 200
    return answer.content
