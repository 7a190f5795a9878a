"""The webhook: signed, keyed, only where it may go, and honest about every answer."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx2
import msgspec
import pytest

from agentlocator.domain import businesses
from agentlocator.jobs import webhook
from agentlocator.jobs.deliver import OutboxItem, Undeliverable
from agentlocator.jobs.webhook import Unanswered, Webhook
from jobs.receiver import Receiver, listening
from town import NOW, Town


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with listening() as receiver:
        yield receiver


@pytest.fixture
async def client() -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient() as client:
        yield client


def hook(town: Town, client: httpx2.AsyncClient, *, allow_private: bool = True) -> Webhook:
    return Webhook(town.db, client, "root", clock=lambda: NOW, allow_private=allow_private)


def item(business_id: int) -> OutboxItem:
    return OutboxItem(business_id, 1, "appointment.booked", "a.1", {"lead_id": 7, "name": "דנה"}, 1, NOW)


async def listens_at(town: Town, business_id: int, url: str) -> None:
    async with town.db.scope(business_id) as scope:
        await businesses.change(scope, actor="dana", now=NOW, policy={"background": {"webhook_url": url}})


async def test_the_receiver_can_tell_a_repeat_and_that_it_was_us(
    town: Town, receiver: Receiver, client: httpx2.AsyncClient
) -> None:
    await listens_at(town, town.clinic, receiver.url())
    await hook(town, client)(item(town.clinic))
    [told] = receiver.told
    secret = webhook.secret_of("root", town.clinic)
    assert told.headers["idempotency-key"] == f"{town.clinic}.a.1"
    assert told.headers["agentlocator-signature"] == webhook.signature(secret, told.body, NOW)
    assert msgspec.json.decode(told.body) == {
        "id": f"{town.clinic}.a.1",
        "kind": "appointment.booked",
        "created_at": "2026-11-21T17:00:00Z",
        "data": {"lead_id": 7, "name": "דנה"},
    }


def test_every_business_signs_with_a_secret_of_its_own() -> None:
    assert webhook.secret_of("root", 1) != webhook.secret_of("root", 2)


@pytest.mark.requirement("R30")
async def test_charlie_is_never_told_of_the_clinic(town: Town, receiver: Receiver, client: httpx2.AsyncClient) -> None:
    await listens_at(town, town.charlie, receiver.url())
    with pytest.raises(Unanswered, match="no webhook address"):
        await hook(town, client)(item(town.clinic))
    assert receiver.told == []


@pytest.mark.parametrize(
    ("status", "fault"),
    [(500, Unanswered), (429, Unanswered), (401, Unanswered), (302, Unanswered), (410, Undeliverable)],
)
async def test_any_answer_but_yes_is_another_attempt_and_gone_is_the_last(
    town: Town, receiver: Receiver, client: httpx2.AsyncClient, status: int, fault: type[Exception]
) -> None:
    receiver.answers["/hook"] = status
    await listens_at(town, town.clinic, receiver.url())
    with pytest.raises(fault, match=str(status)):
        await hook(town, client)(item(town.clinic))
    assert len(receiver.told) == 1


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/hook",
        "https://127.0.0.1/hook",
        "https://localhost/hook",
        "https://10.0.0.7/hook",
        "https://169.254.169.254/latest/meta-data",
        "https://[::1]/hook",
        "ftp://example.com/",
        "nonsense",
    ],
)
async def test_our_own_network_is_never_called(town: Town, client: httpx2.AsyncClient, url: str) -> None:
    await listens_at(town, town.clinic, url)
    with pytest.raises(Undeliverable):
        await hook(town, client, allow_private=False)(item(town.clinic))


async def test_a_receiver_that_is_not_there_is_another_attempt(town: Town, client: httpx2.AsyncClient) -> None:
    async with listening() as receiver:
        url = receiver.url()
    await listens_at(town, town.clinic, url)
    with pytest.raises(Unanswered):
        await hook(town, client)(item(town.clinic))
