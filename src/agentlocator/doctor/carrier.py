"""The carrier: does the account carry calls, does its token sign them, and does each number ring where it should."""

from __future__ import annotations

from urllib.parse import urlsplit

from agentlocator.doctor.finding import Finding, failure, ok, trouble, warning
from agentlocator.doctor.patient import Patient
from agentlocator.doctor.stored import profiles_of
from agentlocator.provision import carrier_account, wiring
from agentlocator.provision.trouble import Trouble
from agentlocator.twilio.account import Account, CarrierAccount, Number
from agentlocator.voice.webhook import number_wiring

WIRE = "agentlocator init (it shows the change before it makes it)."


async def account(patient: Patient) -> Finding:
    found = await _look(patient)
    at_fault = found if isinstance(found, Trouble) else carrier_account.trouble_of(found)
    return trouble(at_fault) if at_fault else ok("The account is active, and takes this token.")


async def signature_secret(patient: Patient) -> Finding:
    found = await _look(patient)
    if isinstance(found, Trouble):
        return trouble(found)
    tokens = patient.settings.twilio_auth_tokens()
    primary = [carrier_account.is_primary(found, token) for token in tokens]
    if True in primary:
        return ok("The token is the primary one, which signs requests.")
    if None in primary:
        return warning("The carrier does not say which token is the primary one.", "Compare it in the Twilio console.")
    return trouble(Trouble("twilio_secondary"))


async def numbers(patient: Patient) -> Finding:
    """Every business's number is the account's, and every number that rings here is some business's."""
    bought = await _numbers(patient)
    ours = number_wiring(patient.settings.public_url)
    of_business = {e164: one.name for one in await profiles_of(patient) for e164 in one.numbers}
    foreign = [e164 for e164 in of_business if e164 not in {one.phone_number for one in bought}]
    if foreign:
        return failure(
            f"{foreign[0]} of {of_business[foreign[0]]} is not a number of the Twilio account.",
            "Buy or port it there, or give the business a number of the account.",
        )
    nobodys = [
        one.phone_number for one in bought if wiring.rings_here(one, ours) and one.phone_number not in of_business
    ]
    if nobodys:
        return failure(
            f"{nobodys[0]} rings here, and belongs to no business: its callers are turned away.",
            f"agentlocator business add NAME --number {nobodys[0]}, or wire the number elsewhere.",
        )
    return ok(f"{len(of_business)} numbers, each of one business and of the account.")


async def webhooks(patient: Patient) -> Finding:
    ours = number_wiring(patient.settings.public_url)
    for number in await _of_businesses(patient):
        changes = wiring.difference(number, ours).changes
        if changes:
            one = changes[0]
            return failure(
                f"{number.phone_number}: {one.field} is {one.before or 'empty'} and should be {one.after or 'empty'}.",
                WIRE,
            )
    return ok("Every business's number brings its calls here.")


async def fallback(patient: Patient) -> Finding:
    """Who answers when this server does not must not be this server."""
    here = urlsplit(patient.settings.public_url).hostname
    for number in await _of_businesses(patient):
        host = urlsplit(number.voice_fallback_url or "").hostname
        if host is None:
            return warning(
                f"{number.phone_number} has no fallback URL: when this server is down, its callers hear an error.",
                "Make a TwiML Bin that dials the business, and give its URL to: agentlocator init --fallback-url.",
            )
        if host == here:
            return failure(
                f"{number.phone_number} has this very server as its fallback: both are down together.",
                "Make a TwiML Bin that dials the business, and give its URL to: agentlocator init --fallback-url.",
            )
    return ok("When this server is down, somebody else answers.")


async def _look(patient: Patient) -> Account | Trouble:
    settings = patient.settings
    token = settings.twilio_auth_token.get_secret_value()
    return await carrier_account.look(patient.http, settings.twilio_account_sid, token, api_url=settings.twilio_api_url)


async def _numbers(patient: Patient) -> list[Number]:
    settings = patient.settings
    token = settings.twilio_auth_token.get_secret_value()
    opened = CarrierAccount(patient.http, settings.twilio_account_sid, token, base_url=settings.twilio_api_url)
    return await opened.numbers()


async def _of_businesses(patient: Patient) -> list[Number]:
    served = {e164 for one in await profiles_of(patient) for e164 in one.numbers}
    return [number for number in await _numbers(patient) if number.phone_number in served]
