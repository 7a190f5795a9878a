"""Setting the deployment up, for its operator: credentials, the first business of a number, and where numbers ring.

No credential is ever shown, not even in part. A number is changed only as it was shown.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import select
from starlette.responses import Response

from agentlocator.db.accounts import SealedSecret
from agentlocator.domain import businesses, phones, vault
from agentlocator.domain.businesses import Listed
from agentlocator.domain.schedules import BadSetting
from agentlocator.provision import carrier_account, first_business, model_account, rewiring, wiring
from agentlocator.provision.first_business import Opening
from agentlocator.provision.rewiring import Meanwhile, Undoing
from agentlocator.provision.setup import Setup
from agentlocator.provision.trouble import Trouble
from agentlocator.provision.wiring import Difference
from agentlocator.twilio.account import Account, Number
from agentlocator.twilio.errors import CarrierRefused, CarrierUnreachable
from agentlocator.web.visit import Visit
from agentlocator.web.words import said

TROUBLES: Final = {
    "openai_key": said("OpenAI does not know this key. Make one in the OpenAI console, under API keys."),
    "openai_forbidden": said("This key may not use the model. Give its project the permissions Models and Realtime."),
    "openai_credit": said("The OpenAI account has no credit left. Add credit in its console, under Billing."),
    "openai_model": said("The model that this server is set to does not exist for this key."),
    "openai_unreachable": said("OpenAI does not answer. Try again in a moment."),
    "twilio_sid": said("This is no account's SID. It begins with AC, and is on the front page of the Twilio console."),
    "twilio_token": said("Twilio does not know this account with this token. An API key's secret will not do."),
    "twilio_secondary": said("This is not the account's primary token, and only that one signs requests."),
    "twilio_inactive": said("The Twilio account is not active. Its console says why."),
    "twilio_trial": said("The Twilio account is a trial, on which calls like these are blocked. Upgrade it first."),
    "twilio_unreachable": said("Twilio does not answer. Try again in a moment."),
}
FIELDS: Final = {
    "voice_url": said("A call comes in"),
    "voice_method": said("A call comes in: method"),
    "status_callback": said("Call status changes"),
    "status_callback_method": said("Call status changes: method"),
    "voice_fallback_url": said("Primary handler fails"),
    "voice_fallback_method": said("Primary handler fails: method"),
    "voice_application_sid": said("TwiML app"),
    "trunk_sid": said("SIP trunk"),
}
_REFUSED: Final = said("Twilio does not take this change. Look at the addresses.")
_MEANWHILE: Final = said("The number was changed meanwhile. Look at the change again.")
_KEPT: Final = said("It works, and is kept sealed. The server takes it when it is started again.")
_FORGOTTEN: Final = said("It is not kept here any more. Backups that were made before still hold it, sealed.")
_CREDENTIALS: Final = {"openai": ("openai_api_key",), "twilio": ("twilio_account_sid", "twilio_auth_token")}
_SETTINGS: Final = {
    "number": said("This is no phone number."),
    "name": said("The business needs a name."),
    "numbers": said("This number already has a business."),
    "fallback_number": said("The fallback is no phone number."),
    "email": said("This is no e-mail address."),
}


class Line(msgspec.Struct, frozen=True):
    """A number of the account, as the page shows it."""

    e164: str
    rings_at: str
    is_here: bool
    business: str


class Credential(msgspec.Struct, frozen=True):
    """Where a credential comes from: the environment, or somebody who typed it, or nowhere."""

    in_environment: bool
    kept_by: str
    kept_on: str


async def show(visit: Visit) -> Response:
    return await _page(visit)


async def keep_key(visit: Visit) -> Response:
    """Try a key of OpenAI's, and keep it if it works."""
    setup = _setup(visit)
    key = visit.text("key").strip()
    found = await model_account.look(await setup.http(), key, setup.model, api_url=setup.openai_api_url)
    if isinstance(found, Trouble):
        return await _page(visit, fault=TROUBLES[found.code], status=422)
    await _keep(visit, {"openai_api_key": key})
    return await _page(visit, done=_KEPT)


async def keep_account(visit: Visit) -> Response:
    """Try an account of Twilio's, and keep it if it works and could carry calls."""
    setup = _setup(visit)
    sid, token = visit.text("sid").strip(), visit.text("token").strip()
    found = await carrier_account.look(await setup.http(), sid, token, api_url=setup.twilio_api_url)
    trouble = _trouble_of(found, token)
    if trouble is not None:
        return await _page(visit, fault=TROUBLES[trouble.code], status=422)
    await _keep(visit, {"twilio_account_sid": sid, "twilio_auth_token": token})
    return await _page(visit, done=_KEPT)


async def open_business(visit: Visit) -> Response:
    """Open the business of a number, and let its owner in."""
    _setup(visit)
    opening = Opening(
        visit.text("name"), visit.text("kind"), visit.text("number"), visit.text("fallback").strip() or None
    )
    email = visit.text("email").strip()
    if "@" not in email:
        return await _page(visit, fault=_SETTINGS["email"], status=422)
    try:
        business_id = await first_business.open_business(visit.house.db, opening, actor=visit.actor, now=visit.now)
        token = await first_business.let_owner_in(visit.house.db, business_id, email, actor=visit.actor, now=visit.now)
    except BadSetting as no:
        return await _page(visit, fault=_SETTINGS.get(no.field, _SETTINGS["name"]), status=422)
    return await _page(visit, invitation=f"{visit.house.public_url}/entry/{token}")


async def add_number(visit: Visit) -> Response:
    """Let another number ring at a business that is there already."""
    _setup(visit)
    known = [one.business_id for one in await _businesses(visit) if str(one.business_id) == visit.text("business")]
    if not known:
        visit.missing()
    try:
        async with visit.house.db.scope(known[0]) as scope:
            is_new = await businesses.add_number(scope, visit.text("number"), actor=visit.actor, now=visit.now)
    except BadSetting:
        return await _page(visit, fault=_SETTINGS["number"], status=422)
    if not is_new:
        return await _page(visit, fault=_SETTINGS["numbers"], status=422)
    return visit.redirect("/operator/setup")


async def forget(visit: Visit) -> Response:
    """Take back what was typed here, once the environment says it: one secret need not lie in two places."""
    what = visit.text("what")
    if what not in _to_forget(_setup(visit)):
        visit.missing()
    async with visit.house.db.operator(writing=True) as operator:
        for name in _CREDENTIALS[what]:
            await vault.forget(operator, name)
    return await _page(visit, done=_FORGOTTEN)


async def wire(visit: Visit) -> Response:
    """Show what bringing a number here would change; do it when that is what was shown."""
    setup = _setup(visit)
    fallback_url = visit.text("fallback_url").strip() or None
    e164 = phones.parse(visit.text("number")).e164 or ""
    try:
        account = await setup.account()
        plan = rewiring.plan(await account.numbers(), setup.wiring(fallback_url), [e164])
        if not plan or await _business_of(visit, e164) is None:
            visit.missing()
        if visit.text("shown") != _digest(plan):
            return await _page(visit, plan=plan, fallback_url=fallback_url or "")
        await rewiring.rewire(account, visit.house.db, plan, actor=visit.actor, now=visit.now)
    except (CarrierRefused, CarrierUnreachable, Meanwhile) as fault:
        return await _page(visit, fault=_words(fault), status=409)
    return visit.redirect("/operator/setup")


async def undo(visit: Visit) -> Response:
    """Show what undoing the newest changes would do; do it when that is what was shown."""
    setup = _setup(visit)
    try:
        account = await setup.account()
        undoings = await rewiring.undoings(account, visit.house.db)
        if visit.text("shown") != _digest(undoings):
            return await _page(visit, undoings=undoings)
        await rewiring.undo(account, visit.house.db, undoings, now=visit.now)
    except (CarrierRefused, CarrierUnreachable, Meanwhile) as fault:
        return await _page(visit, fault=_words(fault), status=409)
    return visit.redirect("/operator/setup")


async def _page(
    visit: Visit,
    *,
    fault: str = "",
    done: str = "",
    invitation: str = "",
    plan: Sequence[Difference] = (),
    undoings: Sequence[Undoing] = (),
    fallback_url: str = "",
    status: int = 200,
) -> Response:
    setup = _setup(visit)
    lines: list[Line] = []
    try:
        numbers = await (await setup.account()).numbers()
        lines = [await _line(visit, setup, number) for number in numbers]
    except (CarrierRefused, CarrierUnreachable) as broken:
        fault = fault or _words(broken)
    return visit.render(
        "setup.html",
        status,
        section="operator",
        fault=visit.gettext(fault) if fault else "",
        done=visit.gettext(done) if done else "",
        invitation=invitation,
        openai=await _credential(visit, "openai_api_key"),
        twilio=await _credential(visit, "twilio_auth_token"),
        to_forget=_to_forget(setup),
        lines=lines,
        free=[line.e164 for line in lines if not line.business],
        businesses=await _businesses(visit),
        plan=plan,
        plan_digest=_digest(plan),
        undoings=undoings,
        undo_digest=_digest(undoings),
        fallback_url=fallback_url,
        fields={name: visit.gettext(words) for name, words in FIELDS.items()},
    )


def _setup(visit: Visit) -> Setup:
    return visit.house.setup or visit.missing()


def _to_forget(setup: Setup) -> list[str]:
    """The credentials without whose sealed copy the server starts all the same."""
    return [what for what, names in _CREDENTIALS.items() if setup.said_elsewhere.issuperset(names)]


def _trouble_of(found: Account | Trouble, token: str) -> Trouble | None:
    if isinstance(found, Trouble):
        return found
    if carrier_account.is_primary(found, token) is False:
        return Trouble("twilio_secondary")
    return carrier_account.trouble_of(found)


async def _keep(visit: Visit, values: dict[str, str]) -> None:
    async with visit.house.db.operator(writing=True) as operator:
        for name, value in values.items():
            await vault.keep(operator, visit.house.vault, name, value, actor=visit.actor, now=visit.now)


async def _credential(visit: Visit, name: str) -> Credential:
    async with visit.house.db.operator() as operator:
        row = await operator.first(select(SealedSecret).where(SealedSecret.name == name))
    elsewhere = name in _setup(visit).said_elsewhere
    if row is None:
        return Credential(elsewhere, "", "")
    return Credential(elsewhere, row.kept_by, visit.clock.moment(row.kept_at))


async def _line(visit: Visit, setup: Setup, number: Number) -> Line:
    return Line(
        e164=number.phone_number,
        rings_at=number.trunk_sid or number.voice_application_sid or number.voice_url or "",
        is_here=wiring.rings_here(number, setup.wiring(None)),
        business=await _business_of(visit, number.phone_number) or "",
    )


async def _business_of(visit: Visit, e164: str) -> str | None:
    return next((one.name for one in await _businesses(visit) if e164 in one.numbers), None)


async def _businesses(visit: Visit) -> list[Listed]:
    async with visit.house.db.operator() as operator:
        return await businesses.listed(operator)


def _words(fault: Exception) -> str:
    if isinstance(fault, Meanwhile):
        return _MEANWHILE
    if isinstance(fault, CarrierRefused):
        return TROUBLES["twilio_token"] if fault.status == 401 else _REFUSED
    return TROUBLES["twilio_unreachable"]


def _digest(shown: Sequence[Any]) -> str:
    """What was shown, as the form gives it back: only that is done. Nothing shown has none."""
    return hashlib.sha256(msgspec.json.encode(shown)).hexdigest() if shown else ""
