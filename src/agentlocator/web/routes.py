"""The table of the dashboard's pages: every address, and the least role that opens it.

What is not in the table is not served; what is in it has said who may come.
"""

from __future__ import annotations

from typing import Final

from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope as AsgiScope

from agentlocator.web.door import HEADERS, Door, Page
from agentlocator.web.house import House
from agentlocator.web.pages import call, calls, entry, home, lead, leads, login, members, operator, today
from agentlocator.web.visit import TEMPLATES

STATIC: Final = TEMPLATES.parent / "static"

PAGES: Final = (
    Page("GET", "/", "account", home.show),
    Page("GET", "/login", "anyone", login.show),
    Page("POST", "/login", "anyone", login.log_in),
    Page("POST", "/logout", "account", login.log_out),
    Page("POST", "/language", "account", home.change_language),
    Page("GET", "/entry/{token}", "anyone", entry.show),
    Page("POST", "/entry/{token}", "anyone", entry.enter),
    Page("GET", "/operator", "operator", operator.show),
    Page("GET", "/b/{business_id:int}/today", "viewer", today.show),
    Page("GET", "/b/{business_id:int}/calls", "viewer", calls.show),
    Page("GET", "/b/{business_id:int}/calls/{call_sid}", "viewer", call.show),
    Page("GET", "/b/{business_id:int}/calls/{call_sid}/microscope", "viewer", call.microscope),
    Page("GET", "/b/{business_id:int}/calls/{call_sid}/journal", "owner", call.journal),
    Page("GET", "/b/{business_id:int}/leads", "viewer", leads.show),
    Page("GET", "/b/{business_id:int}/leads.csv", "owner", leads.export),
    Page("GET", "/b/{business_id:int}/leads/{lead_id:int}", "viewer", lead.show),
    Page("POST", "/b/{business_id:int}/leads/{lead_id:int}", "staff", lead.change),
    Page("POST", "/b/{business_id:int}/leads/{lead_id:int}/stage", "staff", lead.move),
    Page("GET", "/b/{business_id:int}/members", "owner", members.show),
    Page("POST", "/b/{business_id:int}/members", "owner", members.invite),
    Page("POST", "/b/{business_id:int}/members/{account_id:int}", "owner", members.change),
)


def routes(house: House) -> list[BaseRoute]:
    """The dashboard's routes, for the deployment's application."""
    pages = [Route(page.path, Door(house, page).open, methods=[page.method]) for page in PAGES]
    return [*pages, Mount("/static", _Static(directory=STATIC), name="static")]


class _Static(StaticFiles):
    """Our own scripts and styles, under the same headers as the pages."""

    async def get_response(self, path: str, scope: AsgiScope) -> Response:
        response = await super().get_response(path, scope)
        for name, value in HEADERS.items():
            response.headers[name] = "no-cache" if name == "Cache-Control" else value
        return response
