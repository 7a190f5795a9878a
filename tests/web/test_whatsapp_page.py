"""The owner pairs a phone and sets the rules for writing."""

from __future__ import annotations

import msgspec
import pytest
from playwright.async_api import Page, expect
from sqlalchemy import select

from agentlocator.db.schema import Audit
from agentlocator.domain import businesses, written_policy
from agentlocator.web.house import NoAnswer, PairedPhone
from agentlocator.web.routes import routes
from agentlocator.whatsapp import lines
from agentlocator.whatsapp.messages import Channel
from databases import ON_ONE_DATABASE
from web.chromium import go_to, log_in, picture
from web.office import Office, csrf

pytestmark = pytest.mark.requirement("R40")


class Bridge:
    """A bridge with a phone for each business, which is asked to pair and says how it is."""

    def __init__(self) -> None:
        self.is_up = True
        self.phones: dict[int, PairedPhone] = {}
        self.asked: list[tuple[int, str]] = []

    async def look(self, business_id: int) -> PairedPhone:
        if not self.is_up:
            raise NoAnswer("nobody listens there")
        return self.phones.get(business_id, PairedPhone("stopped", 0))

    async def pair(self, business_id: int, *, phone: str) -> PairedPhone:
        self.asked.append((business_id, phone))
        code = "" if not phone else "7Q4K-X2PM"
        self.phones[business_id] = PairedPhone("pairing", 100, qr="2@abc,def,ghi==", code=code)
        return await self.look(business_id)

    async def log_out(self, business_id: int) -> None:
        del self.phones[business_id]


def bridged(office: Office) -> Bridge:
    """Give the office's dashboard a bridge."""
    bridge = Bridge()
    office.app.router.routes = routes(msgspec.structs.replace(office.house, phones=bridge))
    return bridge


def there(office: Office, path: str = "") -> str:
    return f"/b/{office.town.clinic}/whatsapp{path}"


async def test_a_phone_that_says_its_number_is_paired_by_a_code(office: Office) -> None:
    bridge = bridged(office)
    async with await office.browser_of("owner") as owner:
        token = await csrf(owner)
        assert "לא מחובר" in (await owner.get(there(office))).text
        await owner.post(there(office, "/pair"), data={"csrf": token, "phone": "050-123 4567"})
        page = (await owner.get(there(office))).text
        assert "7Q4K-X2PM" in page
        assert 'src="data:image/svg+xml' in page
        assert bridge.asked == [(office.town.clinic, "972501234567")]
        bridge.phones[office.town.clinic] = PairedPhone("open", 92, sent_today=7, day_limit=40)
        assert "92/100" in (await owner.get(there(office))).text
        await owner.post(there(office, "/logout"), data={"csrf": token})
        assert "לא מחובר" in (await owner.get(there(office))).text


async def test_what_a_phone_suffers_from_is_said_in_words_with_what_to_do(office: Office) -> None:
    bridge = bridged(office)
    async with await office.browser_of("owner") as owner:
        for phone, words in (
            (PairedPhone("stopped", 0, reason="forbidden"), "וואטסאפ חסמה"),
            (PairedPhone("stopped", 0, reason="not_scanned"), "לא נסרק בזמן"),
            (PairedPhone("pairing", 100, reason="no_code", qr="2@abc"), "כדאי לבדוק אותו"),
            (PairedPhone("open", 0), "לא נשלח ממנו דבר"),
        ):
            bridge.phones[office.town.clinic] = phone
            page = (await owner.get(there(office))).text
            assert words in page
            assert not phone.reason or phone.reason not in page


async def test_the_page_looks_again_and_becomes_another_only_when_the_phone_has_changed(office: Office) -> None:
    bridge = bridged(office)
    bridge.phones[office.town.clinic] = PairedPhone("pairing", 100, qr="2@abc")
    async with await office.browser_of("owner") as owner:
        same = await owner.get(there(office, "?seen=pairing"))
        other = await owner.get(there(office, "?seen=starting"))
        bridge.is_up = False
        silent = await owner.get(there(office, "?seen=pairing"))
    assert "HX-Redirect" not in same.headers
    assert other.headers["HX-Redirect"] == silent.headers["HX-Redirect"] == there(office)


async def test_who_paired_and_disconnected_the_phone_is_kept(office: Office) -> None:
    bridged(office)
    async with await office.browser_of("owner") as owner:
        token = await csrf(owner)
        await owner.post(there(office, "/pair"), data={"csrf": token})
        await owner.post(there(office, "/logout"), data={"csrf": token})
    async with office.town.db.reading(office.town.clinic) as scope:
        kept = await scope.rows(select(Audit.actor, Audit.new).where(Audit.field == "paired_phone").order_by(Audit.id))
    assert [new for _, new in kept] == ["pairing", "logged_out"]
    assert len({actor for actor, _ in kept}) == 1


async def test_a_bridge_that_is_down_is_said_and_the_rest_of_the_page_is_there(office: Office) -> None:
    bridged(office).is_up = False
    async with await office.browser_of("owner") as owner:
        page = await owner.get(there(office))
        tried = await owner.post(there(office, "/pair"), data={"csrf": await csrf(owner)})
    assert page.status_code == 200
    assert "הגשר אינו עונה" in page.text
    assert "כללים לכתיבה" in page.text
    assert (tried.status_code, "הגשר אינו עונה" in tried.text) == (502, True)


async def test_an_owner_reads_his_numbers_and_no_name_of_ours(office: Office) -> None:
    bridged(office)
    async with office.town.db.scope(office.town.clinic) as scope:
        written: tuple[tuple[Channel, str], ...] = (
            ("bridge", "business-1"),
            ("twilio", "whatsapp:+97235550101"),
            ("cloud", "100200300"),
        )
        for channel, address in written:
            assert await lines.add(scope, channel, address, now=office.hands.now)
    async with await office.browser_of("owner") as owner:
        page = (await owner.get(there(office))).text
    assert "03-5550101" in page
    assert "100200300" in page
    assert "whatsapp:" not in page
    assert "business-1" not in page


async def test_without_a_bridge_there_is_nothing_to_pair(office: Office) -> None:
    async with await office.browser_of("owner") as owner:
        assert "אין גשר" in (await owner.get(there(office))).text
        assert (await owner.post(there(office, "/pair"), data={"csrf": await csrf(owner)})).status_code == 404


@pytest.mark.requirement("R41")
async def test_writing_after_a_call_is_off_until_the_owner_wants_it(office: Office) -> None:
    async with office.town.db.reading(office.town.clinic) as scope:
        assert written_policy.read((await businesses.show(scope)).policy).after_call == "off"
    rules = {"after_call": "confirmation", "quiet_from": "20:30", "quiet_until": "07:15", "keeps_shabbat": "yes"}
    async with await office.browser_of("owner") as owner:
        token = await csrf(owner)
        assert (await owner.post(there(office), data={"csrf": token, **rules})).status_code == 303
        early = await owner.post(there(office), data={"csrf": token, **rules, "quiet_from": "12:00"})
        nonsense = await owner.post(there(office), data={"csrf": token, **rules, "quiet_until": "soon"})
    assert (early.status_code, nonsense.status_code) == (422, 422)
    assert "דבר לא שונה" in early.text
    async with office.town.db.reading(office.town.clinic) as scope:
        policy = written_policy.read((await businesses.show(scope)).policy)
    assert (policy.after_call, policy.quiet_from_min, policy.quiet_until_min) == ("confirmation", 1230, 435)
    assert (policy.keeps_shabbat, policy.replies_when_quiet) == (True, False)


async def test_what_others_keep_in_the_policy_stays(office: Office) -> None:
    async with office.town.db.scope(office.town.clinic) as scope:
        policy = {"background": {"retention_days": 30}, "whatsapp": {"day_tokens": 5}}
        await businesses.change(scope, actor="test", now=office.hands.now, policy=policy)
    rules = {"after_call": "summary", "quiet_from": "21:00", "quiet_until": "08:00"}
    async with await office.browser_of("owner") as owner:
        await owner.post(there(office), data={"csrf": await csrf(owner), **rules})
    async with office.town.db.reading(office.town.clinic) as scope:
        kept = (await businesses.show(scope)).policy
    assert kept["background"] == {"retention_days": 30}
    assert (kept["whatsapp"]["day_tokens"], kept["whatsapp"]["after_call"]) == (5, "summary")


@ON_ONE_DATABASE
class TestOnScreen:
    async def test_an_owner_scans_the_code_and_sees_it_connect(self, page: Page, served: Office, width: str) -> None:
        bridge = bridged(served)
        await log_in(page, served, "owner")
        await go_to(page, "וואטסאפ")
        await page.get_by_role("button", name="צימוד טלפון").click()
        await expect(page.get_by_alt_text("קוד QR לצימוד")).to_be_visible()
        await picture(page, f"whatsapp-{width}")
        await page.get_by_role("textbox", name="מספר הטלפון").fill("050 123 4567")
        for _look in range(2):
            await page.wait_for_event("response", lambda response: "seen=pairing" in response.url)
        await expect(page.get_by_role("textbox", name="מספר הטלפון")).to_have_value("050 123 4567")
        bridge.phones[served.town.clinic] = PairedPhone("open", 100)
        await expect(page.get_by_text("מחובר", exact=True)).to_be_visible()
        await expect(page.get_by_role("button", name="קוד חדש")).to_be_hidden()
