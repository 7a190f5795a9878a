"""Changing where numbers ring, when something comes between the looking and the doing. On both databases."""

from __future__ import annotations

from datetime import timedelta

import httpx2
import pytest

from agentlocator.db import Database
from agentlocator.domain import wirings
from agentlocator.provision import rewiring
from agentlocator.provision.rewiring import Meanwhile
from agentlocator.provision.wiring import Wiring
from agentlocator.simulator.twilio_account import TwilioAccount
from agentlocator.twilio.account import CarrierAccount
from agentlocator.twilio.errors import CarrierRefused, CarrierUnreachable
from town import NOW

SID = "AC" + "0" * 32
OURS = Wiring("https://v.example.com/in", "https://v.example.com/status")
CLINIC, GARAGE = "+97235550101", "+97245550202"


class Peer(TwilioAccount):
    """An account with two numbers, whose API can fail at the n-th change."""

    def __init__(self) -> None:
        super().__init__(SID, "token")
        self.clinic, self.garage = self.add(CLINIC), self.add(GARAGE)
        self.fails_at = 0

    def opened(self) -> CarrierAccount:
        def answer(request: httpx2.Request) -> httpx2.Response:
            if request.method == "POST" and len(self.changes) + 1 == self.fails_at:
                raise httpx2.ReadTimeout("timed out", request=request)
            return self.answer(request)

        return CarrierAccount(httpx2.AsyncClient(transport=httpx2.MockTransport(answer)), SID, "token")


async def test_a_number_that_was_changed_after_it_was_shown_is_left_alone(db: Database) -> None:
    peer = Peer()
    account = peer.opened()
    shown = rewiring.plan(await account.numbers(), OURS, [CLINIC])
    peer.numbers[peer.clinic]["voice_url"] = "https://somebody.example.com"
    with pytest.raises(Meanwhile, match="Look again"):
        await rewiring.rewire(account, db, shown, actor="cli", now=NOW)
    assert peer.changes == []


async def test_what_broke_off_half_way_is_undone_whole(db: Database) -> None:
    peer = Peer()
    account = peer.opened()
    before = {sid: dict(number) for sid, number in peer.numbers.items()}
    shown = rewiring.plan(await account.numbers(), OURS, [CLINIC, GARAGE])
    peer.fails_at = 2
    with pytest.raises(CarrierUnreachable):
        await rewiring.rewire(account, db, shown, actor="cli", now=NOW)
    peer.fails_at = 0
    # Whether the second change was made, nobody heard; undoing looks for itself.
    undoings = await rewiring.undoings(account, db)
    assert [len(one.difference.changes) for one in undoings] == [2, 0]
    await rewiring.undo(account, db, undoings, now=NOW)
    assert peer.numbers == before
    assert await rewiring.undoings(account, db) == []


async def test_what_the_carrier_refused_is_not_there_to_be_undone(db: Database) -> None:
    peer = Peer()
    account = peer.opened()
    shown = rewiring.plan(await account.numbers(), Wiring("no address", "https://v.example.com/status"), [CLINIC])
    with pytest.raises(CarrierRefused, match="21502"):
        await rewiring.rewire(account, db, shown, actor="cli", now=NOW)
    assert await rewiring.undoings(account, db) == []


async def test_of_two_changes_the_newer_is_undone_first(db: Database) -> None:
    peer = Peer()
    account = peer.opened()
    for place, url in enumerate(("https://one.example.com/in", "https://two.example.com/in")):
        shown = rewiring.plan(await account.numbers(), Wiring(url, "https://v.example.com/status"), [CLINIC])
        await rewiring.rewire(account, db, shown, actor="cli", now=NOW + timedelta(hours=place))
    for expected in ("https://one.example.com/in", "https://demo.twilio.com/welcome/voice/"):
        await rewiring.undo(account, db, await rewiring.undoings(account, db), now=NOW)
        assert peer.numbers[peer.clinic]["voice_url"] == expected


async def test_a_number_that_was_sold_cannot_be_brought_back(db: Database) -> None:
    peer = Peer()
    account = peer.opened()
    shown = rewiring.plan(await account.numbers(), OURS, [CLINIC])
    await rewiring.rewire(account, db, shown, actor="cli", now=NOW)
    del peer.numbers[peer.clinic]
    assert await rewiring.undoings(account, db) == []
    async with db.operator() as operator:
        assert [one.e164 for one in await wirings.standing(operator)] == [CLINIC]
