"""A call in virtual time: the real core and the real wire formats between two simulated peers, and no clock.

Every message is serialised, delayed by a simulated network, and parsed again. Only tools run outside of virtual time:
they are awaited, and their answer arrives `tool_ms` later.
"""

from __future__ import annotations

import heapq
import itertools
import random
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import cache, partial
from pathlib import Path
from typing import Any

import msgspec

from agentlocator.assistant.registry import Registry, ToolContext
from agentlocator.call import commands as do
from agentlocator.call import events as on
from agentlocator.call import journal
from agentlocator.call.machine import Call
from agentlocator.call.policy import CallBrief, CallPolicy
from agentlocator.db.engine import Database
from agentlocator.domain import businesses, calls, leads
from agentlocator.domain.seed import seed_demo
from agentlocator.realtime import messages as realtime
from agentlocator.realtime.usage import Tokens
from agentlocator.rehearsal import evidence, meanwhile
from agentlocator.rehearsal.evidence import Evidence, Observer
from agentlocator.simulator.carrier import CallFacts, Carrier
from agentlocator.simulator.network import Link
from agentlocator.simulator.peer import Close, Out, Send
from agentlocator.simulator.person import Person
from agentlocator.simulator.play import Role, Scenario
from agentlocator.simulator.realtime_hub import RealtimeHub, Refused
from agentlocator.simulator.realtime_server import RealtimeServer, Upgrade
from agentlocator.simulator.speech import Voice
from agentlocator.twilio.errors import RemoteProtocolError
from agentlocator.voice import preparation
from agentlocator.voice.media_stream import read
from agentlocator.voice.model_link import FATAL_STATUSES
from agentlocator.voice.scorer import ScorerUnavailable, SpeechModel, SpeechScorer
from agentlocator.voice.translate import CarrierTranslator, ModelTranslator
from agentlocator.voice.truth_lock import TruthLock

Invoke = Callable[[str, str, str], Awaitable[tuple[str, bool]]]
Watch = Callable[[int, on.Event, list[do.Command]], None]
NamedWatch = Callable[[str, int, on.Event, list[do.Command]], None]
"""A watch that is told whose call it sees."""

TRAVEL_MS = 40
JITTER_MS = 15
MODEL_TRAVEL_MS = 60
TOOL_MS = 30
STREAM_OPENS_MS = 250
LONGEST_CALL_MS = 45 * 60_000


async def perform(
    scenario: Scenario, folder: Path, *, seed: int = 1, watch: NamedWatch | None = None, voice: Voice | None = None
) -> list[Evidence]:
    """Plays a scenario's roles, each in its own time, on a seeded database in `folder`; one evidence each."""
    db = await Database.open(f"sqlite:///{folder / 'agentlocator.db'}")
    try:
        await db.migrate()
        await seed_demo(db)
        voice = voice or Voice(folder / "voices")
        return [
            await _perform(scenario, role, db, voice, folder, seed + number, watch)
            for number, role in enumerate(scenario.roles)
        ]
    finally:
        await db.close()


async def _perform(
    scenario: Scenario, role: Role, db: Database, voice: Voice, folder: Path, seed: int, watch: NamedWatch | None
) -> Evidence:
    played = await play(scenario, role, db, voice, seed=seed, now=datetime.now(UTC), watch=watch)
    journal_path = folder / f"{played.evidence.call_sid}.jsonl"
    journal_path.write_bytes(played.journal)
    played.evidence.journal = str(journal_path)
    return played.evidence


class Played(msgspec.Struct, frozen=True):
    """One call that was played: what it proves, what was seen of it, its journal, and what the model used."""

    evidence: Evidence
    observer: Observer
    journal: bytes
    spent: Tokens
    business_id: int


async def play(
    scenario: Scenario,
    role: Role,
    db: Database,
    voice: Voice,
    *,
    seed: int,
    now: datetime,
    watch: NamedWatch | None = None,
) -> Played:
    """Plays one role as a call that came in at `now`; its row, its lead and its bookings stay in the database."""
    call_sid = f"CA{seed:032x}"
    async with db.operator() as operator:
        business_id = await businesses.find_by_number(operator, role.business)
    assert business_id is not None, f"no business has the number {role.business}"
    async with db.scope(business_id) as scope:
        profile = await businesses.show(scope)
        await calls.open_call(scope, call_sid=call_sid, from_raw=role.from_e164, to_e164=role.business, now=now)
        lead = await leads.find_or_create_for_call(scope, from_raw=role.from_e164, call_sid=call_sid, now=now)
        context = ToolContext(db, business_id, lead.id, call_sid, None, "call", now)

    registry = Registry()
    truth = TruthLock()
    happened: list[str] = []

    async def invoke(name: str, arguments: str, tool_call_id: str) -> tuple[str, bool]:
        reply = await registry.invoke(context, name, arguments, f"{call_sid}:{tool_call_id}")
        if scenario.meanwhile == "first_slot_taken" and not happened:
            happened.append(name)
            await meanwhile.take_first_slot(db, business_id, reply.for_model(), now)
        truth.saw(reply)
        return reply.for_model(), reply.ok

    observer = Observer()

    def see(at_ms: int, event: on.Event, commands: list[do.Command]) -> None:
        observer(at_ms, event, commands)
        if watch is not None:
            watch(profile.name, at_ms, event, commands)

    hub = RealtimeHub(scenario.brain, voice, seed=seed, faults=scenario.model_faults)
    carrier = Carrier(
        CallFacts("AC" + "0" * 32, call_sid, role.from_e164, role.business),
        f"MZ{seed:032x}",
        faults=scenario.carrier_faults,
    )
    person = Person(role.lines, voice, random.Random(seed))  # noqa: S311 - seeded on purpose, guards nothing
    scorer = _scorer()
    policy = preparation.policy_of(profile, CallPolicy(), neural_ear=scorer is not None)
    played = Stage(
        preparation.brief(call_sid, profile, policy),
        preparation.session(profile, policy, registry, now, "gpt-realtime-2.1", "shimmer"),
        hub,
        carrier,
        person,
        invoke,
        seed=seed,
        tool_ms=scenario.tool_ms or TOOL_MS,
        scorer=scorer,
        truth=truth,
        watch=see,
    )
    await played.run()
    gathered = evidence.gather(scenario.name, profile.name, observer, carrier, person, hub.servers)
    gathered.refused_messages = played.refused_messages
    await evidence.add_rows(gathered, db, profile)
    return Played(gathered, observer, b"".join(played.journal), played.spent, business_id)


def _scorer() -> SpeechScorer | None:
    try:
        return SpeechScorer(_speech_model())
    except ScorerUnavailable:
        return None


@cache
def _speech_model() -> SpeechModel:
    return SpeechModel.load()


class Stage:
    """One call. `run` plays it to its end; the journal, the carrier and the servers are the evidence."""

    def __init__(
        self,
        brief: CallBrief,
        session: dict[str, Any],
        hub: RealtimeHub,
        carrier: Carrier,
        person: Person,
        invoke: Invoke,
        *,
        seed: int = 1,
        tool_ms: int = TOOL_MS,
        scorer: SpeechScorer | None = None,
        truth: TruthLock | None = None,
        watch: Watch | None = None,
    ) -> None:
        rng = random.Random(f"stage/{seed}")  # noqa: S311 - seeded on purpose, guards nothing
        self.call = Call(brief)
        self.carrier = carrier
        self.person = person
        self.refused_messages = 0
        self.spent = Tokens()
        self.journal = [journal.write_header(brief, "1970-01-01T00:00:00Z")]
        self._session = session
        self._hub = hub
        self._invoke = invoke
        self._tool_ms = tool_ms
        self._scorer = scorer
        self._truth = truth or TruthLock()
        self._watch = watch
        self._uplink = Link(TRAVEL_MS, JITTER_MS, rng)
        self._downlink = Link(TRAVEL_MS, JITTER_MS, rng)
        self._rng = rng
        self._order = itertools.count()
        self._due: list[tuple[int, int, Callable[[], Awaitable[None] | None]]] = []
        self._now_ms = 0
        self._wire: CarrierTranslator | None = None
        self._link: _ModelEnd | None = None

    async def run(self) -> None:
        """Plays the call until it is over, or for `LONGEST_CALL_MS`."""
        self._take(on.CallOffered())
        self._at(STREAM_OPENS_MS, self._open_stream)
        while not self._finished and self._now_ms < LONGEST_CALL_MS:
            await self._step()

    @property
    def _finished(self) -> bool:
        return self.call.over and (self.carrier.ended or self._wire is None)

    async def _step(self) -> None:
        """Goes to the next moment at which anything happens, and lets it happen."""
        times = [
            self._due[0][0] if self._due else None,
            None if self.call.over else self.call.deadline_ms,
            self.carrier.next_ms() if self._wire else None,
            self._link.server.next_ms() if self._link else None,
        ]
        self._now_ms = max(self._now_ms, min(t for t in times if t is not None))
        while self._due and self._due[0][0] <= self._now_ms:
            happening = heapq.heappop(self._due)[2]()
            if happening is not None:
                await happening
        if self._link is not None:
            self._link.deliver(self._link.server.timer(self._now_ms))
        if self._wire is not None:
            self._from_carrier(self.carrier.timer(self._now_ms))
            self.person.tick(self.carrier, self._now_ms)
        if not self.call.over and self.call.deadline_ms is not None and self.call.deadline_ms <= self._now_ms:
            self._take(on.TimerFired())

    def _open_stream(self) -> None:
        if self.call.over:
            return
        self._wire = CarrierTranslator(self.carrier.stream_sid)
        self._take(on.StreamStarted(self.carrier.stream_sid))
        self._from_carrier(self.carrier.open(self._now_ms))

    # The carrier's side.

    def _from_carrier(self, outs: list[Out]) -> None:
        for out in outs:
            arrives_ms = self._uplink.send(self._now_ms)
            if isinstance(out, Send):
                self._at(arrives_ms, partial(self._hear_carrier, out.text))
            else:
                self._at(arrives_ms, partial(self._take, on.CallerHungUp("the media socket closed")))

    def _hear_carrier(self, text: str) -> None:
        assert self._wire is not None, "the carrier speaks only on an open stream"
        try:
            events = self._wire.events(read(text))
        except RemoteProtocolError:
            self.refused_messages += 1
            return
        for event in events:
            self._take(event)

    def _to_carrier(self, text: str) -> None:
        self._from_carrier(self.carrier.receive(text, self._now_ms))

    # The model's side.

    def _connect(self) -> None:
        admitted = self._hub.admit(Upgrade(authorization="Bearer sk-simulated"))
        if isinstance(admitted, Refused):
            reason = f"the model's server answered HTTP {admitted.status}"
            fatal = admitted.status in FATAL_STATUSES
            self._at(self._now_ms + MODEL_TRAVEL_MS, partial(self._take, on.ModelDisconnected(reason, fatal)))
            return
        self._link = _ModelEnd(self, admitted, ModelTranslator(self._session), self._rng)
        self._at(self._now_ms + 2 * MODEL_TRAVEL_MS, self._link.connected)

    # The core.

    def _take(self, event: on.Event) -> None:
        if self.call.over:
            return
        commands = self.call.handle(event, self._now_ms)
        self.journal.append(journal.write_entry(self._now_ms, event, commands))
        for command in commands:
            self._carry_out(command)
        if self._watch is not None:
            self._watch(self._now_ms, event, commands)
        if not self.call.tools.running:
            for refuted in self._truth.verdicts():
                self._at(self._now_ms, partial(self._take, refuted))

    def _carry_out(self, command: do.Command) -> None:
        match command:
            case do.OpenModel():
                self._connect()
            case do.CloseModel():
                if self._link is not None:
                    self._link.detached = True
                    self._link = None
            case do.RecordTurn(speaker="assistant"):
                self._truth.heard(command.text)
            case do.ScoreSpeech():
                if self._scorer is not None:
                    probability = self._scorer.score(command.audio, command.fresh, command.glance)
                    self._at(self._now_ms, partial(self._take, on.SpeechScored(probability)))
            case do.InvokeTool():
                self._at(self._now_ms, partial(self._run_tool, command))
            case do.EndStream():
                self._at(self._downlink.send(self._now_ms), lambda: self.carrier.peer_closed(self._now_ms))
            case _:
                self._send(command)

    def _send(self, command: do.Command) -> None:
        text = self._wire.text(command) if self._wire else None
        if text is not None:
            self._at(self._downlink.send(self._now_ms), partial(self._to_carrier, text))
        elif self._link is not None:
            self._link.send(command)

    async def _run_tool(self, command: do.InvokeTool) -> None:
        output, ok = await self._invoke(command.name, command.arguments, command.tool_call_id)
        self._at(self._now_ms + self._tool_ms, partial(self._take, on.ToolFinished(command.tool_call_id, output, ok)))

    def _at(self, at_ms: int, happening: Callable[[], Awaitable[None] | None]) -> None:
        heapq.heappush(self._due, (at_ms, next(self._order), happening))


class _ModelEnd:
    """One connection to the simulated model, both ways."""

    def __init__(self, stage: Stage, server: RealtimeServer, translator: ModelTranslator, rng: random.Random) -> None:
        self.server = server
        self.detached = False
        self._stage = stage
        self._translator = translator
        self._up = Link(MODEL_TRAVEL_MS, JITTER_MS, rng)
        self._down = Link(MODEL_TRAVEL_MS, JITTER_MS, rng)

    def connected(self) -> None:
        if not self.detached:
            self.deliver(self.server.connected(self._stage._now_ms))

    def send(self, command: do.Command) -> None:
        text = self._translator.text(command)
        if text is not None:
            stage = self._stage
            stage._at(self._up.send(stage._now_ms), lambda: self.deliver(self.server.receive(text, stage._now_ms)))

    def deliver(self, outs: list[Out]) -> None:
        for out in outs:
            self._stage._at(self._down.send(self._stage._now_ms), partial(self._arrive, out))

    def _arrive(self, out: Out) -> None:
        if self.detached:
            return
        if isinstance(out, Close):
            self.detached = True
            self._stage._take(on.ModelDisconnected(f"closed with {out.code}", fatal=out.code >= 4000))
            return
        message = realtime.parse(out.text)
        self._stage.spent += realtime.spent(message) or Tokens()
        for event in self._translator.events(message):
            self._stage._take(event)
