"""The Cloud API's wire format: signed webhooks in, messages out. Pure.

The signature covers the raw bytes; a body that was parsed and written again is another body. What is not known is
left out or called unsupported, never an error.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from agentlocator.whatsapp.messages import Delivery, Inbound, Kind, Outgoing, RemoteProtocolError, Report

HEADER: Final = "X-Hub-Signature-256"
SCHEME: Final = "sha256="

_KINDS: Final[Mapping[str, Kind]] = {
    "text": "text",
    "button": "text",
    "interactive": "text",
    "image": "image",
    "audio": "audio",
    "video": "video",
    "document": "document",
    "sticker": "sticker",
    "location": "location",
    "contacts": "contacts",
    "reaction": "reaction",
}
_STATUSES: Final[Mapping[str, Delivery]] = {
    "sent": "sent",
    "delivered": "delivered",
    "read": "read",
    "failed": "failed",
}
# Only a template may be sent: the last word of the customer is more than a day old.
WINDOW_CODES: Final = frozenset({131047, 470})
# Too much at once, or trouble on their side.
PATIENCE_CODES: Final = frozenset({4, 80007, 130429, 131048, 131056})


def verify(body: bytes, header: str | None, app_secret: str) -> bool:
    """Whether the app's secret signed these very bytes."""
    if not header or not app_secret:
        return False
    return hmac.compare_digest(sign(body, app_secret).encode(), header.encode(errors="replace"))


def sign(body: bytes, app_secret: str) -> str:
    """The header's value for a body."""
    return SCHEME + hmac.new(app_secret.encode(), body, hashlib.sha256).hexdigest()


def challenge(query: Mapping[str, str], verify_token: str) -> str | None:
    """What to answer when the webhook is registered; None when the token is not ours."""
    given = query.get("hub.verify_token", "")
    is_ours = bool(verify_token) and hmac.compare_digest(given.encode(), verify_token.encode())
    return query.get("hub.challenge", "") if is_ours and query.get("hub.mode") == "subscribe" else None


def parse(body: bytes) -> list[Inbound | Report]:
    """Everything in a webhook, in its order. Raises RemoteProtocolError for what is no webhook at all."""
    try:
        decoded = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError) as unreadable:
        raise RemoteProtocolError("the webhook is not JSON") from unreadable
    if not isinstance(decoded, dict):
        raise RemoteProtocolError("the webhook is not an object")
    return list(_parsed(decoded))


def serialize(outgoing: Outgoing) -> dict[str, Any]:
    """The body of a send request."""
    shape: dict[str, Any] = {"messaging_product": "whatsapp", "recipient_type": "individual", "to": outgoing.to}
    if outgoing.template is None:
        return {**shape, "type": "text", "text": {"body": outgoing.text, "preview_url": False}}
    values = [{"type": "text", "text": value} for value in outgoing.template.values]
    template: dict[str, Any] = {"name": outgoing.template.name, "language": {"code": outgoing.template.language}}
    if values:
        template["components"] = [{"type": "body", "parameters": values}]
    return {**shape, "type": "template", "template": template}


def _parsed(webhook: Mapping[str, Any]) -> Iterator[Inbound | Report]:
    for entry in _objects(webhook, "entry"):
        for change in _objects(entry, "changes"):
            value = change.get("value")
            if change.get("field") != "messages" or not isinstance(value, dict):
                continue
            address = _text(_object(value, "metadata"), "phone_number_id")
            if not address:
                continue
            contacts = _objects(value, "contacts")
            for message in _objects(value, "messages"):
                inbound = _inbound(message, contacts, address)
                if inbound is not None:
                    yield inbound
            for status in _objects(value, "statuses"):
                report = _report(status, address)
                if report is not None:
                    yield report


def _inbound(message: Mapping[str, Any], contacts: list[Mapping[str, Any]], address: str) -> Inbound | None:
    message_id, sender = _text(message, "id"), _text(message, "from")
    if not message_id:
        return None
    contact = _contact(sender, message, contacts)
    # Whoever has a username may have no number: the account's own id is then all there is.
    ids = (sender, _text(contact, "wa_id"), _user_id(message, contact))
    known = tuple(dict.fromkeys(one for one in ids if one))
    if not known:
        return None
    phone = next((one for one in (_text(contact, "wa_id"), sender) if one.isdecimal()), "")
    kind = _KINDS.get(_text(message, "type"), "unsupported")
    return Inbound(
        channel="cloud",
        address=address,
        contact_ids=known,
        message_id=message_id,
        sent_at=_instant(_text(message, "timestamp")),
        kind=kind,
        text=_said(message),
        phone_raw=f"+{phone}" if phone else "",
        profile_name=_text(_object(contact, "profile"), "name"),
    )


def _contact(sender: str, message: Mapping[str, Any], contacts: list[Mapping[str, Any]]) -> Mapping[str, Any]:
    user_id = _text(message, "from_user_id")
    for contact in contacts:
        if sender in (one for one in (_text(contact, "wa_id"), _text(contact, "user_id")) if one):
            return contact
        if user_id and _text(contact, "user_id") == user_id:
            return contact
    return contacts[0] if len(contacts) == 1 and not sender else {}


def _user_id(message: Mapping[str, Any], contact: Mapping[str, Any]) -> str:
    return _text(message, "from_user_id") or _text(message, "user_id") or _text(contact, "user_id")


def _said(message: Mapping[str, Any]) -> str:
    """The words of a message, wherever its kind keeps them."""
    kind = _text(message, "type")
    part = _object(message, kind)
    if kind == "interactive":
        return _text(_object(part, "button_reply"), "title") or _text(_object(part, "list_reply"), "title")
    return _text(part, {"text": "body", "button": "text", "reaction": "emoji"}.get(kind, "caption"))


def _report(status: Mapping[str, Any], address: str) -> Report | None:
    message_id, delivery = _text(status, "id"), _STATUSES.get(_text(status, "status"))
    if not message_id or delivery is None:
        return None
    codes = [str(error.get("code", "")) for error in _objects(status, "errors")]
    return Report("cloud", address, message_id, delivery, ",".join(codes))


def _instant(seconds: str) -> datetime:
    # A time that cannot be read is a very old one: nobody is answered by mistake, and a person sees it.
    try:
        return datetime.fromtimestamp(int(seconds), UTC)
    except (ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(0, UTC)


def _objects(parent: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    found = parent.get(name)
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _object(parent: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = parent.get(name)
    return found if isinstance(found, dict) else {}


def _text(parent: Mapping[str, Any], name: str) -> str:
    found = parent.get(name)
    return found if isinstance(found, str) else ""
