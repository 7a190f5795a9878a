"""The address at which a business's appointments can be subscribed to. Whoever knows the secret may read, nobody else.

A wrong secret and a business that is gone are the same answer: nothing is told by the difference.
"""

from __future__ import annotations

from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from agentlocator.db.engine import Database
from agentlocator.domain import businesses, calendar_feed

PATH = "/calendar/{secret}.ics"


class CalendarFeed:
    """Serves the feeds of all businesses."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def route(self) -> Route:
        return Route(PATH, self.serve, methods=["GET"])

    async def serve(self, request: Request) -> Response:
        """The calendar, or 404."""
        async with self._db.operator() as operator:
            business_id = await businesses.find_by_calendar_secret(operator, request.path_params["secret"])
        if business_id is None:
            return Response(status_code=404)
        async with self._db.reading(business_id) as scope:
            calendar = await calendar_feed.feed(scope, now=datetime.now(UTC))
        headers = {"Cache-Control": "private, max-age=300", "X-Robots-Tag": "noindex"}
        return Response(calendar, media_type="text/calendar; charset=utf-8", headers=headers)
