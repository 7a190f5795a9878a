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
from agentlocator.web.pages import (
    account,
    appointment,
    assistant,
    assistant_conduct,
    assistant_prompt,
    away,
    board,
    booking,
    calendar,
    call,
    calls,
    dates,
    entry,
    home,
    inbox,
    lead,
    leads,
    live,
    login,
    members,
    new_appointment,
    operator,
    operator_entry,
    readiness,
    services,
    setup,
    sign_on,
    staff,
    talk,
    today,
    whatsapp,
)
from agentlocator.web.visit import TEMPLATES

STATIC: Final = TEMPLATES.parent / "static"

PAGES: Final = (
    Page("GET", "/", "account", home.show),
    Page("GET", "/login", "anyone", login.show),
    Page("POST", "/login", "anyone", login.log_in),
    Page("GET", sign_on.PATH, "anyone", sign_on.begin),
    Page("GET", sign_on.CALLBACK, "anyone", sign_on.come_back),
    Page("POST", "/logout", "account", login.log_out),
    Page("POST", "/language", "account", home.change_language),
    Page("GET", "/entry/{token}", "anyone", entry.show),
    Page("POST", "/entry/{token}", "anyone", entry.enter),
    Page("GET", "/account", "account", account.show),
    Page("POST", "/account/password", "account", account.change_password),
    Page("POST", "/account/sessions", "account", account.end_session),
    Page("GET", "/operator", "operator", operator.show),
    Page("GET", "/operator/setup", "operator", setup.show),
    Page("POST", "/operator/setup/openai", "operator", setup.keep_key),
    Page("POST", "/operator/setup/twilio", "operator", setup.keep_account),
    Page("POST", "/operator/setup/business", "operator", setup.open_business),
    Page("POST", "/operator/setup/another", "operator", setup.add_number),
    Page("POST", "/operator/setup/forget", "operator", setup.forget),
    Page("POST", "/operator/setup/number", "operator", setup.wire),
    Page("POST", "/operator/setup/undo", "operator", setup.undo),
    Page("GET", "/operator/enter", "operator", operator_entry.show),
    Page("POST", "/operator/enter", "operator", operator_entry.enter),
    Page("GET", "/b/{business_id:int}/today", "viewer", today.show),
    Page("GET", "/b/{business_id:int}/inbox", "viewer", inbox.show),
    Page("GET", "/b/{business_id:int}/inbox/{conversation_id:int}", "viewer", inbox.read),
    Page("POST", "/b/{business_id:int}/inbox/{conversation_id:int}/seen", "staff", inbox.seen),
    Page("POST", "/b/{business_id:int}/inbox/{conversation_id:int}/reply", "staff", inbox.reply),
    Page("POST", "/b/{business_id:int}/inbox/{conversation_id:int}/hands", "staff", inbox.hand),
    Page("GET", "/b/{business_id:int}/calls", "viewer", calls.show),
    Page("GET", "/b/{business_id:int}/calls/{call_sid}", "viewer", call.show),
    Page("GET", "/b/{business_id:int}/calls/{call_sid}/microscope", "viewer", call.microscope),
    Page("GET", "/b/{business_id:int}/calls/{call_sid}/sound.wav", "staff", call.sound),
    Page("GET", "/b/{business_id:int}/calls/{call_sid}/journal", "owner", call.journal),
    Page("GET", "/b/{business_id:int}/leads", "viewer", leads.show),
    Page("GET", "/b/{business_id:int}/leads/board", "viewer", board.show),
    Page("POST", "/b/{business_id:int}/leads/stages", "owner", board.rename),
    Page("GET", "/b/{business_id:int}/leads.csv", "owner", leads.export),
    Page("GET", "/b/{business_id:int}/leads/{lead_id:int}", "viewer", lead.show),
    Page("POST", "/b/{business_id:int}/leads/{lead_id:int}", "staff", lead.change),
    Page("POST", "/b/{business_id:int}/leads/{lead_id:int}/stage", "staff", lead.move),
    Page("GET", "/b/{business_id:int}/calendar", "viewer", calendar.show),
    Page("GET", "/b/{business_id:int}/calendar/feed", "viewer", calendar.feed),
    Page("GET", "/b/{business_id:int}/calendar/new", "staff", new_appointment.show),
    Page("POST", "/b/{business_id:int}/calendar/new", "staff", new_appointment.add),
    Page("GET", "/b/{business_id:int}/calendar/{appointment_id:int}", "viewer", appointment.show),
    Page("POST", "/b/{business_id:int}/calendar/{appointment_id:int}/move", "staff", appointment.move),
    Page("POST", "/b/{business_id:int}/calendar/{appointment_id:int}/confirm", "staff", appointment.confirm),
    Page("POST", "/b/{business_id:int}/calendar/{appointment_id:int}/cancel", "staff", appointment.cancel),
    Page("POST", "/b/{business_id:int}/calendar/{appointment_id:int}/close", "staff", appointment.close),
    Page("GET", "/b/{business_id:int}/booking", "viewer", booking.show),
    Page("POST", "/b/{business_id:int}/booking", "owner", booking.change),
    Page("POST", "/b/{business_id:int}/booking/preview", "viewer", booking.preview),
    Page("GET", "/b/{business_id:int}/booking/services", "viewer", services.show),
    Page("POST", "/b/{business_id:int}/booking/services", "owner", services.keep),
    Page("POST", "/b/{business_id:int}/booking/services/{service_id:int}", "owner", services.keep),
    Page("GET", "/b/{business_id:int}/booking/staff", "viewer", staff.show),
    Page("POST", "/b/{business_id:int}/booking/staff", "owner", staff.keep),
    Page("POST", "/b/{business_id:int}/booking/staff/{resource_id:int}", "owner", staff.keep),
    Page("GET", "/b/{business_id:int}/booking/dates", "viewer", dates.show),
    Page("POST", "/b/{business_id:int}/booking/dates", "owner", dates.add),
    Page("POST", "/b/{business_id:int}/booking/dates/clear", "owner", dates.clear),
    Page("POST", "/b/{business_id:int}/booking/dates/holidays", "owner", dates.keep),
    Page("GET", "/b/{business_id:int}/booking/away", "viewer", away.show),
    Page("POST", "/b/{business_id:int}/booking/away", "staff", away.add),
    Page("POST", "/b/{business_id:int}/booking/away/clear", "staff", away.clear),
    Page("GET", "/b/{business_id:int}/whatsapp", "owner", whatsapp.show),
    Page("POST", "/b/{business_id:int}/whatsapp", "owner", whatsapp.change),
    Page("POST", "/b/{business_id:int}/whatsapp/pair", "owner", whatsapp.pair),
    Page("POST", "/b/{business_id:int}/whatsapp/logout", "owner", whatsapp.log_out),
    Page("GET", "/b/{business_id:int}/live", "viewer", live.show),
    Page("GET", "/b/{business_id:int}/live/stream", "viewer", live.stream),
    Page("GET", "/b/{business_id:int}/live/{call_sid}/sound", "staff", live.listen),
    Page("POST", "/b/{business_id:int}/live/{call_sid}/end", "staff", live.end),
    Page("POST", "/b/{business_id:int}/live/{call_sid}/transfer", "staff", live.put_through),
    Page("GET", "/b/{business_id:int}/assistant", "viewer", assistant.show),
    Page("POST", "/b/{business_id:int}/assistant/draft", "owner", assistant.draft),
    Page("POST", "/b/{business_id:int}/assistant/discard", "owner", assistant.discard),
    Page("POST", "/b/{business_id:int}/assistant/publish", "owner", assistant.publish),
    Page("POST", "/b/{business_id:int}/assistant/rollback", "owner", assistant.roll_back),
    Page("GET", "/b/{business_id:int}/assistant/prompt", "staff", assistant_prompt.show),
    Page("GET", "/b/{business_id:int}/assistant/prompt.txt", "staff", assistant_prompt.text),
    Page("GET", "/b/{business_id:int}/assistant/conduct", "viewer", assistant_conduct.show),
    Page("POST", "/b/{business_id:int}/assistant/conduct", "owner", assistant_conduct.change),
    Page("POST", "/b/{business_id:int}/assistant/voice", "owner", assistant_conduct.change_voice),
    Page("POST", "/b/{business_id:int}/assistant/caps", "owner", assistant_conduct.change_caps),
    Page("POST", "/b/{business_id:int}/assistant/people", "owner", assistant_conduct.change_people),
    Page("GET", "/b/{business_id:int}/readiness", "viewer", readiness.show),
    Page("GET", "/b/{business_id:int}/readiness/{certificate_id:int}", "viewer", readiness.read),
    Page("GET", "/b/{business_id:int}/readiness/{certificate_id:int}/page", "viewer", readiness.page),
    Page("GET", "/b/{business_id:int}/talk", "staff", talk.show),
    Page("POST", "/b/{business_id:int}/talk", "staff", talk.begin),
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
