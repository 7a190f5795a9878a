"""A business's WhatsApp: the phone that is paired, the addresses it is written to, and its rules for writing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec
import segno
from sqlalchemy import select
from starlette.responses import Response

from agentlocator.db.schema import WhatsAppLine
from agentlocator.db.scope import Scope
from agentlocator.domain import audit, businesses, written_policy
from agentlocator.domain.written_policy import WrittenPolicy
from agentlocator.web.house import NoAnswer, PairedPhone
from agentlocator.web.visit import Visit
from agentlocator.web.words import said

_SILENT: Final = said("The bridge does not answer. Ask whoever runs this server to start it.")
_STATES: Final = {
    "starting": (said("Starting"), "quiet"),
    "pairing": (said("Waiting for the phone"), "live"),
    "open": (said("Connected"), "good"),
    "waiting": (said("Connecting again"), "live"),
    "stopped": (said("Not connected"), "bad"),
}
_REASONS: Final = {
    "logged_out": said("The phone was unlinked. Pair it again."),
    "forbidden": said("WhatsApp has blocked this number. Pairing it again will not help; ask WhatsApp."),
    "pair_again": said("WhatsApp no longer accepts this pairing. Disconnect the phone, then pair it again."),
    "replaced": said("Another program uses this pairing. Stop it, then pair again."),
    "not_scanned": said("Nobody scanned the code in time. Ask for a new one."),
    "no_code": said("WhatsApp gave no code for this number. Check it, or scan the picture."),
    "failed": said("The bridge could not begin. Try again, or ask whoever runs this server."),
}
_LIMITED: Final = said("WhatsApp has limited this number: nothing is sent from it until the limit is lifted.")
_CHANNELS: Final = {
    "cloud": said("WhatsApp Cloud API"),
    "twilio": said("WhatsApp through Twilio"),
    "bridge": said("Paired phone"),
}


async def show(visit: Visit) -> Response:
    return await _page(visit)


async def pair(visit: Visit) -> Response:
    """Begin to pair the business's phone, by QR, or by a code when it says its number."""
    phones = visit.house.phones or visit.missing()
    digits = "".join(one for one in visit.text("phone") if one.isdecimal())
    if digits.startswith("0"):
        digits = "972" + digits[1:]
    try:
        phone = await phones.pair(visit.business_id, phone=digits)
    except NoAnswer:
        return await _page(visit, fault=_SILENT, status=502)
    await _note(visit, phone.state)
    return visit.redirect(visit.url("whatsapp"))


async def log_out(visit: Visit) -> Response:
    phones = visit.house.phones or visit.missing()
    try:
        await phones.log_out(visit.business_id)
    except NoAnswer:
        return await _page(visit, fault=_SILENT, status=502)
    await _note(visit, "logged_out")
    return visit.redirect(visit.url("whatsapp"))


async def change(visit: Visit) -> Response:
    """The rules for writing, checked by what reads them."""
    try:
        chosen = _chosen(visit)
    except (ValueError, msgspec.ValidationError):
        fault = said("Quiet hours begin at 13:00 or later and end by 11:00. Nothing was changed.")
        return await _page(visit, fault=fault, status=422)
    async with visit.writing() as scope:
        profile = await businesses.show(scope)
        part = {**profile.policy.get(written_policy.FIELD, {}), **chosen}
        policy = {**profile.policy, written_policy.FIELD: part}
        await businesses.change(scope, actor=visit.actor, now=visit.now, policy=policy)
    return visit.redirect(visit.url("whatsapp"))


def _chosen(visit: Visit) -> dict[str, Any]:
    chosen = {
        "after_call": visit.text("after_call"),
        "quiet_from_min": _minutes(visit.text("quiet_from")),
        "quiet_until_min": _minutes(visit.text("quiet_until")),
        "keeps_shabbat": visit.text("keeps_shabbat") == "yes",
        "replies_when_quiet": visit.text("replies_when_quiet") == "yes",
    }
    msgspec.convert(chosen, WrittenPolicy)
    return chosen


def _minutes(clock: str) -> int:
    hours, _, minutes = clock.partition(":")
    return int(hours) * 60 + int(minutes)


async def _note(visit: Visit, became: str) -> None:
    async with visit.writing() as scope:
        change = {"paired_phone": (None, became)}
        audit.record(
            scope, actor=visit.actor, entity="business", entity_id=visit.business_id, changes=change, at=visit.now
        )


async def _page(visit: Visit, *, fault: str = "", status: int = 200) -> Response:
    async with visit.reading() as scope:
        lines = await _lines(scope)
        policy = written_policy.read((await businesses.show(scope)).policy)
    phone, silent = await _phone(visit)
    state = phone.state if phone else ""
    words, tone = _STATES.get(state, ("", "quiet"))
    page = visit.render(
        "whatsapp.html",
        status,
        section="whatsapp",
        lines=[(visit.gettext(_CHANNELS.get(one.channel, one.channel)), _address(visit, one)) for one in lines],
        can_pair=visit.house.phones is not None,
        phone=phone,
        state=visit.gettext(words) if words else "",
        why=visit.gettext(_why(phone)) if phone and _why(phone) else "",
        tone=tone,
        # Drawn here, so that the code goes to no other server.
        picture=segno.make(phone.qr, micro=False).svg_data_uri(border=2, scale=6) if phone and phone.qr else "",
        policy=policy,
        quiet_from=_clock(policy.quiet_from_min),
        quiet_until=_clock(policy.quiet_until_min),
        fault=visit.gettext(fault or silent) if fault or silent else "",
    )
    # What looks at the phone again and again leaves the forms alone; a phone that has changed makes another page.
    if visit.request.query_params.get("seen", state) != state:
        page.headers["HX-Redirect"] = visit.url("whatsapp")
    return page


def _why(phone: PairedPhone) -> str:
    if phone.state == "open" and phone.score == 0:
        return _LIMITED
    return _REASONS.get(phone.reason, "")


def _address(visit: Visit, line: WhatsAppLine) -> str:
    """A line's address as its owner knows it; a paired phone has but the name of its session."""
    if line.channel == "bridge":
        return ""
    number = line.address.removeprefix("whatsapp:")
    return visit.phone(number) if number.startswith("+") else number


async def _lines(scope: Scope) -> Sequence[WhatsAppLine]:
    found: Sequence[WhatsAppLine] = await scope.all(select(WhatsAppLine).order_by(WhatsAppLine.id))
    return found


async def _phone(visit: Visit) -> tuple[PairedPhone | None, str]:
    """The phone, or why nothing is known of it."""
    if visit.house.phones is None:
        return None, ""
    try:
        return await visit.house.phones.look(visit.business_id), ""
    except NoAnswer:
        return None, _SILENT


def _clock(minutes: int) -> str:
    return f"{minutes // 60 % 24:02}:{minutes % 60:02}"
