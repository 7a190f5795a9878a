"""Is all well? One light, and a card with a remedy for each thing that is not: for the owner and for the operator."""

from __future__ import annotations

import html

import pytest
from playwright.async_api import Page, expect
from sqlalchemy import update

from agentlocator.db.schema import Call
from agentlocator.domain import businesses, spending
from databases import ON_ONE_DATABASE
from town import NOW
from web.chromium import log_in, picture, tile
from web.office import HOSTILE, Office

pytestmark = pytest.mark.requirement("R51")


async def today(office: Office) -> str:
    async with await office.browser_of("viewer") as viewer:
        return html.unescape((await viewer.get(f"/b/{office.town.clinic}/today")).text)


async def calls_were(office: Office, **values: object) -> None:
    async with office.town.db.scope(office.town.clinic) as scope:
        await scope.changed(update(Call).where(Call.call_sid == "CA-dana").values(**values))


async def cap(office: Office, daily: str, monthly: str) -> None:
    async with office.town.db.scope(office.town.clinic) as scope:
        await spending.set_caps(scope, daily=daily, monthly=monthly, at_cap="warn", actor="owner", now=NOW)


async def test_a_day_like_any_other_is_green(office: Office) -> None:
    page = await today(office)
    assert "הכול תקין" in page
    assert 'class="troubles"' not in page


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"tx": 0}, "שיחות שבהן לא נשמע דבר"),
        ({"outcome": "model_lost"}, "שיחות שהעוזרת לא הצליחה לסיים"),
        ({"outcome": "line_dead"}, "שיחות שהעוזרת לא הצליחה לסיים"),
    ],
)
async def test_a_call_that_went_wrong_is_red_and_has_a_remedy(
    office: Office, values: dict[str, object], words: str
) -> None:
    await calls_were(office, **values)
    page = await today(office)
    assert "דורש טיפול" in page
    assert f"{words}</b>: <bdi>1</bdi>" in page
    office.hands.pass_(days=1)
    assert words not in await today(office), "tomorrow is another day"


async def test_spending_warns_at_four_fifths_and_at_the_cap(office: Office) -> None:
    await calls_were(office, cost_micro_usd=800_000)
    await cap(office, "2", "50")
    assert "מתקרבת" not in await today(office)
    await cap(office, "1", "50")
    page = await today(office)
    assert "ההוצאה היומית מתקרבת לתקרה" in page
    assert '<bdi dir="ltr">89%</bdi>' in page
    await calls_were(office, cost_micro_usd=49_000_000)
    page = await today(office)
    assert "ההוצאה היומית עברה את התקרה" in page
    assert "ההוצאה החודשית מתקרבת לתקרה" in page
    assert "למתקשרים ממשיכים לענות" in page


async def test_what_is_missing_in_the_settings_is_named(office: Office) -> None:
    async with office.town.db.scope(office.town.clinic) as scope:
        await businesses.change(scope, fallback_number="", policy={"nonsense": 1}, actor="owner", now=NOW)
    page = await today(office)
    assert "אין מספר חירום" in page
    assert "ההגדרות השמורות אינן קריאות" in page


async def test_the_operator_sees_whoever_needs_somebody_first_and_no_caller_s_words(office: Office) -> None:
    await calls_were(office, tx=0, facts={"alarms": ["no_audio: דנה אמרה", "no_audio: ושוב"]}, summary=HOSTILE)
    async with await office.browser_of("operator") as operator:
        page = html.unescape((await operator.get("/operator")).text)
    assert page.index("מרפאת שיניים") < page.index("מוסך הצפון")
    assert '<code dir="ltr">no_audio</code> <bdi>2</bdi>' in page
    assert "דנה" not in page


async def test_an_alarm_s_code_is_shown_as_it_is(office: Office) -> None:
    await calls_were(office, facts={"alarms": [HOSTILE]})
    async with await office.browser_of("operator") as operator:
        assert "<script>alert" not in (await operator.get("/operator")).text


@ON_ONE_DATABASE
class TestScreen:
    """In a real browser."""

    async def test_an_owner_sees_what_is_wrong_and_goes_to_its_remedy(
        self, page: Page, served: Office, width: str
    ) -> None:
        await calls_were(served, tx=0)
        await cap(served, "1", "")
        await calls_were(served, cost_micro_usd=850_000)
        await log_in(page, served, "owner")
        assert await tile(page, "הוצאה") == "$0.94"
        await picture(page, f"today-troubles-{width}")
        await page.get_by_role("link", name="למתקשרים ממשיכים לענות").click()
        await expect(page.get_by_label("ביום (דולרים)")).to_have_value("1")

    async def test_the_operator_sees_who_needs_somebody(self, page: Page, served: Office, width: str) -> None:
        await calls_were(served, tx=0, facts={"alarms": ["no_audio: x"]})
        await log_in(page, served, "operator")
        await expect(page.locator(".watched > section").first).to_contain_text("דורש טיפול")
        await picture(page, f"operator-troubles-{width}")
