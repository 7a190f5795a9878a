"""Looks at the Twilio account: do SID and token fit, and can it carry calls. It changes nothing."""

from __future__ import annotations

import hmac
import re
from typing import Final

import httpx2

from agentlocator.provision.trouble import Trouble
from agentlocator.twilio.account import Account, CarrierAccount
from agentlocator.twilio.errors import CarrierRefused, CarrierUnreachable


async def look(http: httpx2.AsyncClient, sid: str, token: str, *, api_url: str) -> Account | Trouble:
    """The account, if its own token opens it. Whether it can carry calls is `trouble_of`'s to say."""
    if not _SID.fullmatch(sid):
        return Trouble("twilio_sid")
    try:
        return await CarrierAccount(http, sid, token, base_url=api_url).read()
    except CarrierUnreachable as fault:
        return Trouble("twilio_unreachable", str(fault))
    except CarrierRefused as refusal:
        return Trouble("twilio_token") if refusal.status in (401, 403, 404) else _odd(refusal)
    except UnicodeError:
        return Trouble("twilio_token")


def trouble_of(account: Account) -> Trouble | None:
    """Why calls could not be carried on this account."""
    if account.status != "active":
        return Trouble("twilio_inactive", account.status)
    return Trouble("twilio_trial") if account.type.casefold() == "trial" else None


def is_primary(account: Account, token: str) -> bool | None:
    """Whether requests are signed with this token; None when the carrier does not say which one is."""
    if not account.auth_token:
        return None
    return hmac.compare_digest(account.auth_token.encode(), token.encode())


def _odd(refusal: CarrierRefused) -> Trouble:
    return Trouble("twilio_unreachable", f"HTTP {refusal.status}, code {refusal.code}")


_SID: Final = re.compile("AC[0-9a-zA-Z]{8,62}")
