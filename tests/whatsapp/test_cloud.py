"""The Cloud API's wire: signatures over raw bytes, and whatever a webhook may hold."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentlocator.whatsapp import cloud
from agentlocator.whatsapp.messages import Inbound, Outgoing, RemoteProtocolError, Report, Template
from whatsapp.people import webhook

pytestmark = pytest.mark.requirement("R40")

SENT_AT = datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)


def one(**message: Any) -> Inbound:
    whole = {"from": "972541234567", "id": "wamid.1", "timestamp": "1700000000", **message}
    (parsed,) = cloud.parse(webhook(whole))
    assert isinstance(parsed, Inbound)
    return parsed


def test_the_signature_is_the_app_secrets_over_the_raw_bytes() -> None:
    body = b'{"object":"whatsapp_business_account"}'
    signed = "sha256=e790291ff924369c1f80c8b2cc24fb9ccd37600d883a729059d4bbfa632c882b"
    assert cloud.sign(body, "app_secret") == signed
    assert cloud.verify(body, signed, "app_secret")
    assert not cloud.verify(body + b" ", signed, "app_secret")
    assert not cloud.verify(body, signed, "another")
    assert not cloud.verify(body, None, "app_secret")
    assert not cloud.verify(body, cloud.sign(body, ""), "")


def test_hebrew_that_came_escaped_is_hebrew_and_its_signature_holds() -> None:
    body = webhook({"from": "1", "id": "wamid.1", "timestamp": "1700000000", "type": "text", "text": {"body": "שלום"}})
    assert b"\\u05e9" in body
    assert cloud.verify(body, cloud.sign(body, "s"), "s")
    (parsed,) = cloud.parse(body)
    assert isinstance(parsed, Inbound)
    assert parsed.text == "שלום"


def test_the_challenge_is_answered_to_who_knows_the_token() -> None:
    query = {"hub.mode": "subscribe", "hub.verify_token": "token", "hub.challenge": "4711"}
    assert cloud.challenge(query, "token") == "4711"
    assert cloud.challenge(query, "other") is None
    assert cloud.challenge({**query, "hub.verify_token": ""}, "") is None


def test_kinds_of_messages() -> None:
    assert one(type="text", text={"body": "היי"}).text == "היי"
    assert one(type="button", button={"text": "כן", "payload": "yes"}).text == "כן"
    assert one(type="interactive", interactive={"list_reply": {"id": "1", "title": "10:00"}}).text == "10:00"
    assert one(type="image", image={"id": "1", "caption": "זה השן"}).text == "זה השן"
    assert one(type="audio", audio={"id": "1", "voice": True}).kind == "audio"
    assert one(type="order", order={}).kind == "unsupported"
    assert one(type="something of next year").kind == "unsupported"
    assert one(type="text", text={"body": 7}).text == ""


def test_who_wrote_may_have_no_phone() -> None:
    """A user id instead of a number, and the two together."""
    hidden = {"id": "wamid.1", "timestamp": "1700000000", "type": "text", "text": {"body": "היי"}}
    by_id = {**hidden, "from_user_id": "IL.abc123"}
    (nameless,) = cloud.parse(webhook(by_id, contacts=[{"profile": {"name": "דנה"}, "user_id": "IL.abc123"}]))
    assert isinstance(nameless, Inbound)
    assert (nameless.contact_ids, nameless.phone_raw) == (("IL.abc123",), "")
    known = {**hidden, "from": "972541234567"}
    (both,) = cloud.parse(webhook(known, contacts=[{"wa_id": "972541234567", "user_id": "IL.abc123"}]))
    assert isinstance(both, Inbound)
    assert (both.contact_ids, both.phone_raw) == (("972541234567", "IL.abc123"), "+972541234567")
    assert cloud.parse(webhook(hidden, contacts=[])) == []


def test_everything_in_a_webhook_is_read() -> None:
    body = webhook(
        {"from": "1", "id": "a", "timestamp": "1700000000", "type": "text", "text": {"body": "א"}},
        {"from": "1", "id": "b", "timestamp": "1700000000", "type": "text", "text": {"body": "ב"}},
        statuses=[
            {"id": "c", "status": "failed", "errors": [{"code": 131047}]},
            {"id": "d", "status": "warning of next year"},
            {"id": "e", "status": "read"},
        ],
    )
    first, second, failed, read = cloud.parse(body)
    assert [first.message_id, second.message_id] == ["a", "b"]
    assert failed == Report("cloud", "111000111", "c", "failed", "131047")
    assert read == Report("cloud", "111000111", "e", "read")
    assert isinstance(first, Inbound)
    assert first.sent_at == SENT_AT


def test_a_template_has_its_places_in_order() -> None:
    written = cloud.serialize(Outgoing("1", "97254", "מחר", "k", Template("visit_reminder", values=("מחר", "10:00"))))
    parameters = written["template"]["components"][0]["parameters"]
    assert (written["type"], written["template"]["language"]) == ("template", {"code": "he"})
    assert [one["text"] for one in parameters] == ["מחר", "10:00"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "entry",
                    "changes",
                    "value",
                    "metadata",
                    "phone_number_id",
                    "messages",
                    "statuses",
                    "from",
                    "id",
                    "type",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=25,
)


@given(JSON)
def test_no_shape_of_json_is_an_error(shape: Any) -> None:
    body = msgspec.json.encode(shape)
    if isinstance(shape, dict):
        assert isinstance(cloud.parse(body), list)
    else:
        with pytest.raises(RemoteProtocolError):
            cloud.parse(body)


def test_what_is_not_json_is_the_peers_fault() -> None:
    with pytest.raises(RemoteProtocolError):
        cloud.parse(b"{")
    with pytest.raises(RemoteProtocolError):
        cloud.parse(b"[" * 100_000)
