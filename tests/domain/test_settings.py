"""What an owner sets: hours, exceptions, holidays, services, people, and the words the assistant is given."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date

import msgspec
import pytest

from agentlocator.db import Scope
from agentlocator.domain import audit, businesses, holidays, prompts, schedules, services
from agentlocator.domain.availability import Window, windows_of
from agentlocator.domain.businesses import NewBusiness
from agentlocator.domain.profile import TransferTo
from agentlocator.domain.schedules import BadSetting, Override, Settings
from agentlocator.domain.seed import CLINIC_NUMBER, GARAGE_NUMBER, seed_demo
from agentlocator.domain.services import Terms
from town import NOW, Town

SUNDAY = date(2026, 11, 22)


@pytest.fixture
async def clinic(town: Town) -> AsyncIterator[Scope]:
    async with town.db.scope(town.clinic) as scope:
        yield scope


@pytest.mark.requirement("R30")
async def test_the_demonstration_is_two_real_businesses_and_is_opened_once(town: Town) -> None:
    assert await seed_demo(town.db) == {CLINIC_NUMBER: town.clinic, GARAGE_NUMBER: town.garage}
    async with town.db.operator() as operator:
        assert [one.name for one in await businesses.listed(operator)] == [
            "מרפאת שיניים ד״ר לוי",
            "מוסך הצפון",
            "צ׳רלי",
        ]
        assert await businesses.find_by_number(operator, CLINIC_NUMBER) == town.clinic
        assert await businesses.find_by_number(operator, "+97230000000") is None
    async with town.db.reading(town.clinic) as scope:
        profile = await businesses.show(scope)
    assert profile.timezone == "Asia/Jerusalem"
    assert profile.numbers == (CLINIC_NUMBER,)
    assert profile.rules.slot_interval_min == 30
    assert windows_of(profile.rules, SUNDAY) == (Window(510, 1080),)
    assert windows_of(profile.rules, date(2026, 11, 27)) == (Window(510, 780),)
    assert windows_of(profile.rules, date(2026, 11, 28)) == ()
    assert "בדיקה ושיננית" in [service.name for service in profile.services]
    assert "350 שקלים" in profile.custom_prompt


@pytest.mark.parametrize(
    ("week", "code"),
    [
        ({0: [(540, 700), (600, 720)]}, "overlapping"),
        ({0: [(600, 540)]}, "reversed"),
        ({0: [(0, 1500)]}, "reversed"),
        ({7: [(540, 600)]}, "unknown_day"),
    ],
)
async def test_hours_that_cannot_be_are_refused(
    clinic: Scope, week: dict[int, list[tuple[int, int]]], code: str
) -> None:
    with pytest.raises(BadSetting) as refused:
        await schedules.set_week(clinic, week, actor="owner", now=NOW)
    assert refused.value.code == code


@pytest.mark.parametrize(
    "settings",
    [
        Settings(slot_interval_min=0),
        Settings(length_min=2000),
        Settings(notice_min=-1),
        Settings(horizon_days=731),
        Settings(buffer_after_min=-5),
        Settings(daily_limit=0),
    ],
)
async def test_settings_out_of_range_are_refused(clinic: Scope, settings: Settings) -> None:
    with pytest.raises(BadSetting, match="out_of_range"):
        await schedules.change_settings(clinic, settings, actor="owner", now=NOW)


async def test_a_changed_week_is_written_down(clinic: Scope) -> None:
    await schedules.set_week(clinic, {0: [(840, 1080), (540, 780)]}, actor="person:noa", now=NOW)
    await schedules.set_active_days(clinic, [0, 1, 1], actor="person:noa", now=NOW)
    rules = await schedules.rules(clinic)
    assert rules.weekly == {0: (Window(540, 780), Window(840, 1080))}
    assert rules.active_days == {0, 1}
    schedule = await schedules.current(clinic)
    fields = [(line.field, line.actor) for line in await audit.history(clinic, "schedule", schedule.id)]
    assert fields[-2:] == [("weekly", "person:noa"), ("active_days", "person:noa")]
    with pytest.raises(BadSetting, match="unknown_day"):
        await schedules.set_active_days(clinic, [8], actor="person:noa", now=NOW)


async def test_the_owner_beats_a_vacation_which_beats_a_holiday(clinic: Scope) -> None:
    async def hours() -> tuple[Window, ...]:
        return windows_of(await schedules.rules(clinic), SUNDAY)

    async def override(source: str, *windows: tuple[int, int]) -> None:
        await schedules.override_date(clinic, Override(SUNDAY, windows, source, ""), actor="owner", now=NOW)

    await override("owner", (600, 660))
    await override("vacation")
    await override("il_holiday", (480, 780))
    assert await hours() == (Window(600, 660),)
    assert await schedules.clear_override(clinic, SUNDAY, "owner", actor="owner", now=NOW)
    assert await hours() == ()
    await schedules.clear_override(clinic, SUNDAY, "vacation", actor="owner", now=NOW)
    assert await hours() == (Window(480, 780),)
    await override("il_holiday")
    assert await hours() == (), "the same source says it anew"
    await schedules.clear_override(clinic, SUNDAY, "il_holiday", actor="owner", now=NOW)
    assert not await schedules.clear_override(clinic, SUNDAY, "il_holiday", actor="owner", now=NOW)
    assert await hours() == (Window(510, 1080),)
    with pytest.raises(BadSetting, match="unknown_source"):
        await override("somebody")
    with pytest.raises(BadSetting, match="overlapping"):
        await override("owner", (540, 660), (600, 700))


async def test_holidays_are_offered_with_their_eves_and_taken_only_by_the_owner(clinic: Scope) -> None:
    offers = holidays.offered(date(2027, 4, 1), date(2027, 4, 30), usual_opening_min=510)
    assert [(one.on_date, one.windows, one.note) for one in offers[:2]] == [
        (date(2027, 4, 21), ((510, 780),), "ערב פסח"),
        (date(2027, 4, 22), (), "פסח"),
    ]
    assert await schedules.overrides(clinic) == [], "nothing closes by itself"
    await schedules.override_date(clinic, offers[1], actor="owner", now=NOW)
    taken = await schedules.overrides(clinic, first=date(2027, 1, 1), last=date(2027, 12, 31))
    assert taken == [offers[1]]
    left = holidays.not_yet_taken(offers, taken)
    assert offers[1] not in left
    assert offers[0] in left


def test_the_second_day_of_the_new_year_has_no_eve_of_its_own() -> None:
    offers = holidays.offered(date(2026, 9, 10), date(2026, 9, 14))
    assert [(one.on_date.day, bool(one.windows)) for one in offers] == [(11, True), (12, False), (13, False)]


async def test_services_and_people_are_added_found_and_switched_off(clinic: Scope) -> None:
    whitening = await services.find_service(clinic, "הלבנה")
    assert whitening is not None
    assert await services.write_service(
        clinic, whitening.id, Terms(whitening.name, whitening.duration_min, active=False), actor="owner", now=NOW
    )
    assert await services.find_service(clinic, "הלבנה") is None
    assert await services.find_service(clinic, "בדיק") is None, "two services begin like this: better to ask"
    filling = await services.find_service(clinic, "תור לסתימה בבקשה")
    assert filling is not None
    assert filling.name == "סתימה"
    root = await services.add_service(clinic, "טיפול שורש", duration_min=90, price_ils=1500)
    found = await services.find_service(clinic, "שורש")
    assert found is not None
    assert found.id == root
    for name, fault in (("טיפול שורש", "taken"), ("  ", "empty")):
        with pytest.raises(BadSetting, match=fault):
            await services.add_service(clinic, name, duration_min=30)
    with pytest.raises(BadSetting, match="out_of_range"):
        await services.add_service(clinic, "ארוך", duration_min=5000)
    with pytest.raises(BadSetting, match="out_of_range"):
        await services.add_service(clinic, "חיץ", duration_min=30, buffer_after_min=-1)
    hygienist = await services.add_resource(clinic, "שיננית")
    assert await services.write_resource(clinic, hygienist, "שיננית", active=False, actor="owner", now=NOW)
    assert await services.write_resource(clinic, 10**9, "איש", actor="owner", now=NOW) is None
    assert await services.write_service(clinic, 10**9, Terms("דבר", 30), actor="owner", now=NOW) is None
    assert [(one.name, one.active) for one in await services.resources(clinic)] == [
        ("ד״ר נועה לוי", True),
        ("שיננית", False),
    ]


@pytest.mark.requirement("R31")
async def test_a_prompt_is_drafted_published_and_rolled_back(clinic: Scope) -> None:
    async def in_force() -> tuple[int, str]:
        profile = await businesses.show(clinic)
        return profile.prompt_number, profile.greeting

    first = await in_force()
    assert await prompts.publish(clinic, actor="owner", now=NOW) is None, "there is no draft"
    await prompts.draft(clinic, greeting="ניסיון", custom_prompt="", actor="owner", now=NOW)
    assert await prompts.draft(clinic, greeting="שלום רב", custom_prompt="חדש", actor="owner", now=NOW) == 2
    assert await in_force() == first, "a draft changes nothing for callers"
    assert await prompts.publish(clinic, actor="owner", now=NOW) == 2
    assert await in_force() == (2, "שלום רב")
    assert await prompts.drafted(clinic) is None
    assert await prompts.roll_back(clinic, 1, actor="owner", now=NOW) == 3
    assert await in_force() == (3, first[1])
    assert await prompts.roll_back(clinic, 99, actor="owner", now=NOW) is None
    assert [(one.number, one.state, one.restored_from) for one in await prompts.versions(clinic)] == [
        (3, "published", 1),
        (2, "retired", None),
        (1, "retired", None),
    ]
    for greeting, prompt in (("", ""), ("x" * 501, ""), ("שלום", "x" * 20_001)):
        with pytest.raises(BadSetting):
            await prompts.draft(clinic, greeting=greeting, custom_prompt=prompt, actor="owner", now=NOW)


async def test_a_draft_is_thrown_away_and_what_is_in_force_stays(clinic: Scope) -> None:
    await prompts.draft(clinic, greeting="ניסיון", custom_prompt="", actor="owner", now=NOW)
    assert await prompts.discard(clinic, actor="owner", now=NOW)
    assert not await prompts.discard(clinic, actor="owner", now=NOW)
    assert (await businesses.show(clinic)).prompt_number == 1


@pytest.mark.requirement("R31")
async def test_the_words_are_kept_as_they_will_be_sent_and_who_published_them_is_remembered(clinic: Scope) -> None:
    await prompts.draft(clinic, greeting="שלום", custom_prompt="שורה\r\nועוד שורה\x00", actor="נועה", now=NOW)
    await prompts.publish(clinic, actor="נועה", now=NOW)
    assert (await businesses.show(clinic)).custom_prompt == "שורה\nועוד שורה"
    (line,) = await audit.history(clinic, "prompt", clinic.business_id)
    assert (line.actor, line.field, line.old, line.new) == ("נועה", "published", "1", "2")


@pytest.mark.parametrize("wrong", [{"voice": "siri"}, {"voice": "voice_../x"}, {"language": "tlh"}])
async def test_a_voice_or_language_that_no_call_could_have_is_refused(clinic: Scope, wrong: dict[str, str]) -> None:
    with pytest.raises(BadSetting):
        await businesses.change(clinic, actor="owner", now=NOW, **wrong)  # type: ignore[arg-type]


async def test_a_business_is_changed_field_by_field(clinic: Scope) -> None:
    await businesses.change(
        clinic, actor="owner", now=NOW, name="מרפאת לוי", voice="marin", policy={"grace_ms": 400}, fallback_number=""
    )
    assert await businesses.add_number(clinic, "03-5550109", actor="owner", now=NOW)
    assert not await businesses.add_number(clinic, GARAGE_NUMBER, actor="owner", now=NOW), "it rings at the garage"
    assert await businesses.add_transfer_number(clinic, "054-1234567", "נועה", actor="owner", now=NOW)
    assert not await businesses.add_transfer_number(clinic, "054-1234567", "נועה", actor="owner", now=NOW)
    assert await businesses.remove_transfer_number(clinic, "+97235550199", actor="owner", now=NOW)
    assert not await businesses.remove_transfer_number(clinic, "+97235550199", actor="owner", now=NOW)
    assert await businesses.remove_number(clinic, CLINIC_NUMBER, actor="owner", now=NOW)
    profile = await businesses.show(clinic)
    assert (profile.name, profile.voice, profile.policy, profile.fallback_number) == (
        "מרפאת לוי",
        "marin",
        {"grace_ms": 400},
        None,
    )
    assert profile.numbers == ("+97235550109",)
    assert profile.transfer_numbers == (TransferTo("+972541234567", "נועה"),)
    with pytest.raises(BadSetting, match="unknown_zone"):
        await businesses.change(clinic, actor="owner", now=NOW, timezone="Asia/Nowhere")
    with pytest.raises(BadSetting, match="unknown_zone"):
        await businesses.change(clinic, actor="owner", now=NOW, timezone="../etc")
    with pytest.raises(BadSetting, match="no_number"):
        await businesses.change(clinic, actor="owner", now=NOW, fallback_number="*2700")
    with pytest.raises(BadSetting, match="empty"):
        await businesses.change(clinic, actor="owner", now=NOW, name=" ")


async def test_a_business_that_cannot_be_is_not_opened_at_all(town: Town) -> None:
    good = NewBusiness(name="חדש", kind="חנות", numbers=("+97235550404",), greeting="שלום")

    async def open_it(new: NewBusiness) -> int:
        async with town.db.operator(writing=True) as operator:
            return await businesses.add(operator, new, now=NOW)

    for changes in (
        {"numbers": (CLINIC_NUMBER,)},
        {"numbers": ("anonymous",)},
        {"timezone": "Mars/Olympus"},
        {"transfer_numbers": (TransferTo("*2700", "קצר"),)},
    ):
        with pytest.raises(BadSetting):
            await open_it(msgspec.structs.replace(good, **changes))
    async with town.db.operator() as operator:
        assert len(await businesses.listed(operator)) == 3
    assert await open_it(good) not in (town.clinic, town.garage, town.charlie)


async def test_the_calendar_address_is_secret_and_can_be_renewed(town: Town) -> None:
    async with town.db.scope(town.clinic) as scope:
        old = await businesses.calendar_secret(scope)
        new = await businesses.renew_calendar_secret(scope, actor="owner", now=NOW)
    async with town.db.operator() as operator:
        assert await businesses.find_by_calendar_secret(operator, old) is None
        assert await businesses.find_by_calendar_secret(operator, new) == town.clinic
    assert len(new) >= 32
