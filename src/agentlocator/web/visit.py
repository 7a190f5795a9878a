"""One request that was let in: who asks, as what, for which business; and the page it gets back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from agentlocator.db.schema import Business
from agentlocator.db.scope import Scope
from agentlocator.domain import phones
from agentlocator.domain.account_events import Origin
from agentlocator.domain.accounts import Who
from agentlocator.web.clock import Clock
from agentlocator.web.house import House
from agentlocator.web.sections import FIRST, MORE
from agentlocator.web.words import LANGUAGES, said, translations

TEMPLATES = Path(__file__).parent / "templates"
DEFAULT_LANGUAGE = "he"
DEFAULT_TIMEZONE = "Asia/Jerusalem"

RANK = {"viewer": 0, "staff": 1, "owner": 2}


class Visit:
    """A request with its answers to "who" and "where". Handlers take one and answer with a response."""

    def __init__(
        self,
        house: House,
        request: Request,
        *,
        who: Who | None = None,
        csrf: str = "",
        business_id: int = 0,
        role: str = "",
        form: FormData | None = None,
    ) -> None:
        self.house = house
        self.request = request
        self.now = house.now()
        self.csrf = csrf
        self.role = role
        self.form = form or FormData()
        self._who = who
        self._business_id = business_id
        self._business_name = ""
        # Where nobody's business is on the page, Israel's clock is as good as any.
        self._timezone = DEFAULT_TIMEZONE

    @property
    def who(self) -> Who:
        assert self._who is not None, "only a page for everyone has no one to ask"
        return self._who

    @property
    def is_known(self) -> bool:
        return self._who is not None

    @property
    def business_id(self) -> int:
        assert self._business_id, "only a business's page has a business"
        return self._business_id

    @property
    def actor(self) -> str:
        """Who does it, for the audit log."""
        return self.who.email

    @property
    def address(self) -> str:
        return self.request.client.host if self.request.client else ""

    @property
    def origin(self) -> Origin:
        """From where it is done, for the record of people's ways in."""
        return Origin(self.address, self.request.headers.get("user-agent", ""))

    @property
    def language(self) -> str:
        if self._who is not None:
            return self._who.language
        asked = self.request.headers.get("accept-language", "")[:2].lower()
        return asked if asked in LANGUAGES else DEFAULT_LANGUAGE

    @property
    def clock(self) -> Clock:
        return Clock(self._timezone, self.language, self.now)

    def may(self, role: str) -> bool:
        """Whether the visitor may do what takes this role."""
        return RANK.get(self.role, -1) >= RANK[role]

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Scope]:
        """The business's rows, to be read."""
        async with self.house.db.reading(self.business_id) as scope:
            await self._arrive(scope)
            yield scope

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[Scope]:
        """The business's rows, to be changed."""
        async with self.house.db.scope(self.business_id) as scope:
            await self._arrive(scope)
            yield scope

    def text(self, field: str) -> str:
        """A field of the form; empty where there is none, or a file in its place."""
        value = self.form.get(field, "")
        return value if isinstance(value, str) else ""

    def missing(self) -> NoReturn:
        """There is no such thing, or it is somebody else's: the answer is the same."""
        raise HTTPException(404)

    def gettext(self, sentence: str) -> str:
        return translations(self.language).ugettext(sentence)

    def phone(self, raw: str) -> str:
        """A number as people say it; what is no number, as it came."""
        found = phones.parse(raw)
        if found.withheld:
            return self.gettext(said("Number withheld"))
        return phones.national(found.e164) if found.e164 else found.raw

    def url(self, path: str = "") -> str:
        """The address of one of the business's own pages."""
        return f"/b/{self.business_id}/{path}"

    def render(self, template: str, status: int = 200, **values: Any) -> Response:
        """A page. Everything in it is escaped."""
        page = environment(self.language).get_template(template).render(self._values() | values)
        return HTMLResponse(page, status)

    def redirect(self, to: str) -> Response:
        return RedirectResponse(to, 303)

    async def _arrive(self, scope: Scope) -> None:
        business = await scope.get(Business, self.business_id)
        assert business is not None, "the visitor has a seat in it"
        self._business_name, self._timezone = business.name, business.timezone

    def _values(self) -> dict[str, Any]:
        return {
            "visit": self,
            "clock": self.clock,
            "language": self.language,
            "direction": LANGUAGES[self.language],
            "business_name": self._business_name,
            "section": "",
            "first_sections": [one for one in FIRST if self.role and self.may(one.needs)],
            "more_sections": [one for one in MORE if self.role and self.may(one.needs)],
        }


@cache
def environment(language: str) -> Environment:
    """The templates, in one language."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
    )
    words = translations(language)
    made.install_gettext_callables(words.ugettext, words.ungettext, newstyle=True)  # type: ignore[attr-defined]  # of the i18n extension
    return made
