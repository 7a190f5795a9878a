"""The webhook: signed, keyed, only where it may go, and honest about every answer."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx2
import msgspec
import pytest

from agentlocator.domain import businesses
from agentlocator.jobs import webhook
from agentlocator.jobs.telling import OutboxItem, Undeliverable
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


async def test_what_was_judged_is_what_is_called(town: Town) -> None:
    """A name that points elsewhere a moment later leads nowhere: it is looked up once."""
    asked: list[str] = []
    called: list[httpx2.Request] = []

    async def addresses_of(name: str) -> list[str]:
        asked.append(name)
        return ["93.184.215.14"] if len(asked) == 1 else ["127.0.0.1"]

    def receive(request: httpx2.Request) -> httpx2.Response:
        called.append(request)
        return httpx2.Response(200)

    await listens_at(town, town.clinic, "https://crm.example.com:8443/hook?a=1")
    async with httpx2.AsyncClient(transport=httpx2.MockTransport(receive)) as client:
        hook = Webhook(town.db, client, "root", clock=lambda: NOW, addresses_of=addresses_of)
        await hook(item(town.clinic))
    assert asked == ["crm.example.com"]
    assert str(called[0].url) == "https://93.184.215.14:8443/hook?a=1"
    assert called[0].headers["host"] == "crm.example.com:8443"
    assert called[0].extensions["sni_hostname"] == "crm.example.com"


async def test_one_private_address_among_public_ones_is_one_too_many(town: Town, client: httpx2.AsyncClient) -> None:
    async def addresses_of(_name: str) -> list[str]:
        return ["93.184.215.14", "10.0.0.7"]

    await listens_at(town, town.clinic, "https://crm.example.com/hook")
    hook = Webhook(town.db, client, "root", clock=lambda: NOW, addresses_of=addresses_of)
    with pytest.raises(Undeliverable, match="public"):
        await hook(item(town.clinic))
