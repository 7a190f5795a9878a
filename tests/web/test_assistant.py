"""The assistant's words and conduct: drafted, compared, published, taken back; each change from the next call on."""

from __future__ import annotations

import html
import re

import msgspec
import pytest
from starlette.applications import Starlette

from agentlocator.call.policy import CallPolicy, overridden
from agentlocator.domain import businesses, conduct, prompts
from agentlocator.domain.profile import BusinessProfile
from agentlocator.web import routes
from agentlocator.web.difference import Piece, between
from web.office import HOSTILE, Office, csrf

pytestmark = [pytest.mark.requirement("R51"), pytest.mark.requirement("R31")]


async def profile(office: Office, business_id: int | None = None) -> BusinessProfile:
    async with office.town.db.reading(business_id or office.town.clinic) as scope:
        return await businesses.show(scope)


async def post(office: Office, path: str, who: str = "owner", **form: str) -> tuple[int, str]:
    async with await office.browser_of(who) as browser:
        form["csrf"] = await csrf(browser)
        answer = await browser.post(f"/b/{office.town.clinic}/assistant/{path}", data=form)
        return answer.status_code, html.unescape(answer.text)


async def shown(office: Office, path: str = "", who: str = "owner") -> str:
    async with await office.browser_of(who) as browser:
        return html.unescape((await browser.get(f"/b/{office.town.clinic}/assistant{path}")).text)


async def test_a_draft_is_for_the_owner_and_a_published_one_for_callers(office: Office) -> None:
    before = await profile(office)
    assert (await post(office, "draft", greeting="שלום וברכה", custom_prompt="חניה\r\nחינם"))[0] == 303
    assert await profile(office) == before
    page = await shown(office)
    assert "<ins>שלום וברכה</ins>" in page
    assert (await post(office, "publish"))[0] == 303
    after = await profile(office)
    assert (after.greeting, after.custom_prompt) == ("שלום וברכה", "חניה\nחינם")
    assert (await post(office, "publish"))[0] == 404, "there is no draft any more"
    assert (await post(office, "rollback", number="1"))[0] == 303
    assert (await profile(office)).greeting == before.greeting


@pytest.mark.parametrize("number", ["99", "", "-1", "1" * 30, "²"])
async def test_there_is_no_way_back_to_what_never_was(office: Office, number: str) -> None:
    assert (await post(office, "rollback", number=number))[0] == 404


async def test_words_that_cannot_be_kept_come_back_with_a_remedy(office: Office) -> None:
    status, page = await post(office, "draft", greeting="  ", custom_prompt="מה שכתבתי")
    assert status == 422
    assert "כתבו משפט אחד" in page
    assert "מה שכתבתי" in page
    async with office.town.db.reading(office.town.clinic) as scope:
        assert await prompts.drafted(scope) is None


async def test_a_thrown_away_draft_is_gone(office: Office) -> None:
    await post(office, "draft", greeting="ניסיון", custom_prompt="")
    assert (await post(office, "discard"))[0] == 303
    assert "ניסיון" not in await shown(office)


def test_the_difference_is_told_in_words_and_loses_nothing() -> None:
    old, new = "בדיקה 200 שקלים, חניה בשפע", "בדיקה 250 שקלים, חניה"
    pieces = between(old, new)
    assert Piece("removed", "200") in pieces
    assert between("שלום לכם", "ערב טוב") == [Piece("removed", "שלום לכם"), Piece("added", "ערב טוב")]
    assert Piece("added", "250") in pieces
    assert "".join(piece.text for piece in pieces if piece.change != "added") == old
    assert "".join(piece.text for piece in pieces if piece.change != "removed") == new


async def test_a_viewer_sees_the_greeting_and_not_the_prompt(office: Office) -> None:
    prompt = (await profile(office)).custom_prompt.splitlines()[0]
    assert prompt in await shown(office, who="staff")
    page = await shown(office, who="viewer")
    assert (await profile(office)).greeting in page
    assert prompt not in page


async def test_settings_are_kept_and_the_next_call_is_run_by_them(office: Office) -> None:
    assert (await post(office, "conduct", dead_air="6", end_of_turn="semantic_vad", notice="השיחה מוקלטת"))[0] == 303
    call = overridden(CallPolicy(), conduct.of_calls((await profile(office)).policy))
    assert (call.dead_air_ms, call.turn_detection, call.notice) == (6_000, "semantic_vad", "השיחה מוקלטת")
    status, page = await post(office, "conduct", dead_air="60")
    assert status == 422
    assert 'value="60"' in page
    assert "הטווח כתוב לצידו" in page


async def test_the_voice_is_one_the_model_has(office: Office) -> None:
    assert (await post(office, "voice", voice="cedar", language="ar"))[0] == 303
    assert ((await profile(office)).voice, (await profile(office)).language) == ("cedar", "ar")
    assert (await post(office, "voice", voice="hal", language="he"))[0] == 422
    assert (await post(office, "voice", voice="cedar", language="<b>"))[0] == 422
    assert (await profile(office)).voice == "cedar"


async def test_people_that_calls_are_passed_to_come_and_go(office: Office) -> None:
    assert (await post(office, "people", number="054-9998877", label="רופא תורן"))[0] == 303
    assert "רופא תורן" in await shown(office, "/conduct")
    assert (await post(office, "people", number="054-9998877", label="שוב"))[0] == 422
    assert (await post(office, "people", number="טלפון", label="אין"))[0] == 422
    assert (await post(office, "people", number="054-9998876", label=" "))[0] == 422
    assert (await post(office, "people", remove="+972549998877"))[0] == 303
    assert "רופא תורן" not in await shown(office, "/conduct")
    assert (await post(office, "people", fallback_number=""))[0] == 303
    assert (await profile(office)).fallback_number is None


async def test_caps_are_kept_apart_from_what_a_call_is_run_by(office: Office) -> None:
    assert (await post(office, "caps", daily_usd="5", monthly_usd="100", at_cap="warn"))[0] == 303
    policy = (await profile(office)).policy
    assert policy["spending"] == {"daily_usd": 5, "monthly_usd": 100}
    assert "spending" not in conduct.of_calls(policy)
    assert (await post(office, "caps", daily_usd="-5", monthly_usd="", at_cap="warn"))[0] == 422


async def test_the_preview_is_what_the_builder_gives_byte_for_byte(office: Office) -> None:
    seen: list[BusinessProfile] = []

    def session_of(business: BusinessProfile, _now: object) -> dict[str, object]:
        seen.append(business)
        words = f"\n{HOSTILE}\n\n{business.greeting}\n{business.custom_prompt}\n"
        return {
            "instructions": words,
            "audio": {"output": {"voice": {"id": "voice_1"}}, "input": {"turn_detection": {"type": "semantic_vad"}}},
            "max_output_tokens": 400,
            "tools": [{"name": "end_call"}],
        }

    house = msgspec.structs.replace(office.house, session_of=session_of)
    office.app = Starlette(routes=routes(house))
    await post(office, "draft", greeting="טיוטה חדשה", custom_prompt="<b>שלום</b>")
    async with await office.browser_of("staff") as staff:
        for of, greeting in (("published", (await profile(office)).greeting), ("draft", "טיוטה חדשה")):
            path = f"/b/{office.town.clinic}/assistant/prompt"
            text = (await staff.get(f"{path}.txt?of={of}")).content.decode()
            page = (await staff.get(f"{path}?of={of}")).text
            # The first newline of a preformatted text is the markup's own.
            (raw,) = re.findall(r"<pre [^>]*>\n(.*?)</pre>", page, re.DOTALL)
            assert html.unescape(raw) == text == session_of(seen[-1], None)["instructions"]
            assert seen[-1].greeting == greeting
    assert "<script>alert" not in page


async def test_hostile_words_are_shown_as_words(office: Office) -> None:
    await post(office, "draft", greeting=HOSTILE, custom_prompt=HOSTILE * 90)
    await post(office, "people", number="054-9998877", label=HOSTILE)
    await post(office, "conduct", notice=HOSTILE)
    async with await office.browser_of("owner") as owner:
        for path in ("", "/conduct"):
            page = (await owner.get(f"/b/{office.town.clinic}/assistant{path}")).text
            assert "<script>alert" not in page
            assert "<img src=x" not in page
