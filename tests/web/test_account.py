"""A person's own account, and an operator's way into somebody else's business: all of it seen and written down."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from agentlocator.db.accounts import AccountEvent
from agentlocator.db.schema import Audit
from agentlocator.domain import accounts
from web.office import PASSWORD, Office, csrf

pytestmark = pytest.mark.requirement("R51")

NEW = "an even longer password"


async def kinds_of(office: Office, name: str) -> list[str]:
    """What was written about somebody, oldest first."""
    async with office.house.db.operator() as operator:
        return list(
            await operator.all(
                select(AccountEvent.kind)
                .where(AccountEvent.account_id == office.people[name].id)
                .order_by(AccountEvent.id)
            )
        )


async def test_logins_and_wrong_passwords_are_written_down_but_not_what_was_typed(office: Office) -> None:
    async with office.browser() as browser:
        for password in ("hunter2-wrong", PASSWORD):
            await browser.post("/login", data={"email": "owner@example.com", "password": password})
        await browser.post("/login", data={"email": "my-password@typed.here", "password": "x"})
        page = (await browser.get("/account")).text
    assert await kinds_of(office, "owner") == ["login_failed", "login"]
    assert "סיסמה או קוד שגויים" in page
    async with office.house.db.operator() as operator:
        kept = await operator.rows(select(AccountEvent.actor, AccountEvent.browser, AccountEvent.address))
        assert (
            await operator.first(select(AccountEvent.kind).where(AccountEvent.account_id.is_(None))) == "login_failed"
        )
    assert "typed.here" not in str(kept)
    assert "hunter2" not in str(kept)


async def test_a_new_password_takes_the_old_one_and_throws_the_other_browsers_out(office: Office) -> None:
    async with await office.browser_of("owner") as here, await office.browser_of("owner") as there:
        token = await csrf(here)
        for current, new, status in (("not it", NEW, 403), (PASSWORD, "short", 422), (PASSWORD, NEW, 303)):
            form = {"csrf": token, "current": current, "new": new}
            assert (await here.post("/account/password", data=form)).status_code == status
        assert (await here.get("/account")).status_code == 200
        assert (await there.get("/account")).headers["location"] == "/login"
    async with office.browser() as browser:
        for password, status in ((PASSWORD, 403), (NEW, 303)):
            form = {"email": "owner@example.com", "password": password}
            assert (await browser.post("/login", data=form)).status_code == status
    assert "password_changed" in await kinds_of(office, "owner")


async def test_whoever_finds_an_open_browser_cannot_guess_the_password_for_long(office: Office) -> None:
    async with await office.browser_of("owner") as thief:
        form = {"csrf": await csrf(thief), "current": "a guess", "new": NEW}
        answers = [(await thief.post("/account/password", data=form)).status_code for _ in range(6)]
    assert answers == [403] * 5 + [429]


async def test_one_browser_is_logged_out_or_all_but_never_somebody_else_s(office: Office) -> None:
    async with await office.browser_of("owner") as here, await office.browser_of("owner") as there:
        token = await csrf(here)
        async with office.house.db.operator() as operator:
            _mine, other = sorted(
                one.session_id
                for one in await accounts.sessions(operator, office.people["owner"].id, now=office.hands.now)
            )
        async with await office.browser_of("viewer") as viewer:
            form = {"csrf": await csrf(viewer), "session": str(other)}
            assert (await viewer.post("/account/sessions", data=form)).status_code == 404
            for nonsense in ("0", "9" * 40, "x"):
                odd = await viewer.post("/account/sessions", data={**form, "session": nonsense})
                assert odd.status_code == 404
        assert (await here.post("/account/sessions", data={"csrf": token, "session": str(other)})).status_code == 303
        assert (await there.get("/account")).headers["location"] == "/login"
        assert (await here.get("/account")).status_code == 200
        assert (await here.post("/account/sessions", data={"csrf": token})).headers["location"] == "/login"
        assert (await here.get("/account")).headers["location"] == "/login"
    assert await kinds_of(office, "owner") == ["session_ended", "logged_out_everywhere"]


async def test_an_operator_gives_a_reason_enters_for_an_hour_and_the_owner_reads_it(office: Office) -> None:
    clinic = office.town.clinic
    async with await office.browser_of("operator") as operator, await office.browser_of("owner") as owner:
        asked = await operator.get(f"/b/{clinic}/calls/CA-dana")
        assert asked.headers["location"] == f"/operator/enter?business={clinic}"
        assert "דנה" not in (await operator.get(asked.headers["location"])).text
        form = {"csrf": await csrf(operator), "business": str(clinic)}
        assert (await operator.post("/operator/enter", data={**form, "reason": " ab "})).status_code == 422
        reason = "פנייה 4711: שיחה שלא נשמע בה קול"
        assert (await operator.post("/operator/enter", data={**form, "reason": reason})).status_code == 303
        assert "דנה" in (await operator.get(f"/b/{clinic}/calls/CA-dana")).text
        assert (await operator.get(f"/b/{office.town.garage}/calls")).status_code == 303, "this business and no other"
        page = (await owner.get(f"/b/{clinic}/members")).text
        assert reason in page
        assert "operator@example.com" in page
        office.hands.pass_(minutes=61)
        assert (await operator.get(f"/b/{clinic}/calls/CA-dana")).status_code == 303
    async with office.town.db.reading(clinic) as scope:
        written = await scope.all(select(Audit.actor).where(Audit.field == "operator_entry"))
    assert written == ["operator@example.com"]


async def test_logging_out_ends_an_operator_s_stay(office: Office) -> None:
    async with await office.browser_of("operator") as first, await office.browser_of("operator") as second:
        form = {"csrf": await csrf(first), "business": str(office.town.clinic), "reason": "a caller complains"}
        await first.post("/operator/enter", data=form)
        assert (await second.get(f"/b/{office.town.clinic}/today")).status_code == 200
        await first.post("/logout", data={"csrf": form["csrf"]})
        assert (await second.get(f"/b/{office.town.clinic}/today")).status_code == 303


async def test_nobody_but_an_operator_enters_and_no_business_but_one_that_is_there(office: Office) -> None:
    for name in ("owner", "charlie", "viewer"):
        async with await office.browser_of(name) as browser:
            form = {"csrf": await csrf(browser), "business": str(office.town.garage), "reason": "just looking around"}
            assert (await browser.post("/operator/enter", data=form)).status_code == 404
            assert (await browser.get(f"/operator/enter?business={office.town.garage}")).status_code == 404
    async with await office.browser_of("operator") as operator:
        for wanted in ("999", "", "x", "9" * 40):
            assert (await operator.get(f"/operator/enter?business={wanted}")).status_code == 404


async def test_strangers_are_sent_to_the_login(office: Office) -> None:
    async with office.browser() as nobody:
        for path in ("/account", "/operator/enter?business=1"):
            assert (await nobody.get(path)).headers["location"] == "/login"
        for path in ("/account/password", "/account/sessions", "/operator/enter"):
            assert (await nobody.post(path)).headers["location"] == "/login"
