"""People who write to the town's businesses, and the little world their messages pass through.

Messages come as real signed webhooks; what goes out is kept instead of sent. The clock stands still until it is moved.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import msgspec
from agents import Model
from agents.testing import ScriptedModel, assistant_message
from sqlalchemy import select
from starlette.applications import Starlette

from agentlocator.assistant.registry import Registry
from agentlocator.db.schema import Answer, Conversation, Message, Outbox
from agentlocator.domain import calls, leads
from agentlocator.whatsapp import answering, cloud, lines, outgoing, webhooks
from agentlocator.whatsapp.agent import Spoken, TextAgent
from agentlocator.whatsapp.answering import Responder
from agentlocator.whatsapp.messages import Outgoing, Refused, Unreachable
from agentlocator.whatsapp.outgoing import Job, Told
from agentlocator.whatsapp.thread import Received
from agentlocator.whatsapp.webhooks import Secrets, WhatsAppWebhooks
from town import DANA, Town

APP_SECRET = "the app's secret"
VERIFY_TOKEN = "the verify token"
TWILIO_TOKEN = "the account's token"
BRIDGE_SECRET = "the bridge's secret"
ORIGIN = "https://voice.example.com"
CLINIC_LINE = "111000111"
GARAGE_LINE = "222000222"
# Sunday, ten in the morning in Jerusalem.
MORNING = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
DANA_ID = DANA.lstrip("+")


class Post:
    """A transport that keeps what it is given, or fails as it is told."""

    def __init__(self) -> None:
        self.sent: list[Outgoing] = []
        self.fault: Exception | None = None

    async def send(self, outgoing: Outgoing) -> str:
        if self.fault is not None:
            raise self.fault
        self.sent.append(outgoing)
        return f"out.{len(self.sent)}"

    @property
    def texts(self) -> list[str]:
        return [one.text for one in self.sent]

    def is_down(self) -> None:
        self.fault = Unreachable("down")

    def refuses(self, code: str, *, is_window: bool = False) -> None:
        self.fault = Refused(code, is_window=is_window)


class Correspondence:
    """The town's WhatsApp: its webhooks, its agent with a scripted model, its outbox."""

    def __init__(self, town: Town, model: Model | None = None) -> None:
        self.town = town
        self.now = MORNING
        self.post = Post()
        self.model = model or ScriptedModel([[assistant_message("שלום, במה אפשר לעזור?")] for _ in range(20)])
        self.noticed: list[Received] = []
        self.agent = TextAgent(town.db, Registry(), self.model)
        self.responder = Responder(town.db, self.agent, clock=self.clock)
        secrets = Secrets(ORIGIN, APP_SECRET, VERIFY_TOKEN, (TWILIO_TOKEN,), BRIDGE_SECRET)
        hooks = WhatsAppWebhooks(town.db, secrets, self.noticed.append, clock=self.clock)
        self.http = httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app=Starlette(routes=hooks.routes())), base_url=ORIGIN
        )
        self._written = 0

    def clock(self) -> datetime:
        return self.now

    def passes(self, **time: float) -> None:
        self.now += timedelta(**time)

    async def opens(self) -> Correspondence:
        async with self.town.db.scope(self.town.clinic) as scope:
            assert await lines.add(scope, "cloud", CLINIC_LINE, now=self.now)
        async with self.town.db.scope(self.town.garage) as scope:
            assert await lines.add(scope, "cloud", GARAGE_LINE, now=self.now)
        return self

    async def writes(
        self,
        text: str,
        *,
        line: str = CLINIC_LINE,
        wa_id: str = DANA_ID,
        message_id: str = "",
        age: timedelta = timedelta(),
    ) -> int:
        """Somebody writes; answers the webhook's HTTP status."""
        self._written += 1
        message = text_message(
            text, wa_id=wa_id, message_id=message_id or f"wamid.{self._written}", sent_at=self.now - age
        )
        return await self.delivers(webhook(message, line=line, wa_id=wa_id))

    async def shows(self, kind: str, content: dict[str, str] | None = None) -> int:
        """Dana sends something that is not text; answers the webhook's HTTP status."""
        stamp = str(int(self.now.timestamp()))
        shown = {} if content is None else {kind: content}
        return await self.delivers(
            webhook({"from": DANA_ID, "id": "wamid.1", "timestamp": stamp, "type": kind, **shown})
        )

    async def delivers(self, body: bytes, *, secret: str = APP_SECRET) -> int:
        answer = await self.http.post(webhooks.CLOUD, content=body, headers={cloud.HEADER: cloud.sign(body, secret)})
        return answer.status_code

    async def conversation(self, business_id: int | None = None, phone: str = DANA) -> Conversation:
        async with self.town.db.reading(business_id or self.town.clinic) as scope:
            lead = await leads.find_by_phone(scope, phone)
            assert lead is not None, f"nobody has written from {phone}"
            found: Conversation | None = await scope.first(select(Conversation).where(Conversation.lead_id == lead.id))
        assert found is not None
        return found

    async def answers(self, business_id: int | None = None) -> list[Spoken | answering.Later | None]:
        """Everybody who waits is answered, once his message has settled."""
        self.passes(seconds=3)
        business_id = business_id or self.town.clinic
        async with self.town.db.reading(business_id) as scope:
            waiting = await answering.waiting_conversations(scope, now=self.now)
        return [await self.responder.answer(business_id, one) for one in waiting]

    async def sends(self, business_id: int | None = None) -> list[Told | str]:
        """The outbox is delivered once, row by row; a row that must wait stays."""
        business_id = business_id or self.town.clinic
        told: list[Told | str] = []
        for row in await self.waiting(business_id):
            row.attempts += 1
            job = Job(business_id, row.payload, row.key, row.attempts)
            try:
                came = await outgoing.deliver(self.town.db, {"cloud": self.post}, job, now=self.now)
            except Unreachable as fault:
                told.append(str(fault))
                continue
            told.append(came)
            if came.became != "wait":
                async with self.town.db.scope(business_id) as scope:
                    kept = await scope.get(Outbox, row.id)
                    assert kept is not None
                    kept.done_at = self.now
        return told

    async def waiting(self, business_id: int | None = None) -> Sequence[Outbox]:
        async with self.town.db.reading(business_id or self.town.clinic) as scope:
            found: Sequence[Outbox] = await scope.all(
                select(Outbox)
                .where(Outbox.kind == outgoing.KIND, Outbox.done_at.is_(None), Outbox.failed_at.is_(None))
                .order_by(Outbox.id)
            )
        return found

    async def thread(self, business_id: int | None = None) -> list[tuple[str, str, str]]:
        """Who wrote what, and how far it came."""
        async with self.town.db.reading(business_id or self.town.clinic) as scope:
            rows: Sequence[Message] = await scope.all(select(Message).order_by(Message.id))
        return [(row.author, row.body, row.delivery) for row in rows]

    async def outcomes(self, business_id: int | None = None) -> list[str]:
        async with self.town.db.reading(business_id or self.town.clinic) as scope:
            rows: Sequence[Answer] = await scope.all(select(Answer).order_by(Answer.id))
        return [row.outcome for row in rows]

    async def phones(self, call_sid: str = "CA1") -> None:
        """Dana is on the phone with the clinic."""
        async with self.town.db.scope(self.town.clinic) as scope:
            await calls.open_call(scope, call_sid=call_sid, from_raw=DANA, to_e164="+97235550101", now=self.now)
            await leads.find_or_create_for_call(scope, from_raw=DANA, call_sid=call_sid, now=self.now)

    async def hangs_up(self, call_sid: str = "CA1", summary: str | None = None) -> None:
        async with self.town.db.scope(self.town.clinic) as scope:
            await calls.finish_call(scope, call_sid=call_sid, outcome="caller_hung_up", now=self.now, summary=summary)


def text_message(text: str, *, wa_id: str, message_id: str, sent_at: datetime) -> dict[str, Any]:
    stamp = str(int(sent_at.timestamp()))
    return {"from": wa_id, "id": message_id, "timestamp": stamp, "type": "text", "text": {"body": text}}


def webhook(*messages: dict[str, Any], line: str = CLINIC_LINE, wa_id: str = DANA_ID, **more: object) -> bytes:
    """A webhook as the Cloud API writes it, its Hebrew escaped."""
    value = {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "97235550101", "phone_number_id": line},
        "contacts": [{"profile": {"name": "דנה"}, "wa_id": wa_id}],
        "messages": list(messages),
        **more,
    }
    changes = [{"field": "messages", "value": value}]
    whole = {"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": changes}]}
    return msgspec.json.encode(whole).decode().encode("ascii", "backslashreplace")
