"""The calls of this process: takes a call in, gives it its business, its lead and its session, and finds it again.

The one place of the phone path where the business side and the core meet; it hands each what it needs of the other.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import structlog

from agentlocator.assistant.registry import Registry, ToolContext
from agentlocator.call.commands import EndStream
from agentlocator.call.policy import CallPolicy, Remembered
from agentlocator.db.engine import Database
from agentlocator.domain import businesses, calls, leads, spending
from agentlocator.domain.leads import By, Patch
from agentlocator.domain.profile import BusinessProfile
from agentlocator.twilio import stream_token
from agentlocator.twilio.messages import Start
from agentlocator.voice import preparation
from agentlocator.voice.media_stream import MediaSocket, MediaStream
from agentlocator.voice.model_link import RealtimeServer
from agentlocator.voice.records import CallRecords
from agentlocator.voice.scorer import ScorerUnavailable, SpeechModel, SpeechScorer
from agentlocator.voice.session import CallSession, Invoke
from agentlocator.voice.truth_lock import TruthLock

_log = structlog.stdlib.get_logger(__name__)

TOKEN_TTL_S = 60
# A test call is a whole call and costs as much: a business makes only so many at once.
MOST_TESTS = 3
TEST_CALLER = "browser"
TEST_LEAD = "שיחת בדיקה"
# The carrier asks what next within moments of a stream's end.
ENDINGS_REMEMBERED = 1_000

# How a call ended that never reached the assistant, because the business's spending is at its cap.
OVER_CAP = "over_cap"


class Line(msgspec.Struct, frozen=True):
    """What the voice path is configured with, once for the process; a business overrides single fields of `policy`."""

    realtime_url: str
    realtime_api_key: str
    realtime_model: str
    realtime_voice: str
    token_secret: str
    journals: Path
    policy: CallPolicy = CallPolicy()


class Offer(msgspec.Struct, frozen=True):
    """A call that was taken in: its business, and the token with which its media stream may join it.

    One that goes `to_person` has no session and no token: the business's spending is at its cap.
    """

    business: BusinessProfile
    token: str
    to_person: bool = False


class TestOffer(msgspec.Struct, frozen=True):
    """A call from a page of the business, and the token with which the page may join it."""

    __test__ = False

    call_sid: str
    token: str


class Switchboard:
    """Holds the sessions of all calls that are live in this process, by CallSid."""

    def __init__(self, line: Line, db: Database, registry: Registry) -> None:
        self._line = line
        self._db = db
        self.registry = registry
        self._server = RealtimeServer(line.realtime_url, line.realtime_api_key)
        self._sessions: dict[str, CallSession] = {}
        self._endings: dict[tuple[int, str], EndStream] = {}
        self._tests: dict[str, int] = {}
        self._speech_model = _speech_model()
        self._group: asyncio.TaskGroup | None = None
        self.on_call: list[Callable[[CallSession, int], None]] = []

    @property
    def live(self) -> dict[str, CallSession]:
        """The calls that are under way, by CallSid."""
        return self._sessions

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """While this is open, calls are taken. Leaving it ends those that are left."""
        await self._end_lost_tests()
        try:
            async with asyncio.TaskGroup() as group:
                self._group = group
                try:
                    yield
                finally:
                    self._group = None
                    for session in list(self._sessions.values()):
                        session.stop()
        finally:
            self._sessions.clear()

    async def offer(self, call_sid: str, from_raw: str, to_e164: str) -> Offer | None:
        """Takes a call in and starts its model session; None when no business has the number.

        The carrier may ask again for the same call: it gets a new token for the session that exists.
        """
        profile = await self._profile(to_e164)
        if profile is None:
            return None
        now = datetime.now(UTC)
        async with self._db.scope(profile.business_id) as scope:
            call = await calls.open_call(scope, call_sid=call_sid, from_raw=from_raw, to_e164=to_e164, now=now)
            lead = await leads.find_or_create_for_call(scope, from_raw=from_raw, call_sid=call_sid, now=now)
            finished, lead_id = call.status == "finished", lead.id
            # A call that rings and has no session yet is a new one; whoever is being answered stays.
            is_new = call.status == "ringing" and call_sid not in self._sessions
            if call.outcome == OVER_CAP or (is_new and await spending.hands_over(scope, now=now)):
                await calls.finish_call(scope, call_sid=call_sid, outcome=OVER_CAP, now=now)
                return Offer(profile, "", to_person=True)
        if not finished and call_sid not in self._sessions:
            self._start(call_sid, profile, lead_id, now)
        return Offer(profile, self._token(call_sid, profile.business_id))

    def session_of(self, profile: BusinessProfile, now: datetime) -> dict[str, Any]:
        """What a call of this business that began now would ask of the model."""
        line = self._line
        return preparation.session(
            profile, self._policy(profile), self.registry, now, line.realtime_model, line.realtime_voice
        )

    async def offer_test(self, business_id: int, *, keeps: bool) -> TestOffer | None:
        """Somebody of the business calls its assistant from a page: a call like any other, marked as a test.

        What it books is cancelled when it is over, unless it `keeps` it. None while too many of them run.
        """
        if list(self._tests.values()).count(business_id) >= MOST_TESTS:
            return None
        call_sid, now = f"TEST{secrets.token_hex(16)}", datetime.now(UTC)
        self._tests[call_sid] = business_id
        try:
            async with self._db.scope(business_id) as scope:
                profile = await businesses.show(scope)
                to_e164 = next(iter(profile.numbers), "")
                await calls.open_call(
                    scope,
                    call_sid=call_sid,
                    from_raw=TEST_CALLER,
                    to_e164=to_e164,
                    now=now,
                    is_test=True,
                    facts={calls.KEEPS_BOOKINGS: keeps},
                )
                lead = await leads.find_or_create_for_call(scope, from_raw=TEST_CALLER, call_sid=call_sid, now=now)
                by = By("carrier", "system", call_sid)
                await leads.upsert(scope, lead.id, Patch(name=TEST_LEAD), by=by, now=now)
                lead_id = lead.id
            self._start(call_sid, profile, lead_id, now, is_kept=keeps)
        except BaseException:
            del self._tests[call_sid]
            raise
        return TestOffer(call_sid, self._token(call_sid, business_id))

    async def join(self, start: Start, socket: MediaSocket) -> tuple[CallSession, MediaStream] | None:
        """Connects a media stream with its call. None, and nothing was opened or used up, unless its token is good."""
        token = start.parameters.get("token", "")
        claim = stream_token.read(self._line.token_secret, token, time.time())
        if claim is None or claim.call_sid != start.call_sid:
            return None
        session = self._session(claim.business_id, claim.call_sid)
        if session is None:
            return None
        async with self._db.scope(claim.business_id) as scope:
            fresh = await calls.consume_stream_token(
                scope,
                call_sid=claim.call_sid,
                token_digest=stream_token.digest(token),
                now=datetime.now(UTC),
                stream_sid=start.stream_sid,
            )
        stream = MediaStream(socket, start.stream_sid)
        return (session, stream) if fresh and session.attach(stream, start.format_fault) else None

    async def ending(self, call_sid: str, to_e164: str) -> tuple[BusinessProfile, EndStream] | None:
        """Whose call it was and how our side of it ended, with an empty outcome where nothing is known of it."""
        profile = await self._profile(to_e164)
        if profile is None:
            return None
        session = self._session(profile.business_id, call_sid)
        ending = session.ending if session else self._endings.get((profile.business_id, call_sid))
        if ending is None:
            # Another process may have held the call, or this one before it was restarted.
            async with self._db.reading(profile.business_id) as scope:
                call = await calls.find(scope, call_sid)
            ending = EndStream((call.outcome or "") if call else "")
        return profile, ending

    async def come_back(self, call_sid: str, to_e164: str) -> Offer | None:
        """The call returns from a person who did not answer, to a new session that knows what has been said."""
        found = await self.ending(call_sid, to_e164)
        if found is None:
            return None
        profile, ending = found
        session = self._session(profile.business_id, call_sid)
        if session is not None and session.ending is None:
            return Offer(profile, self._token(call_sid, profile.business_id))  # the carrier asks again
        if ending.outcome != "transferred":
            return None
        now = datetime.now(UTC)
        async with self._db.scope(profile.business_id) as scope:
            call = await calls.find(scope, call_sid)
            if call is None or call.lead_id is None or not await calls.reopen(scope, call_sid):
                return None
            said = await calls.turns(scope, call_sid)
            lead_id = call.lead_id
        returning = tuple(
            Remembered("assistant" if turn.speaker == "assistant" else "user", turn.heard_text or turn.text)
            for turn in said
            if turn.speaker != "tool"
        )
        if call_sid not in self._sessions:
            self._start(call_sid, profile, lead_id, now, returning)
        return Offer(profile, self._token(call_sid, profile.business_id))

    async def carrier_reported(self, call_sid: str, to_e164: str, status: str) -> None:
        """The carrier's word on a call: may come twice, late, or first."""
        business_id = await self._business_of(to_e164)
        if business_id is None:
            return
        async with self._db.scope(business_id) as scope:
            await calls.carrier_reported(scope, call_sid=call_sid, status=status, now=datetime.now(UTC))
        session = self._session(business_id, call_sid)
        if session is not None and status in calls.CARRIER_ENDS:
            session.hang_up(f"carrier reported {status}")

    def _start(
        self,
        call_sid: str,
        profile: BusinessProfile,
        lead_id: int,
        now: datetime,
        returning: tuple[Remembered, ...] = (),
        *,
        is_kept: bool = True,
    ) -> None:
        assert self._group is not None, "calls are taken only while the switchboard is open"
        asked = self.session_of(profile, now)
        records = CallRecords(
            self._db,
            profile.business_id,
            call_sid,
            now,
            self._line.journals,
            self._line.realtime_model,
            prompt=str(asked["instructions"]),
        )
        truth = TruthLock()
        session = CallSession(
            profile.business_id,
            preparation.brief(call_sid, profile, self._policy(profile), returning),
            asked,
            lambda: self._server.open(self._line.realtime_model),
            self._invoker(call_sid, profile.business_id, lead_id, truth),
            records,
            now.isoformat(),
            truth,
            SpeechScorer(self._speech_model) if self._speech_model else None,
        )
        self._sessions[call_sid] = session
        for watch in self.on_call:
            watch(session, profile.business_id)
        self._group.create_task(self._run(call_sid, session, is_kept), name=f"call {call_sid}")

    def _policy(self, profile: BusinessProfile) -> CallPolicy:
        return preparation.policy_of(profile, self._line.policy, neural_ear=self._speech_model is not None)

    async def _business_of(self, to_e164: str) -> int | None:
        async with self._db.operator() as operator:
            return await businesses.find_by_number(operator, to_e164)

    async def _profile(self, to_e164: str) -> BusinessProfile | None:
        business_id = await self._business_of(to_e164)
        if business_id is None:
            return None
        async with self._db.reading(business_id) as scope:
            return await businesses.show(scope)

    def _token(self, call_sid: str, business_id: int) -> str:
        return stream_token.issue(self._line.token_secret, call_sid, business_id, time.time(), TOKEN_TTL_S)

    def _session(self, business_id: int, call_sid: str) -> CallSession | None:
        """A live call of this business: one of another business is not there, whatever it is called."""
        session = self._sessions.get(call_sid)
        return session if session is not None and session.business_id == business_id else None

    async def _run(self, call_sid: str, session: CallSession, is_kept: bool) -> None:
        try:
            try:
                await session.run()
            finally:
                if not is_kept:
                    await self._take_back(session)
        except Exception:
            # One call's bug must not end the others'.
            _log.exception("ALARM", alarm="call_crashed", call_id=call_sid)
        finally:
            self._sessions.pop(call_sid, None)
            self._tests.pop(call_sid, None)
            if session.ending is not None:
                self._endings[session.business_id, call_sid] = session.ending
                while len(self._endings) > ENDINGS_REMEMBERED:
                    del self._endings[next(iter(self._endings))]

    async def _end_lost_tests(self) -> None:
        """What a server that died had promised to take back. Another's test under way loses only what it would lose."""
        async with self._db.operator() as operator:
            listed = await businesses.listed(operator)
        for one in listed:
            async with self._db.scope(one.business_id) as scope:
                await calls.end_lost_tests(scope, now=datetime.now(UTC))

    async def _take_back(self, session: CallSession) -> None:
        async with self._db.scope(session.business_id) as scope:
            await calls.take_back(scope, session.brief.call_sid, by="system", now=datetime.now(UTC))

    def _invoker(self, call_sid: str, business_id: int, lead_id: int, truth: TruthLock) -> Invoke:
        async def invoke(name: str, arguments: str, tool_call_id: str) -> tuple[str, bool]:
            context = ToolContext(
                db=self._db,
                business_id=business_id,
                lead_id=lead_id,
                call_sid=call_sid,
                conversation_id=None,
                channel="call",
                now=datetime.now(UTC),
            )
            reply = await self.registry.invoke(context, name, arguments, f"{call_sid}:{tool_call_id}")
            truth.saw(reply)
            return reply.for_model(), reply.ok

        return invoke


def _speech_model() -> SpeechModel | None:
    """The neural speech detector. Without its weights calls go on, with an ear that reacts more slowly."""
    try:
        return SpeechModel.load()
    except ScorerUnavailable as fault:
        _log.warning("no neural speech detector", detail=str(fault))
        return None
