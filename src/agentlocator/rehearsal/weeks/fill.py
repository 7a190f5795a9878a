"""Lets the weeks pass: day by day, call by call, in the order in which they came; then what became of the visits."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar

import msgspec
from sqlalchemy import select, update

from agentlocator.assistant.registry import Registry, ToolContext, ToolReply
from agentlocator.db.engine import Database
from agentlocator.db.schema import Appointment, Lead, Outbox, Turn
from agentlocator.db.scope import Scope
from agentlocator.domain import appointments, businesses, calls, conversations, leads, localtime, stages
from agentlocator.domain.leads import By, Patch
from agentlocator.domain.profile import BusinessProfile
from agentlocator.realtime import usage as pricing
from agentlocator.rehearsal.weeks import stories
from agentlocator.rehearsal.weeks.dialogue import Dialogue
from agentlocator.rehearsal.weeks.stories import Caller, Story
from agentlocator.rehearsal.weeks.townsfolk import (
    CLINIC,
    CLINIC_TOWNS,
    FIRST_NAMES,
    GARAGE,
    GARAGE_TOWNS,
    LAST_NAMES,
    Letters,
    Trade,
)

T = TypeVar("T")

WEEKS: Final = 5
MODEL: Final = "gpt-realtime-2.1"

# Share of a day's calls by hour: most while it is open, some in the evening, when only the assistant answers.
_HOURS: Final = {8: 8, 9: 14, 10: 15, 11: 13, 12: 9, 13: 7, 14: 7, 15: 8, 16: 8, 17: 6, 18: 4, 19: 4, 20: 3, 21: 2}
_SATURDAY: Final = 5
_RETURNS: Final = 0.38
_LEAST_TODAY: Final = 4


class Person(msgspec.Struct, frozen=True):
    """Somebody of the town."""

    name: str
    phone_e164: str
    town: str


async def fill(db: Database, *, seed: int, now: datetime, weeks: int = WEEKS) -> int:
    """Give both businesses, which are there already, their past; answers how many calls there were."""
    total = 0
    for trade, towns in ((CLINIC, CLINIC_TOWNS), (GARAGE, GARAGE_TOWNS)):
        async with db.operator() as operator:
            business_id = await businesses.find_by_number(operator, trade.number)
        assert business_id is not None, "the demonstration's businesses are seeded first"
        async with db.reading(business_id) as scope:
            profile = await businesses.show(scope)
        rng = random.Random(f"weeks/{seed}/{trade.key}")  # noqa: S311 - seeded on purpose, guards nothing
        # One transaction for it all: nobody else writes meanwhile, and a past that is half there is none.
        async with db.scope(business_id) as scope:
            past = _Past(scope, profile, trade, _people(rng, towns), rng, now)
            for started_at in past.moments(weeks):
                await past.call(started_at)
                total += 1
            await past.settle()
    return total


class _Open(Database):
    """The database as a tool meets it here: it writes into the transaction that is open."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    async def write(self, business_id: int, work: Callable[[Scope], Awaitable[T]]) -> T:
        assert business_id == self._scope.business_id, "a tool writes for the business of its call"
        return await work(self._scope)


class _Past:
    """One business's weeks, as they go by."""

    def __init__(
        self,
        scope: Scope,
        profile: BusinessProfile,
        trade: Trade,
        people: list[Person],
        rng: random.Random,
        now: datetime,
    ) -> None:
        self._scope = scope
        self._profile = profile
        self._trade = trade
        self._people = people
        self._rng = rng
        self._now = now
        self._registry = Registry()
        self._came: list[Person] = []

    def moments(self, weeks: int) -> list[datetime]:
        """When somebody called, in order; the last of today ended before now."""
        today = localtime.today(self._now, self._profile.timezone)
        found: list[datetime] = []
        for days_ago in range(weeks * 7, -1, -1):
            day = today - timedelta(days=days_ago)
            count = self._rng.randint(*self._trade.calls_a_day)
            if day.weekday() == _SATURDAY:
                count = self._rng.randint(0, 2)
            hours = self._rng.choices(list(_HOURS), weights=list(_HOURS.values()), k=count)
            walls = [
                datetime(day.year, day.month, day.day, hour, self._rng.randint(0, 59), self._rng.randint(0, 59))
                for hour in hours
            ]
            found += [localtime.closest_instant(wall, self._profile.timezone) for wall in walls]
        latest = self._now - timedelta(minutes=4)
        return sorted({*(moment for moment in found if moment < latest), *self._today(latest)})

    def _today(self, latest: datetime) -> list[datetime]:
        """A few calls of today in any case, however early it is: somebody looks at this now."""
        day = datetime.combine(localtime.today(self._now, self._profile.timezone), datetime.min.time())
        midnight = localtime.closest_instant(day, self._profile.timezone)
        stretch = min(latest - midnight, timedelta(hours=9))
        if stretch < timedelta(minutes=20):
            return []
        step = stretch / (_LEAST_TODAY + 1)
        jitter = [timedelta(seconds=self._rng.randint(0, 90)) for _ in range(_LEAST_TODAY)]
        return [latest - step * number + jitter[number - 1] for number in range(1, _LEAST_TODAY + 1)]

    async def call(self, started_at: datetime) -> None:
        """Somebody calls, something comes of it, and all of it is written down."""
        person = self._who()
        call_sid = "CA" + hashlib.md5(f"{self._trade.key}/{started_at}/{person.phone_e164}".encode()).hexdigest()  # noqa: S324 - a name, not a secret
        scope = self._scope
        row = await calls.open_call(
            scope, call_sid=call_sid, from_raw=person.phone_e164, to_e164=self._trade.number, now=started_at
        )
        lead = await leads.find_or_create_for_call(scope, from_raw=person.phone_e164, call_sid=call_sid, now=started_at)
        coming = await appointments.upcoming_of(scope, lead.id, now=started_at + timedelta(hours=3))
        spoken = Dialogue(self._rng, started_at)
        caller = Caller(person.name, bool(lead.name), person.town, len(coming) == 1)

        async def tool(name: str, /, **arguments: Any) -> ToolReply:
            given = {field: value for field, value in arguments.items() if value is not None}
            spoken.tools += 1
            context = ToolContext(_Open(scope), self._profile.business_id, lead.id, call_sid, None, "call", spoken.now)
            written = msgspec.json.encode(given).decode()
            return await self._registry.invoke(context, name, written, f"{call_sid}:call_{spoken.tools}")

        ending = await self._story(caller)(self._trade, caller, spoken, tool, self._rng)
        _write_down(scope, row.id, spoken, started_at)
        await _finish(scope, call_sid, spoken, ending, started_at)

    async def settle(self) -> None:
        """What became of the visits, which letters were written, and that nothing old is still to be sent."""
        await self._visits(self._scope)
        await self._letters(self._scope)
        await self._scope.changed(update(Outbox).where(Outbox.done_at.is_(None)).values(done_at=self._now))

    def _who(self) -> Person:
        if self._came and self._rng.random() < _RETURNS:
            return self._rng.choice(self._came)
        person = self._people[len(self._came) % len(self._people)]
        self._came.append(person)
        return person

    def _story(self, caller: Caller) -> Story:
        told = stories.OF_THOSE_WHO_ARE_COMING if caller.coming else stories.USUAL
        return self._rng.choices([story for story, _ in told], weights=[weight for _, weight in told])[0]

    async def _visits(self, scope: Scope) -> None:
        passed: Sequence[Appointment] = await scope.all(
            select(Appointment)
            .where(Appointment.ends_at < self._now, Appointment.status == "booked")
            .order_by(Appointment.starts_at)
        )
        won = next(stage for stage in await stages.listed(scope) if stage.kind == "won")
        for visit in passed:
            at = min(visit.ends_at + timedelta(minutes=20), self._now)
            if self._rng.random() < 0.07:
                await appointments.no_show(scope, visit.id, now=at, by=self._trade.owner_email)
                continue
            await appointments.complete(scope, visit.id, now=at, by=self._trade.owner_email)
            if visit.lead_id is not None:
                await stages.move(scope, visit.lead_id, won.stage_id, actor=self._trade.owner_email, now=at)

    async def _letters(self, scope: Scope) -> None:
        """Threads of the last days, the ones that wait for a person last."""
        named: Sequence[Lead] = await scope.all(
            select(Lead).where(Lead.name.is_not(None), Lead.phone_kind == "mobile").order_by(Lead.id.desc()).limit(40)
        )
        writers = self._rng.sample(list(named), k=min(len(named), len(self._trade.letters)))
        threads = sorted(self._trade.letters, key=lambda letters: bool(letters.needs_person))
        for number, (lead, letters) in enumerate(zip(writers, threads, strict=False)):
            await self._thread(scope, lead, letters, timedelta(hours=7) * (len(threads) - number - 1))

    async def _thread(self, scope: Scope, lead: Lead, letters: Letters, ago: timedelta) -> None:
        at = self._now - ago - timedelta(minutes=self._rng.randint(25, 80))
        thread = await conversations.of_lead(scope, lead.id, now=at)
        for number, (author, body) in enumerate(letters.lines):
            at += timedelta(seconds=self._rng.randint(6, 15) if author == "assistant" else self._rng.randint(40, 200))
            await conversations.say(
                scope,
                thread.id,
                channel="whatsapp",
                author="lead" if author == "lead" else "assistant",
                body=body,
                now=min(at, self._now),
                external_uid=f"demo-{thread.id}-{number}",
                delivery="received" if author == "lead" else "read",
            )
        thread.needs_person = letters.needs_person
        if not letters.needs_person:
            await conversations.seen(scope, thread.id)
        lead.last_activity_at = max(lead.last_activity_at, min(at, self._now))
        by = By("person", self._trade.owner_email)
        if lead.need is None:
            await leads.upsert(scope, lead.id, Patch(need=letters.lines[0][1]), by=by, now=self._now)


def _write_down(scope: Scope, call_id: int, spoken: Dialogue, started_at: datetime) -> None:
    for number, line in enumerate(spoken.lines):
        scope.add(
            Turn(
                call_id=call_id,
                key=f"{line.speaker}:{line.at_ms}:item_{number}",
                speaker=line.speaker,
                text=line.text,
                heard_text=line.heard if line.heard is not None or line.speaker == "caller" else line.text,
                interrupted=line.heard is not None,
                latency_ms=line.latency_ms,
                at=started_at + timedelta(milliseconds=line.at_ms),
            )
        )


async def _finish(scope: Scope, call_sid: str, spoken: Dialogue, ending: stories.Ending, started_at: datetime) -> None:
    length_ms = spoken.length_ms + 400
    facts = {
        "detail": ending.detail,
        "produced_ms": spoken.produced_ms,
        "heard_ms": spoken.heard_ms,
        "discarded_ms": spoken.produced_ms - spoken.heard_ms,
        "alarms": spoken.alarms,
    }
    await calls.finish_call(
        scope,
        call_sid=call_sid,
        outcome=ending.outcome,
        now=started_at + timedelta(milliseconds=length_ms),
        tx=spoken.heard_ms // 20,
        rx=length_ms // 20,
        usage=msgspec.to_builtins(spoken.spent),
        cost_micro_usd=pricing.cost_micro_usd(MODEL, spoken.spent),
        summary=ending.summary or None,
        facts=facts,
    )


def _people(rng: random.Random, towns: tuple[str, ...]) -> list[Person]:
    """The town: every name once, each with a phone of its own."""
    names = [f"{first} {last}" for first in FIRST_NAMES for last in LAST_NAMES]
    rng.shuffle(names)
    numbers = rng.sample(range(10_000), k=len(names))
    prefix = rng.choice(("50", "52", "54"))
    return [
        Person(name, f"+972{prefix}555{number:04}", rng.choice(towns))
        for name, number in zip(names, numbers, strict=True)
    ]
