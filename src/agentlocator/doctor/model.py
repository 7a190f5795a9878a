"""The model: is it there for our key, until when, at what price, and does it answer on its socket."""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import Final

import msgspec

from agentlocator.doctor.finding import Finding, failure, ok, trouble, warning
from agentlocator.doctor.patient import Patient
from agentlocator.provision import model_account
from agentlocator.provision.trouble import Trouble
from agentlocator.realtime import lifetimes, usage
from agentlocator.realtime.usage import Tokens
from agentlocator.voice.model_link import RealtimeServer, Refused
from agentlocator.wire import WireClosed

SOON: Final = dt.timedelta(days=60)
PRICES_OLD: Final = dt.timedelta(days=180)
VOICES: Final = frozenset({"alloy", "ash", "ballad", "cedar", "coral", "echo", "marin", "sage", "shimmer", "verse"})
REPLACE: Final = "Set OPENAI_REALTIME_MODEL to a model that lives on; the default is gpt-realtime-2.1."


async def listed(patient: Patient) -> Finding:
    found = await _look(patient)
    return trouble(found) if isinstance(found, Trouble) else ok(f"OpenAI lists {found.id} for this key.")


async def lifetime(patient: Patient) -> Finding:
    name = patient.settings.openai_realtime_model
    found = await _look(patient)
    told = None if isinstance(found, Trouble) else found.shutdown_date
    ends = min((end for end in (told, lifetimes.announced_end(name)) if end), default=None)
    if ends is None:
        return ok(f"No end of {name} is announced (as of {lifetimes.AS_OF}).")
    today = patient.now().date()
    if ends <= today:
        return failure(f"{name} was switched off on {ends}.", REPLACE)
    if ends - today <= SOON:
        return warning(f"{name} will be switched off on {ends}.", REPLACE)
    return ok(f"{name} lives until {ends}.")


async def session(patient: Patient) -> Finding:
    """Opens a session and leaves it at once: nothing is said, and nothing is billed."""
    settings = patient.settings
    remedy = (
        "See whether this machine may open WebSockets to OPENAI_REALTIME_URL, and whether the key may use Realtime."
    )
    try:
        async with asyncio.timeout(settings.realtime_connect_timeout_s + settings.realtime_session_timeout_s):
            server = RealtimeServer(settings.openai_realtime_url, settings.openai_api_key.get_secret_value())
            socket = await server.open(settings.openai_realtime_model)
            first = await socket.receive()
            socket.close()
    except Refused as refusal:
        return failure(f"No session: {refusal}.", remedy)
    except (TimeoutError, WireClosed) as fault:
        return failure(f"The model's socket stayed silent: {type(fault).__name__}.", remedy)
    opening = _opening(first)
    if opening.type == "session.created":
        return ok("A session opened.")
    return failure(f"The model refused the session: {opening.error.code or opening.type}.", remedy)


async def voice(patient: Patient) -> Finding:
    name = patient.settings.openai_realtime_voice
    if name in VOICES or name.startswith("voice_"):
        return ok(f"{name} is one of the model's voices.")
    return failure(f"{name} is none of the model's voices.", f"Set OPENAI_REALTIME_VOICE to one of {sorted(VOICES)}.")


async def prices(patient: Patient) -> Finding:
    name = patient.settings.openai_realtime_model
    if usage.cost_micro_usd(name, Tokens()) is None:
        return warning(f"The price of {name} is not known: calls are kept without their cost.", REPLACE)
    if patient.now().date() - usage.PRICES_AS_OF > PRICES_OLD:
        return warning(
            f"The prices are of {usage.PRICES_AS_OF}.", "Compare them with OpenAI's list, and update the program."
        )
    return ok(f"The price of {name} is known (as of {usage.PRICES_AS_OF}).")


class _Error(msgspec.Struct, frozen=True):
    code: str | None = None


class _Opening(msgspec.Struct, frozen=True):
    type: str = "nothing it should say"
    error: _Error = _Error()


def _opening(message: str | bytes) -> _Opening:
    try:
        return msgspec.json.decode(message, type=_Opening)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return _Opening()


async def _look(patient: Patient) -> model_account.Model | Trouble:
    settings = patient.settings
    return await model_account.look(
        patient.http,
        settings.openai_api_key.get_secret_value(),
        settings.openai_realtime_model,
        api_url=settings.openai_api_url,
    )
