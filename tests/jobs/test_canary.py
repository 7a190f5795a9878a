"""The canary: every night once, and the operator is told of what failed and of a model that will end."""

from __future__ import annotations

import asyncio
import smtplib
from datetime import UTC, datetime, time, timedelta
from email.message import EmailMessage
from typing import Any

import httpx2
import pytest
from sqlalchemy import select

from agentlocator.db.schema import Outbox
from agentlocator.domain import readiness
from agentlocator.jobs.alert import Alert, Operator
from agentlocator.jobs.canary import KIND, Canary
from agentlocator.jobs.telling import OutboxItem, Undeliverable
from agentlocator.jobs.webhook import Unanswered, signature
from town import NOW, Town

pytestmark = pytest.mark.requirement("R52")

# Half past three at night in Jerusalem.
NIGHT = datetime(2026, 11, 22, 1, 30, tzinfo=UTC)


class Night:
    """A town with a canary, a clock, and certifications whose outcome is said here."""

    def __init__(self, town: Town, model: str = "gpt-realtime-2.1") -> None:
        self.town = town
        self.now = NIGHT
        self.certified: list[tuple[int, str]] = []
        self.failing: set[int] = set()
        self.breaking = False
        self.canary = Canary(
            town.db, self.certify, at=time(3, 30), model=model, public_url="https://here", clock=lambda: self.now
        )

    async def certify(self, business_id: int, key: str) -> None:
        self.certified.append((business_id, key))
        async with self.town.db.scope(business_id) as scope:
            row_id = await readiness.begin(scope, key=key, caller_e164="+972500000000", version="1", now=self.now)
        if self.breaking:
            raise RuntimeError("the certification broke off")
        assert row_id is not None
        failed = business_id in self.failing
        async with self.town.db.scope(business_id) as scope:
            await readiness.end(
                scope,
                row_id,
                passed=not failed,
                verdicts={"1": "passed", "8": "failed" if failed else "passed"},
                document="{}",
                page="",
                now=self.now,
            )

    async def alerts(self, business_id: int) -> list[dict[str, Any]]:
        async with self.town.db.reading(business_id) as scope:
            return list(await scope.all(select(Outbox.payload).where(Outbox.kind == KIND)))


async def test_every_business_is_certified_once_a_night(town: Town) -> None:
    night = Night(town)
    for _ in range(3):
        await night.canary.look()
        night.now += timedelta(minutes=5)
    assert sorted(night.certified) == [
        (business_id, "night.2026-11-22") for business_id in sorted((town.clinic, town.garage, town.charlie))
    ]
    assert await night.alerts(town.clinic) == []


async def test_two_servers_share_one_night(town: Town) -> None:
    first, second = Night(town), Night(town)
    await first.canary.look()
    await second.canary.look()
    assert second.certified == []


async def test_by_day_nobody_is_certified(town: Town) -> None:
    night = Night(town)
    night.now = NOW
    await night.canary.look()
    assert night.certified == []


async def test_the_operator_is_told_once_which_sections_failed(town: Town) -> None:
    night = Night(town)
    night.failing = {town.garage}
    await night.canary.look()
    await night.canary.look()
    (alert,) = await night.alerts(town.garage)
    assert alert["failed_sections"] == [8]
    assert f"https://here/b/{town.garage}/readiness/" in alert["text"]
    assert await night.alerts(town.clinic) == []


async def test_a_certification_that_breaks_off_is_an_alert_too_once_it_is_late(town: Town) -> None:
    night = Night(town)
    night.breaking = True
    await night.canary.look()
    assert await night.alerts(town.clinic) == []
    night.now += timedelta(minutes=11)
    await night.canary.look()
    (alert,) = await night.alerts(town.clinic)
    assert alert["failed_sections"] == []
    assert "לא הסתיימה" in alert["text"]


@pytest.mark.parametrize(("day", "told"), [(datetime(2026, 11, 20), 0), (datetime(2026, 11, 22), 1)])
async def test_a_model_that_ends_within_sixty_days_is_told_once_a_week(town: Town, day: datetime, told: int) -> None:
    night = Night(town, model="gpt-realtime")
    night.now = day.replace(hour=12, tzinfo=UTC)
    for _ in range(2):
        await night.canary.look()
    alerts = await night.alerts(town.clinic)
    assert [alert["ends_on"] for alert in alerts] == ["2027-01-20"] * told


ITEM = OutboxItem(7, 1, KIND, "operator.alert.night", {"text": "נכשל"}, 1, NIGHT)


async def test_the_webhook_is_signed_and_a_refusal_is_tried_again() -> None:
    seen: list[httpx2.Request] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        return httpx2.Response(200 if len(seen) > 1 else 503)

    client = httpx2.AsyncClient(transport=httpx2.MockTransport(answer))
    alert = Alert(Operator(webhook_url="https://ops.example/a", webhook_secret="s"), client, clock=lambda: NIGHT)
    with pytest.raises(Unanswered, match="503"):
        await alert(ITEM)
    await alert(ITEM)
    assert seen[1].headers["idempotency-key"] == "7.operator.alert.night"
    assert seen[1].headers["agentlocator-signature"] == signature("s", seen[1].content, NIGHT)


async def test_a_mail_and_a_message_on_whatsapp_are_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    mails: list[EmailMessage] = []
    written: list[tuple[str, str]] = []

    class Server:
        def __init__(self, host: str, port: int, timeout: float) -> None:
            assert (host, port) == ("mail.example", 465)

        def __enter__(self) -> Server:
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def login(self, user: str, password: str) -> None:
            assert (user, password) == ("bot@mail.example", "pass word")

        def send_message(self, message: EmailMessage) -> None:
            mails.append(message)

    async def write(text: str, key: str) -> None:
        await asyncio.sleep(0)
        written.append((text, key))

    monkeypatch.setattr(smtplib, "SMTP_SSL", Server)
    operator = Operator(email="ops@example.com", smtp_url="smtps://bot%40mail.example:pass%20word@mail.example:465")
    await Alert(operator, httpx2.AsyncClient(), clock=lambda: NIGHT, whatsapp=write)(ITEM)
    assert [(mail["To"], mail.get_content().strip()) for mail in mails] == [("ops@example.com", "נכשל")]
    assert written == [("נכשל", "7.operator.alert.night")]


async def test_without_an_operator_the_alert_is_set_aside_with_the_settings_named() -> None:
    with pytest.raises(Undeliverable, match="OPERATOR_EMAIL"):
        await Alert(Operator(), httpx2.AsyncClient(), clock=lambda: NIGHT)(ITEM)
