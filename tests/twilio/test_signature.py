"""Who may speak to us: the carrier, and nobody who only looks like it."""

from __future__ import annotations

import hashlib
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator

from agentlocator.twilio.signature import sign, verify

TOKEN = "12345"
FORM = [
    ("CallSid", "CA1234567890ABCDE"),
    ("Caller", "+12349013030"),
    ("Digits", "1234"),
    ("From", "+12349013030"),
    ("To", "+18005551212"),
]
FORM_URL = "https://example.com/myapp.php?foo=1&bar=2"
FORM_SIGNATURE = "vNe7KK2kJwCsxc9K3OLkkKB3qqI="
SOCKET = "wss://example.com/twilio/media"


@pytest.mark.parametrize(
    ("url", "params", "signature"),
    [
        (FORM_URL, FORM, FORM_SIGNATURE),
        (SOCKET, [], "Ko8aymfVk0cCegaxVKH0ZCvSyf4="),
        (SOCKET + "/", [], "2FSgdRajF1AcedC3OxeCdxXJk50="),
        ("wss://example.com:443/twilio/media", [], "JPl6eMv6/FLIiyGOYMMOKCyoU3s="),
        (
            "https://example.com/wa",
            [("Body", "שלום"), ("From", "whatsapp:+972501234567")],
            "NmBfZjQKk1Hy+Pn3r7chHpwdwvU=",
        ),
    ],
)
def test_known_signatures(url: str, params: list[tuple[str, str]], signature: str) -> None:
    assert sign(url, params, TOKEN) == signature
    assert verify(url, params, signature, [TOKEN])


def test_the_carriers_own_request_passes_in_any_order() -> None:
    assert verify(FORM_URL, FORM[::-1], FORM_SIGNATURE, [TOKEN])


@pytest.mark.parametrize(
    ("url", "params", "header"),
    [
        (FORM_URL, FORM, None),
        (FORM_URL, FORM, ""),
        (FORM_URL, FORM, "שלום"),
        (FORM_URL, FORM, FORM_SIGNATURE[:-1]),
        (FORM_URL, FORM, FORM_SIGNATURE.swapcase()),
        (FORM_URL, [*FORM, ("Added", "")], FORM_SIGNATURE),
        (FORM_URL, FORM[1:], FORM_SIGNATURE),
        (FORM_URL, [*FORM[:-1], ("To", "+18005551213")], FORM_SIGNATURE),
        (FORM_URL, [*FORM, ("To", "+18005551213")], FORM_SIGNATURE),
        (FORM_URL.replace("foo=1", "foo=2"), FORM, FORM_SIGNATURE),
        (FORM_URL.replace("example.com", "example.org"), FORM, FORM_SIGNATURE),
        (FORM_URL.replace("https", "http"), FORM, FORM_SIGNATURE),
    ],
)
def test_anything_else_is_refused(url: str, params: list[tuple[str, str]], header: str | None) -> None:
    assert not verify(url, params, header, [TOKEN])


def test_during_a_rotation_both_tokens_pass_and_no_token_passes_nothing() -> None:
    assert verify(FORM_URL, FORM, FORM_SIGNATURE, ["new", TOKEN])
    assert verify(FORM_URL, FORM, sign(FORM_URL, FORM, "new"), ["new", TOKEN])
    assert not verify(FORM_URL, FORM, FORM_SIGNATURE, ["new"])
    assert not verify(FORM_URL, FORM, FORM_SIGNATURE, [])
    assert not verify(FORM_URL, FORM, sign(FORM_URL, FORM, ""), [""])


def test_repeated_and_blank_fields_are_signed() -> None:
    params = [("MediaUrl", "b"), ("Body", ""), ("MediaUrl", "a"), ("MediaUrl", "b")]
    signature = RequestValidator(TOKEN).compute_signature(FORM_URL, _Multi(params))
    assert verify(FORM_URL, params, signature, [TOKEN])
    assert not verify(FORM_URL, [("Body", ""), ("MediaUrl", "a")], signature, [TOKEN])


@pytest.mark.parametrize("signed", [SOCKET, SOCKET + "/", SOCKET.replace(".com", ".com:443")])
@pytest.mark.parametrize("seen", [SOCKET, SOCKET + "/", SOCKET.replace(".com", ".com:443") + "/"])
def test_a_socket_passes_however_its_url_was_spelled(signed: str, seen: str) -> None:
    assert verify(seen, [], sign(signed, [], TOKEN), [TOKEN])
    assert not verify(seen + "other", [], sign(signed, [], TOKEN), [TOKEN])


def test_a_json_body_is_covered_by_its_digest_in_the_url() -> None:
    body = '{"שם":"דנה"}'.encode()
    url = f"https://example.com/hook?bodySHA256={hashlib.sha256(body).hexdigest()}"
    signature = sign(url, [], TOKEN)
    assert verify(url, [], signature, [TOKEN], json_body=body)
    assert not verify(url, [], signature, [TOKEN], json_body=body + b" ")

    bare = "https://example.com/hook"
    assert not verify(bare, [], sign(bare, [], TOKEN), [TOKEN], json_body=body)


_names = st.text(string.ascii_letters + string.digits + "._", min_size=1, max_size=12)
_hosts = st.sampled_from(["example.com", "example.com:443", "example.com:8443", "voice.example.co.il"])
_fields = st.lists(st.tuples(_names, st.text(st.characters(exclude_categories=["Cs"]), max_size=20)), max_size=8)


@given(host=_hosts, path=_names, query=_names, params=_fields, token=_names, signed_at=_hosts)
def test_it_agrees_with_the_carriers_own_validator(
    host: str, path: str, query: str, params: list[tuple[str, str]], token: str, signed_at: str
) -> None:
    oracle = RequestValidator(token)
    url = f"https://{host}/{path}?q={query}"
    signature = oracle.compute_signature(f"https://{signed_at}/{path}?q={query}", _Multi(params))
    assert verify(url, params, signature, [token]) == oracle.validate(url, _Multi(params), signature)


class _Multi(dict[str, str]):
    """A form as the SDK wants it: iterable by name, with every value of a name."""

    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        super().__init__(pairs)
        self._pairs = pairs

    def getall(self, name: str) -> list[str]:
        return [value for key, value in self._pairs if key == name]
