"""The canary: each business is certified every night, and the operator is told when one fails or its model will end.

It decides when, and tells; what a certification is, whoever hands it down knows. A night's certification has a key of
its own, so that of several servers one does it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, time, timedelta
from typing import Any, Final

import msgspec
import structlog

from agentlocator.clock import Clock
from agentlocator.db.engine import Database
from agentlocator.db.schema import Certificate
from agentlocator.domain import businesses, localtime, outbox, readiness
from agentlocator.realtime import lifetimes

KIND: Final = "operator.alert"
# The operator is told of a model's end from so many days before it, once a week.
NOTICE_DAYS: Final = 60
# A night that was missed because the server was down is not made up for in the middle of the day.
LATEST: Final = timedelta(hours=4)

_log = structlog.stdlib.get_logger("agentlocator.jobs")

Certify = Callable[[int, str], Awaitable[None]]
"""Certifies a business under a key and leaves the record. May raise; then there is no record, or an unfinished one."""


class Canary:
    """`at` is the wall clock of each business; `model` is the one whose end is watched."""

    def __init__(self, db: Database, certify: Certify, *, at: time, model: str, public_url: str, clock: Clock) -> None:
        self._db = db
        self._certify = certify
        self._at = at
        self._model = model
        self._public_url = public_url
        self._clock = clock

    async def look(self) -> None:
        """Certifies whoever is due, one after the other, and leaves what the operator must know for delivery."""
        async with self._db.operator() as operator:
            listed = [one for one in await businesses.listed(operator) if one.numbers]
        for business in listed:
            night = await self._night(business.business_id)
            if night is not None:
                await self._certify_once(business.business_id, f"night.{night}")
        if listed:
            await self._watch_the_model(listed[0].business_id)

    async def _night(self, business_id: int) -> str | None:
        """The night that is due for this business, by its own clock."""
        async with self._db.reading(business_id) as scope:
            timezone = (await businesses.show(scope)).timezone
        wall = localtime.to_wall(self._clock(), timezone)
        since = wall.replace(tzinfo=None) - datetime.combine(wall.date(), self._at)
        return wall.date().isoformat() if timedelta(0) <= since < LATEST else None

    async def _certify_once(self, business_id: int, key: str) -> None:
        row = await self._record(business_id, key)
        if row is None:
            try:
                await self._certify(business_id, key)
            except Exception:
                _log.exception("ALARM", alarm="canary_broke_off", business=business_id)
            row = await self._record(business_id, key)
        if row is not None and row.state == "running" and row.started_at > self._clock() - readiness.LONGEST:
            return  # another server is at it
        if row is None or row.state != "passed":
            await self._tell(business_id, f"{KIND}.{key}", self._failure(business_id, row))

    async def _record(self, business_id: int, key: str) -> Certificate | None:
        async with self._db.reading(business_id) as scope:
            return await readiness.by_key(scope, key)

    def _failure(self, business_id: int, row: Certificate | None) -> dict[str, Any]:
        verdicts = row.verdicts if row is not None else {}
        failed = sorted(int(number) for number, verdict in verdicts.items() if verdict == "failed")
        what = f"סעיפים {', '.join(map(str, failed))}" if failed else "הבדיקה לא הסתיימה"
        place = f"readiness/{row.id}" if row is not None else "readiness"
        return {
            "alert": "certification_failed",
            "business_id": business_id,
            "failed_sections": failed,
            "text": f"בדיקת המוכנות של הלילה נכשלה: {what}. {self._public_url}/b/{business_id}/{place}",
        }

    async def _watch_the_model(self, business_id: int) -> None:
        ends_on = lifetimes.announced_end(self._model)
        today = self._clock().date()
        if ends_on is None or (ends_on - today).days > NOTICE_DAYS:
            return
        year, week, _ = today.isocalendar()
        days = (ends_on - today).days
        payload = {
            "alert": "model_ends",
            "model": self._model,
            "ends_on": ends_on.isoformat(),
            "text": f"המודל {self._model} ייסגר ב-{ends_on:%d.%m.%Y} (בעוד {days} ימים). "
            "יש לקבוע OPENAI_REALTIME_MODEL חדש יותר ולהפעיל מחדש את השרת.",
        }
        await self._tell(business_id, f"{KIND}.model.{self._model}.{year}-{week}", payload)

    async def _tell(self, business_id: int, key: str, payload: dict[str, Any]) -> None:
        now = self._clock()
        async with self._db.reading(business_id) as scope:
            if await outbox.is_there(scope, key):
                return
        _log.error("ALARM", alarm=payload["alert"], business=business_id, detail=payload["text"])
        async with self._db.scope(business_id) as scope:
            await outbox.put(scope, kind=KIND, key=key, payload=msgspec.to_builtins(payload), now=now)
