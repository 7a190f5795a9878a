"""Coming in and going out: passwords, one-time codes, throttling, sessions that end, links that work once."""

from __future__ import annotations

from pathlib import Path

import httpx2
import pytest
from sqlalchemy import select

from agentlocator.db.accounts import Account, LoginSession
from agentlocator.db.schema import Audit
from agentlocator.domain import accounts, second_factor, throttle, totp
from agentlocator.domain.passwords import Passwords
from web.office import PASSWORD, Office, csrf, furnish


async def try_to_log_in(
    browser: httpx2.AsyncClient, email: str, password: str = PASSWORD, code: str = ""
) -> httpx2.Response:
    return await browser.post("/login", data={"email": email, "password": password, "code": code})


async def test_the_right_password_opens_the_business(office: Office) -> None:
    async with office.browser() as browser:
        assert (await try_to_log_in(browser, " Owner@Example.com")).status_code == 303
        page = await browser.get("/", follow_redirects=True)
    assert page.url.path == f"/b/{office.town.clinic}/today"


async def test_nobody_learns_what_was_wrong(office: Office) -> None:
    async with office.browser() as browser:
        wrong = await try_to_log_in(browser, "owner@example.com", "not the password")
        unknown = await try_to_log_in(browser, "stranger@example.com", "not the password")
        no_code = await try_to_log_in(browser, "operator@example.com")
    assert wrong.status_code == unknown.status_code == no_code.status_code == 403
    assert wrong.text.replace("owner@", "X@") == unknown.text.replace("stranger@", "X@")
    assert wrong.text.replace("owner@", "X@") == no_code.text.replace("operator@", "X@")
    assert "set-cookie" not in wrong.headers


async def test_a_stranger_costs_as_much_work_as_a_person(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    work: list[str] = []
    judge = Passwords._is_right

    def counted(self: Passwords, password_hash: str, password: str) -> bool:
        work.append(password_hash)
        return judge(self, password_hash, password)

    monkeypatch.setattr(Passwords, "_is_right", counted)
    async with office.browser() as browser:
        await try_to_log_in(browser, "owner@example.com", "guess")
        await try_to_log_in(browser, "stranger@example.com", "guess")
    assert len(work) == 2
    assert {one.rsplit("$", 2)[0] for one in work} == {"$argon2id$v=19$m=19456,t=2,p=1"}


async def test_guesses_are_slowed_down_and_the_owner_comes_in_again(office: Office) -> None:
    async with office.browser() as browser:
        answers = [(await try_to_log_in(browser, "owner@example.com", f"guess {n}")).status_code for n in range(6)]
        assert answers == [403] * 5 + [429]
        assert (await try_to_log_in(browser, "owner@example.com")).status_code == 429
        assert (await try_to_log_in(browser, "viewer@example.com")).status_code == 303
        office.hands.pass_(minutes=15)
        assert (await try_to_log_in(browser, "owner@example.com")).status_code == 303
        assert (await try_to_log_in(browser, "owner@example.com", "a slip")).status_code == 403


async def test_one_address_guesses_at_many_accounts_in_vain(office: Office) -> None:
    async with office.house.db.operator(writing=True) as operator:
        address = throttle.of_address("10.0.0.9")
        admitted = [
            await throttle.admit(operator, [throttle.of_account(f"{n}@x"), address], now=office.hands.now)
            for n in range(60)
        ]
    assert sum(admitted) == address.free


async def test_an_operator_needs_the_code_of_this_half_minute_and_it_works_once(office: Office) -> None:
    async with office.house.db.operator(writing=True) as operator:
        account = await accounts.find_by_email(operator, "operator@example.com")
        assert account is not None
        secret = await second_factor.enrol(operator, office.house.vault, account)
    code = totp.code_at(secret, int(office.hands.now.timestamp() // totp.STEP_S))
    async with office.browser() as first, office.browser() as second:
        assert (await try_to_log_in(first, "operator@example.com", code="000000")).status_code == 403
        assert (await try_to_log_in(first, "operator@example.com", code=code)).status_code == 303
        assert (await try_to_log_in(second, "operator@example.com", code=code)).status_code == 403
        assert (await first.get("/operator")).status_code == 200


async def test_the_code_is_the_one_of_the_standard() -> None:
    secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
    assert [totp.code_at(secret, at_s // 30) for at_s in (59, 1111111109, 20000000000)] == [
        "287082",
        "081804",
        "353130",
    ]
    assert totp.step_of(secret, "287 082", now_s=59, after_step=0) == 1
    assert totp.step_of(secret, "287082", now_s=59, after_step=1) is None
    assert totp.step_of(secret, "٢٨٧٠٨٢", now_s=59, after_step=0) is None


async def test_a_session_ends_idle_or_old_or_at_the_logout(office: Office) -> None:
    async with await office.browser_of("owner") as owner, await office.browser_of("owner") as other:
        today = f"/b/{office.town.clinic}/today"
        for _ in range(27):
            office.hands.pass_(hours=11)
            assert (await owner.get(today)).status_code == 200
        assert (await other.get(today)).status_code == 303
        office.hands.pass_(hours=11 * 4)
        assert (await owner.get(today)).status_code == 303
    async with await office.browser_of("owner") as owner:
        stolen = dict(owner.cookies)
        await owner.post("/logout", data={"csrf": await csrf(owner)})
        thief = office.browser()
        thief.cookies.update(stolen)
        assert (await thief.get(today)).status_code == 303


async def test_a_session_from_before_the_login_dies_with_it(office: Office) -> None:
    async with await office.browser_of("owner") as browser:
        before = browser.cookies["agentlocator"]
        await try_to_log_in(browser, "owner@example.com")
        assert browser.cookies["agentlocator"] != before
        browser.cookies.set("agentlocator", before, domain="dashboard.test")
        assert (await browser.get("/")).headers["location"] == "/login"


async def test_the_database_holds_no_key_to_a_session(office: Office) -> None:
    async with await office.browser_of("owner") as owner, office.house.db.operator() as operator:
        kept = await operator.all(select(LoginSession.digest))
        assert owner.cookies["agentlocator"] not in kept


async def test_over_tls_the_cookie_is_for_this_origin_alone(office: Office, tmp_path: Path) -> None:
    public = await furnish(office.town, tmp_path, "https://dashboard.test")
    async with public.browser() as browser:
        cookie = (await try_to_log_in(browser, "owner@example.com")).headers["set-cookie"]
    public.house.passwords.close()
    assert cookie.startswith("__Host-agentlocator=")
    for flag in ("Secure", "HttpOnly", "SameSite=lax", "Path=/"):
        assert flag in cookie
    assert "Domain" not in cookie


async def test_an_invitation_works_once_and_is_in_the_audit_log(office: Office) -> None:
    async with office.house.db.operator(writing=True) as operator:
        token = await accounts.invite(operator, office.town.clinic, "staff", actor="owner", now=office.hands.now)
    form = {"email": "ruti@example.com", "name": "רותי", "password": "a long enough one"}
    async with office.browser() as preview, office.browser() as ruti, office.browser() as late:
        for _ in range(3):
            assert (await preview.get(f"/entry/{token}")).status_code == 200
        assert (await ruti.post(f"/entry/{token}", data={**form, "password": "short"})).status_code == 422
        assert (await ruti.post(f"/entry/{token}", data=form)).status_code == 303
        assert (await ruti.get(f"/b/{office.town.clinic}/today")).status_code == 200
        assert (await ruti.get(f"/b/{office.town.clinic}/members")).status_code == 403
        assert (await late.post(f"/entry/{token}", data=form)).status_code == 404
    async with office.town.db.reading(office.town.clinic) as scope:
        written = await scope.rows(
            select(Audit.actor, Audit.field, Audit.new)
            .where(Audit.entity.in_(("member", "business")))
            .order_by(Audit.id)
        )
    assert tuple(written[-2]) == ("owner", "invitation", "staff")
    assert tuple(written[-1]) == ("ruti@example.com", "role", "staff")


async def test_an_invitation_takes_over_nobody_s_account(office: Office) -> None:
    async with office.house.db.operator(writing=True) as operator:
        token = await accounts.invite(operator, office.town.charlie, "owner", actor="charlie", now=office.hands.now)
    async with office.browser() as thief:
        for email in ("owner@example.com", "operator@example.com"):
            form = {"email": email, "name": "x", "password": "charlie's own password"}
            assert (await thief.post(f"/entry/{token}", data=form)).status_code == 403
        assert (await thief.get("/")).headers["location"] == "/login"


async def test_an_old_link_opens_nothing(office: Office) -> None:
    async with office.house.db.operator(writing=True) as operator:
        token = await accounts.login_link(operator, office.people["owner"].id, actor="cli", now=office.hands.now)
    office.hands.pass_(minutes=31)
    async with office.browser() as browser:
        assert (await browser.get(f"/entry/{token}")).status_code == 404
        assert (await browser.post(f"/entry/{token}")).status_code == 404


async def test_a_new_password_and_a_new_role_throw_everybody_out(office: Office) -> None:
    async with await office.browser_of("owner") as owner, await office.browser_of("viewer") as viewer:
        there = f"/b/{office.town.clinic}/members"
        form = {"csrf": await csrf(owner), "role": "staff"}
        assert (await owner.post(f"{there}/{office.people['viewer'].id}", data=form)).status_code == 303
        assert (await viewer.get("/")).headers["location"] == "/login"
        async with office.house.db.operator(writing=True) as operator:
            await accounts.set_password(operator, office.people["owner"].id, "hash")
        assert (await owner.get("/")).headers["location"] == "/login"


async def test_the_last_owner_stays(office: Office) -> None:
    async with await office.browser_of("owner") as owner:
        there = f"/b/{office.town.clinic}/members/{office.people['owner'].id}"
        for role in ("", "viewer"):
            answer = await owner.post(there, data={"csrf": await csrf(owner), "role": role})
            assert answer.status_code == 422
            assert "בעלים אחד" in answer.text


async def test_an_owner_cannot_reach_people_of_another_business(office: Office) -> None:
    async with await office.browser_of("owner") as owner:
        there = f"/b/{office.town.clinic}/members/{office.people['charlie'].id}"
        assert (await owner.post(there, data={"csrf": await csrf(owner), "role": "viewer"})).status_code == 404
        bad = {"csrf": await csrf(owner), "role": "operator"}
        assert (await owner.post(f"/b/{office.town.clinic}/members", data=bad)).status_code == 404
    async with office.house.db.operator() as operator:
        assert (await operator.first(select(Account.is_operator).where(Account.email == "owner@example.com"))) is False
