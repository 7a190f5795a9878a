"""Tries to get in where nobody may: forged signatures, no token, somebody else's, a used one; another business's call.

Only knocks. Whatever it is let into it leaves at once, and nothing it sends is worth anything.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Final

import httpx2
import msgspec
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from agentlocator.certificate.evidence import Knock
from agentlocator.config import Settings
from agentlocator.simulator.carrier import CallFacts
from agentlocator.simulator.carrier_socket import CarrierShell, sign
from agentlocator.simulator.carrier_twiml import StreamOrder
from agentlocator.voice import webhook

_FORBIDDEN: Final = 403
_POLICY_VIOLATION: Final = 1008


class House(msgspec.Struct, frozen=True):
    """What is knocked at: its public address, where it is really reached, and the account it believes."""

    public_url: str
    url: str
    account_sid: str
    auth_token: str
    number: str

    @classmethod
    def of(cls, settings: Settings, url: str, number: str) -> House:
        """The server that answers at `url` and runs with these settings."""
        token = settings.twilio_auth_token.get_secret_value()
        return cls(settings.public_url, url, settings.twilio_account_sid, token, number)


async def forged_webhooks(http: httpx2.AsyncClient, house: House) -> list[Knock]:
    """Calls that the carrier never placed."""
    call_sid = f"CA{secrets.token_hex(16)}"
    form = {"CallSid": call_sid, "AccountSid": house.account_sid, "From": "+972500000001", "To": house.number}
    wrong = sign(house.public_url + webhook.INCOMING, form, f"not {house.auth_token}")
    elsewhere = sign("https://elsewhere.example" + webhook.INCOMING, form, house.auth_token)
    stranger = {**form, "To": "+972500000002"}
    altered = sign(house.public_url + webhook.INCOMING, stranger, house.auth_token)
    knocks = [
        ("webhook, signed with another token", {"X-Twilio-Signature": wrong}),
        ("webhook, signed for another address", {"X-Twilio-Signature": elsewhere}),
        ("webhook, altered after it was signed", {"X-Twilio-Signature": altered}),
        ("webhook, not signed", {}),
    ]
    return [await _post(http, house, name, form, headers) for name, headers in knocks]


async def forged_streams(shell: CarrierShell, order: StreamOrder, call: CallFacts) -> list[Knock]:
    """Media streams that the server did not order. `order` is the real one, whose token is used up."""
    other = CallFacts(call.account_sid, f"CA{secrets.token_hex(16)}", call.from_e164, call.to_e164)
    tokenless = msgspec.structs.replace(order, parameters={"call": call.call_sid})
    invented = msgspec.structs.replace(order, parameters={"call": call.call_sid, "token": secrets.token_urlsafe(48)})
    return [
        await _knock(shell, "media stream without a token", tokenless, call),
        await _knock(shell, "media stream with an invented token", invented, call),
        await _knock(shell, "media stream with a used token", order, call),
        await _knock(shell, "media stream of another call with this token", order, other),
    ]


async def other_businesses(
    http: httpx2.AsyncClient, house: House, call: CallFacts, numbers: Sequence[str], ours: Sequence[str]
) -> list[Knock]:
    """Asks, through the numbers of other businesses, what is to be done with this business's call."""
    knocks: list[Knock] = []
    for number in numbers:
        form = {"CallSid": call.call_sid, "AccountSid": call.account_sid, "From": call.from_e164, "To": number}
        headers = {"X-Twilio-Signature": sign(house.public_url + webhook.AFTER_STREAM, form, house.auth_token)}
        answer = await http.post(house.url + webhook.AFTER_STREAM, data=form, headers=headers)
        told = [word for word in ours if word and word in answer.text]
        knocks.append(
            Knock(f"the call, asked for under {number}", f"HTTP {answer.status_code}, {len(answer.text)} B", not told)
        )
    return knocks


async def _post(
    http: httpx2.AsyncClient, house: House, name: str, form: dict[str, str], headers: dict[str, str]
) -> Knock:
    answer = await http.post(house.url + webhook.INCOMING, data=form, headers=headers)
    return Knock(name, f"HTTP {answer.status_code}", answer.status_code == _FORBIDDEN)


async def _knock(shell: CarrierShell, name: str, order: StreamOrder, call: CallFacts) -> Knock:
    try:
        code = await shell.knock(order, call)
    except ConnectionClosed as closed:
        # It did not even wait for the first message.
        code = closed.rcvd.code if closed.rcvd else None
        return Knock(name, f"closed with {code}", True)
    except (OSError, InvalidHandshake) as fault:
        return Knock(name, type(fault).__name__, True)
    answer = "let in" if code is None else f"closed with {code}"
    return Knock(name, answer, code is not None and code in (_POLICY_VIOLATION, _FORBIDDEN))
