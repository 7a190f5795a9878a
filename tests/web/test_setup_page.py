"""The operator sets the deployment up: what he types is tried and sealed, and what he changes he has seen first."""

from __future__ import annotations

import html
import re

import httpx2
import msgspec
import pytest
from starlette.applications import Starlette

from agentlocator.domain import businesses, vault
from agentlocator.domain.seed import CLINIC_NUMBER
from agentlocator.provision.trouble import TROUBLES
from agentlocator.web import routes
from agentlocator.web.door import Page
from agentlocator.web.pages import setup
from agentlocator.web.routes import PAGES
from provision.peers import ACCOUNT, MODEL_KEY, SECONDARY, TOKEN
from web.office import FREE_NUMBER, ORIGIN, Office, csrf

pytestmark = [pytest.mark.requirement("R51"), pytest.mark.requirement("R52")]

HERE = "/operator/setup"
BIN = "https://handler.twilio.com/twiml/EH0123456789abcdef0123456789abcdef"
OPERATED = [page for page in PAGES if page.path.startswith(HERE)]


async def post(browser: httpx2.AsyncClient, where: str, **fields: str) -> httpx2.Response:
    return await browser.post(f"{HERE}/{where}", data={"csrf": await csrf(browser), **fields})


def shown(page: httpx2.Response) -> str:
    found = re.search(r'name="shown" value="(\w+)"', page.text)
    assert found is not None, page.text
    return found[1]


async def kept(office: Office) -> dict[str, str]:
    async with office.house.db.operator() as operator:
        return await vault.kept(operator, office.house.vault)


@pytest.mark.parametrize("page", OPERATED, ids=lambda page: f"{page.method} {page.path}")
async def test_for_everybody_but_an_operator_there_is_no_such_page(office: Office, page: Page) -> None:
    async with office.browser() as nobody:
        refused = await nobody.request(page.method, page.path)
        assert (refused.status_code, refused.headers["location"]) == (303, "/login")
    for name in ("viewer", "staff", "owner", "charlie"):
        async with await office.browser_of(name) as browser:
            headers = {"X-CSRF-Token": await csrf(browser)}
            assert (await browser.request(page.method, page.path, headers=headers)).status_code == 404
    assert office.peers.asked == []


async def test_a_key_is_tried_and_sealed_and_never_shown(office: Office) -> None:
    async with await office.browser_of("operator") as operator:
        done = await post(operator, "openai", key=f" {MODEL_KEY} ")
        assert done.status_code == 200
        assert "נשמר מוצפן" in done.text
        assert "op" in (await operator.get(HERE)).text
        assert MODEL_KEY not in done.text + (await operator.get(HERE)).text
    assert await kept(office) == {"openai_api_key": MODEL_KEY}


async def test_an_account_is_tried_and_sealed(office: Office) -> None:
    async with await office.browser_of("operator") as operator:
        done = await post(operator, "twilio", sid=ACCOUNT, token=TOKEN)
        assert done.status_code == 200
        assert TOKEN not in done.text
    assert await kept(office) == {"twilio_account_sid": ACCOUNT, "twilio_auth_token": TOKEN}


@pytest.mark.parametrize(
    ("where", "fields", "words"),
    [
        ("openai", {"key": "sk-canary"}, "אינה מכירה את המפתח"),
        ("openai", {"key": ""}, "אינה מכירה את המפתח"),
        ("openai", {"key": "מפתח"}, "אינה מכירה את המפתח"),
        ("twilio", {"sid": "SK-canary", "token": TOKEN}, "מתחיל ב-AC"),
        ("twilio", {"sid": ACCOUNT, "token": "canary"}, "אינה מכירה את החשבון"),
        ("twilio", {"sid": ACCOUNT, "token": SECONDARY}, "אינו האסימון הראשי"),
    ],
)
async def test_what_does_not_work_is_not_kept_and_not_repeated(
    office: Office, where: str, fields: dict[str, str], words: str
) -> None:
    async with await office.browser_of("operator") as operator:
        refused = await post(operator, where, **fields)
    assert refused.status_code == 422
    assert words in refused.text
    assert "canary" not in refused.text
    assert await kept(office) == {}


async def test_a_trial_account_is_not_kept(office: Office) -> None:
    office.peers.twilio.kind = "Trial"
    async with await office.browser_of("operator") as operator:
        assert "חשבון ניסיון" in (await post(operator, "twilio", sid=ACCOUNT, token=TOKEN)).text
    assert await kept(office) == {}


async def test_a_number_is_changed_only_as_it_was_shown(office: Office) -> None:
    async with await office.browser_of("operator") as operator:
        plan = await post(operator, "number", number=CLINIC_NUMBER, fallback_url=BIN)
        assert office.peers.twilio.changes == []
        text = html.unescape(plan.text)
        for words in ("https://demo.twilio.com/welcome/voice/", f"{ORIGIN}/in", f"{ORIGIN}/status", BIN, "שיחה נכנסת"):
            assert words in text
        # Another fallback than the one that was shown is another change, and is shown first.
        other = await post(operator, "number", number=CLINIC_NUMBER, fallback_url=f"{BIN}2", shown=shown(plan))
        assert office.peers.twilio.changes == []
        assert shown(other) != shown(plan)
        done = await post(operator, "number", number=CLINIC_NUMBER, fallback_url=BIN, shown=shown(plan))
        assert done.status_code == 303
        assert "מצלצל כאן" in (await operator.get(HERE)).text
    assert [e164 for e164, _ in office.peers.twilio.changes] == [CLINIC_NUMBER]


async def test_a_number_that_changed_since_is_shown_again(office: Office) -> None:
    async with await office.browser_of("operator") as operator:
        plan = await post(operator, "number", number=CLINIC_NUMBER)
        next(iter(office.peers.twilio.numbers.values()))["voice_url"] = "https://somebody.example.com"
        again = await post(operator, "number", number=CLINIC_NUMBER, shown=shown(plan))
        assert "https://somebody.example.com" in again.text
        assert office.peers.twilio.changes == []


async def test_what_was_changed_is_brought_back(office: Office) -> None:
    before = msgspec.json.encode(office.peers.twilio.numbers)
    async with await office.browser_of("operator") as operator:
        plan = await post(operator, "number", number=CLINIC_NUMBER, fallback_url=BIN)
        await post(operator, "number", number=CLINIC_NUMBER, fallback_url=BIN, shown=shown(plan))
        next(iter(office.peers.twilio.numbers.values()))["status_callback"] = "https://somebody.example.com"
        undoing = await post(operator, "undo")
        assert "שונה מאז" in undoing.text
        assert (await post(operator, "undo", shown=shown(undoing))).status_code == 303
    number = next(iter(office.peers.twilio.numbers.values()))
    assert number["status_callback"] == "https://somebody.example.com"
    number["status_callback"] = ""
    assert msgspec.json.encode(office.peers.twilio.numbers) == before


async def test_a_number_without_a_business_cannot_be_brought_here(office: Office) -> None:
    async with await office.browser_of("operator") as operator:
        for number in (FREE_NUMBER, "+97299999999", "nonsense", ""):
            assert (await post(operator, "number", number=number)).status_code == 404


async def test_a_business_is_opened_and_its_owner_let_in(office: Office) -> None:
    form = {"number": FREE_NUMBER, "name": "מספרת רותי", "kind": "מספרה", "email": "ruti@example.com"}
    async with await office.browser_of("operator") as operator, office.browser() as ruti:
        opened = await post(operator, "business", **form)
        link = re.search(r"/entry/[\w-]{43}", opened.text)
        assert link is not None, opened.text
        await ruti.post(link[0])
        assert "מספרת רותי" in (await ruti.get("/", follow_redirects=True)).text
        again = await post(operator, "business", **form)
        assert again.status_code == 422
        assert "כבר יש עסק" in again.text
    async with office.house.db.operator() as door:
        assert await businesses.find_by_number(door, FREE_NUMBER) is not None


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"name": " "}, "צריך שם"),
        ({"fallback": "nobody"}, "אינו מספר טלפון"),
        ({"email": "ruti"}, "אינה כתובת דוא״ל"),
    ],
)
async def test_a_business_that_cannot_be_is_not_opened(office: Office, changed: dict[str, str], words: str) -> None:
    form = {"number": FREE_NUMBER, "name": "רותי", "kind": "מספרה", "email": "ruti@example.com", **changed}
    async with await office.browser_of("operator") as operator:
        refused = await post(operator, "business", **form)
    assert refused.status_code == 422
    assert words in refused.text
    async with office.house.db.operator() as door:
        assert await businesses.find_by_number(door, FREE_NUMBER) is None


@pytest.mark.requirement("R30")
async def test_another_number_rings_at_a_business_that_is_there(office: Office) -> None:
    form = {"number": FREE_NUMBER, "business": str(office.town.clinic)}
    async with await office.browser_of("operator") as operator:
        assert (await post(operator, "another", **form)).status_code == 303
        again = await post(operator, "another", **(form | {"business": str(office.town.garage)}))
        wrong = await post(operator, "another", **(form | {"number": "call me"}))
        nowhere = await post(operator, "another", **(form | {"business": "999"}))
    assert (again.status_code, "כבר יש עסק" in again.text) == (422, True)
    assert (wrong.status_code, "זה אינו מספר טלפון" in wrong.text) == (422, True)
    assert nowhere.status_code == 404
    async with office.house.db.operator() as door:
        for number in (CLINIC_NUMBER, FREE_NUMBER):
            assert await businesses.find_by_number(door, number) == office.town.clinic


async def test_what_the_environment_says_need_not_be_kept_here_too(office: Office) -> None:
    async with await office.browser_of("operator") as operator:
        await post(operator, "openai", key=MODEL_KEY)
        await post(operator, "twilio", sid=ACCOUNT, token=TOKEN)
        assert (await post(operator, "forget", what="openai")).status_code == 404, "the server would start without it"
    elsewhere = office.peers.setup(ORIGIN, frozenset({"openai_api_key", "twilio_account_sid"}))
    office.app = Starlette(routes=routes(msgspec.structs.replace(office.house, setup=elsewhere)))
    async with await office.browser_of("operator") as operator:
        assert (await operator.get(HERE)).text.count("לשכוח את מה ששמור כאן") == 1
        assert "כבר לא שמור כאן" in (await post(operator, "forget", what="openai")).text
        for what in ("twilio", "vault_key", ""):
            assert (await post(operator, "forget", what=what)).status_code == 404
    assert set(await kept(office)) == {"twilio_account_sid", "twilio_auth_token"}


async def test_when_the_carrier_is_silent_the_page_still_opens(office: Office) -> None:
    office.peers.twilio.down = True
    async with await office.browser_of("operator") as operator:
        page = await operator.get(HERE)
        assert page.status_code == 200
        assert "Twilio אינה עונה" in page.text
        assert (await post(operator, "number", number=CLINIC_NUMBER)).status_code == 409
        assert (await post(operator, "undo")).status_code == 409


async def test_what_the_carrier_refuses_is_said(office: Office) -> None:
    async with await office.browser_of("operator") as operator:
        plan = await post(operator, "number", number=CLINIC_NUMBER, fallback_url="ftp://nowhere")
        refused = await post(operator, "number", number=CLINIC_NUMBER, fallback_url="ftp://nowhere", shown=shown(plan))
    assert refused.status_code == 409
    assert "אינה מקבלת את השינוי" in refused.text


async def test_what_the_environment_says_wins_and_the_page_says_so(office: Office) -> None:
    elsewhere = office.peers.setup(ORIGIN, frozenset({"openai_api_key"}))
    office.app = Starlette(routes=routes(msgspec.structs.replace(office.house, setup=elsewhere)))
    async with await office.browser_of("operator") as operator:
        assert "מוגדר בסביבה" in (await operator.get(HERE)).text


async def test_a_dashboard_without_a_way_out_has_no_such_page(office: Office) -> None:
    office.app = Starlette(routes=routes(msgspec.structs.replace(office.house, setup=None)))
    async with await office.browser_of("operator") as operator:
        assert (await operator.get(HERE)).status_code == 404
        assert HERE not in (await operator.get("/operator")).text


def test_every_trouble_of_an_account_has_words_in_the_dashboard() -> None:
    assert set(setup.TROUBLES) == {code for code in TROUBLES if code.startswith(("openai_", "twilio_"))}
