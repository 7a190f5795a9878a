"""What can be wrong with a credential or an address, as a word for programs and two sentences for people.

A trouble never holds the credential itself, nor what a peer said about it: some quote it.
"""

from __future__ import annotations

from typing import Final

import msgspec


class Trouble(msgspec.Struct, frozen=True):
    """`detail` is a fact that belongs to the trouble, such as an HTTP status; it is no secret."""

    code: str
    detail: str = ""

    @property
    def fault(self) -> str:
        said = TROUBLES[self.code][0]
        return f"{said} ({self.detail})." if self.detail else f"{said}."

    @property
    def remedy(self) -> str:
        return TROUBLES[self.code][1]


TROUBLES: Final = {
    "openai_unreachable": (
        "OpenAI does not answer",
        "See whether this machine reaches api.openai.com on port 443, and status.openai.com.",
    ),
    "openai_key": (
        "OpenAI does not know the key",
        "Make a key in the OpenAI console (API keys) and enter it: agentlocator init.",
    ),
    "openai_forbidden": (
        "The key may not use this",
        "Give the key's project the permissions Models (read) and Realtime (request) in the OpenAI console.",
    ),
    "openai_credit": (
        "The OpenAI account has no credit left",
        "Add credit in the OpenAI console under Billing.",
    ),
    "openai_model": (
        "The model does not exist, or the key may not use it",
        "Set OPENAI_REALTIME_MODEL to one that OpenAI lists; the default is gpt-realtime-2.1.",
    ),
    "twilio_unreachable": (
        "Twilio does not answer",
        "See whether this machine reaches api.twilio.com on port 443, and status.twilio.com.",
    ),
    "twilio_sid": (
        "This is no account's SID",
        "Copy the Account SID from the front page of the Twilio console; it begins with AC.",
    ),
    "twilio_token": (
        "Twilio does not know this account with this token",
        "Copy both from the front page of the Twilio console; an API key's secret will not do.",
    ),
    "twilio_inactive": (
        "The Twilio account is not active",
        "Open the Twilio console: it says why the account was stopped, and what it needs.",
    ),
    "twilio_trial": (
        "The Twilio account is a trial, on which media streams are blocked",
        "Upgrade the account in the Twilio console under Billing.",
    ),
    "twilio_secondary": (
        "The auth token is not the account's primary one, and only that one signs requests",
        "Copy the primary auth token from the Twilio console, or promote the secondary one there.",
    ),
    "address_shape": (
        "The public address is no https origin",
        "Give scheme and host only, such as https://voice.example.com.",
    ),
    "address_name": (
        "The public address has no entry in the DNS",
        "Add an A or AAAA record for the host that points at this machine's proxy, and wait until it is known.",
    ),
    "address_closed": (
        "Nobody answers at the public address",
        "Start the proxy and the server, and open port 443 in the firewall.",
    ),
    "address_certificate": (
        "The certificate of the public address is not valid",
        "Let the proxy renew it (Caddy does by itself when ports 80 and 443 are reachable) and send the whole chain.",
    ),
    "address_stranger": (
        "Somebody else answers at the public address",
        "Point the proxy at this server's HOST and PORT, with every path passed on unchanged.",
    ),
}
