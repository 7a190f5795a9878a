"""Twilio's WhatsApp forms: messages and reports in, a form out. Pure; the signature is `agentlocator.twilio`'s."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

import msgspec

from agentlocator.whatsapp.messages import Delivery, Inbound, Kind, Outgoing, Report

SCHEME: Final = "whatsapp:"
WINDOW_CODE: Final = 63016
PATIENCE_CODES: Final = frozenset({20429, 63018, 63017})

_MEDIA: Final[Mapping[str, Kind]] = {"image": "image", "audio": "audio", "video": "video"}
_STATUSES: Final[Mapping[str, Delivery]] = {
    "sent": "sent",
    "delivered": "delivered",
    "read": "read",
    "failed": "failed",
    "undelivered": "failed",
    "canceled": "failed",
}


def parse(form: Mapping[str, str], now: datetime) -> Inbound | None:
    """The message in a form; None when it has no sender or no id. Twilio gives no time: it is the time of receipt."""
    message_id, sender, line = form.get("MessageSid", ""), form.get("From", ""), form.get("To", "")
    if not message_id or not sender or not line:
        return None
    number, digits = sender.removeprefix(SCHEME), form.get("WaId", "")
    phone = number if number.startswith("+") else f"+{digits}" if digits.isdecimal() else ""
    return Inbound(
        channel="twilio",
        address=line,
        contact_ids=tuple(dict.fromkeys(one for one in (sender, digits) if one)),
        message_id=message_id,
        sent_at=now,
        kind=_kind(form),
        text=form.get("Body", "") or form.get("ButtonText", ""),
        phone_raw=phone,
        profile_name=form.get("ProfileName", ""),
    )


def report(form: Mapping[str, str]) -> Report | None:
    """What a status callback says; None for a status that says nothing yet."""
    delivery = _STATUSES.get(form.get("MessageStatus", ""))
    message_id = form.get("MessageSid", "")
    if delivery is None or not message_id:
        return None
    return Report("twilio", form.get("From", ""), message_id, delivery, form.get("ErrorCode", ""))


def serialize(outgoing: Outgoing, status_url: str) -> dict[str, str]:
    """The form of a send request. A template's name is its ContentSid."""
    to = outgoing.to if outgoing.to.startswith(SCHEME) else f"{SCHEME}+{outgoing.to.lstrip('+')}"
    shape = {"From": outgoing.address, "To": to, "StatusCallback": status_url}
    if outgoing.template is None:
        return {**shape, "Body": outgoing.text}
    values = {str(place): value for place, value in enumerate(outgoing.template.values, 1)}
    variables = msgspec.json.encode(values).decode()
    return {**shape, "ContentSid": outgoing.template.name, "ContentVariables": variables}


def _kind(form: Mapping[str, str]) -> Kind:
    if form.get("NumMedia", "0") not in ("", "0"):
        return _MEDIA.get(form.get("MediaContentType0", "").partition("/")[0], "document")
    if form.get("Latitude"):
        return "location"
    return "text" if form.get("Body") or form.get("ButtonText") else "unsupported"
