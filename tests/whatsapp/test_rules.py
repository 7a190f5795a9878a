"""What may be written to whom, and when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from agentlocator.domain import written_policy as policies
from agentlocator.domain.quiet_hours import quiet_until
from agentlocator.domain.written_policy import WrittenPolicy
from agentlocator.whatsapp import rules
from agentlocator.whatsapp.rules import Facts, Go, Never, Wait

JERUSALEM = "Asia/Jerusalem"
NOON = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
NIGHT = datetime(2026, 11, 22, 21, 0, tzinfo=UTC)
SHABBAT = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
POLICY = WrittenPolicy()
REPLY = Facts("cloud", "reply", False, False, False, "assistant", False, NOON - timedelta(minutes=1))


def verdict(at: datetime = NOON, policy: WrittenPolicy = POLICY, **facts: object) -> Go | Wait | Never:
    return rules.may_send(msgspec.structs.replace(REPLY, **facts), policy, JERUSALEM, at)


def test_an_answer_goes_at_once() -> None:
    assert verdict() == Go()
    assert verdict(NIGHT, wrote_at=NIGHT) == Go()


@pytest.mark.requirement("R41")
@pytest.mark.parametrize("reason", ["reply", "person", "notice", "last_word"])
def test_nothing_goes_during_a_call_whatever_asked_for_it(reason: str) -> None:
    waits = verdict(reason=reason, is_on_call=True, has_template=True)
    assert isinstance(waits, Wait)
    assert waits.until > NOON


def test_what_we_begin_waits_for_a_decent_hour() -> None:
    assert verdict(NIGHT, reason="notice", wrote_at=NIGHT) == Wait(datetime(2026, 11, 23, 6, 0, tzinfo=UTC), "quiet")
    assert verdict(SHABBAT, reason="notice", wrote_at=SHABBAT) == Wait(
        datetime(2026, 11, 22, 6, 0, tzinfo=UTC), "quiet"
    )
    assert verdict(SHABBAT, reason="person", wrote_at=SHABBAT) == Go()
    strict = WrittenPolicy(replies_when_quiet=False)
    assert isinstance(verdict(SHABBAT, strict, wrote_at=SHABBAT), Wait)


def test_shabbat_begins_on_friday_afternoon_and_runs_into_the_night() -> None:
    friday = datetime(2026, 11, 20, 13, 29, tzinfo=UTC)
    assert quiet_until(friday, POLICY, JERUSALEM) == friday
    assert quiet_until(friday + timedelta(minutes=1), POLICY, JERUSALEM) == datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
    workaday = WrittenPolicy(keeps_shabbat=False)
    assert quiet_until(SHABBAT, workaday, JERUSALEM) == SHABBAT


def test_a_holiday_is_a_day_of_rest_and_so_is_its_eve() -> None:
    """Yom Kippur 2026 is a Monday."""
    eve = datetime(2026, 9, 20, 13, 0, tzinfo=UTC)
    assert quiet_until(eve, POLICY, JERUSALEM) == datetime(2026, 9, 22, 5, 0, tzinfo=UTC)


def test_the_day_after_the_last_word_only_a_template_goes() -> None:
    yesterday = NOON - timedelta(hours=24)
    assert verdict(wrote_at=yesterday) == Never("window_closed")
    assert verdict(wrote_at=None) == Never("window_closed")
    assert verdict(wrote_at=yesterday + timedelta(seconds=1)) == Go()
    assert verdict(wrote_at=yesterday, has_template=True) == Go()
    assert verdict(wrote_at=yesterday, channel="bridge") == Go()


def test_a_bridge_only_answers() -> None:
    assert verdict(channel="bridge", wrote_at=None, has_template=True) == Never("never_wrote")


def test_who_asked_to_stop_is_told_so_and_nothing_more() -> None:
    assert verdict(opted_out=True) == Never("opted_out")
    assert verdict(opted_out=True, reason="notice") == Never("opted_out")
    assert verdict(opted_out=True, reason="last_word") == Go()


def test_the_assistant_is_silent_while_a_person_answers() -> None:
    assert verdict(answered_by="person") == Never("taken_over")
    assert verdict(answered_by="person", reason="person") == Go()


def test_messages_do_not_overtake_each_other() -> None:
    assert isinstance(verdict(is_in_line=True), Wait)


@pytest.mark.parametrize("text", ["הסר", " הסר!", "STOP", "להסיר אותי."])
def test_stop(text: str) -> None:
    assert rules.wish(text) == "stop"


@pytest.mark.parametrize("text", ["אל תסיר את התור", "stop by tomorrow", "הסר את התור של מחר", ""])
def test_not_every_such_word_is_a_wish(text: str) -> None:
    assert rules.wish(text) is None


def test_other_wishes() -> None:
    assert rules.wish("התחל") == "start"
    assert rules.wish("אפשר לדבר עם נציג?") == "person"


def test_an_unreadable_setting_costs_only_itself() -> None:
    read = policies.read({"whatsapp": {"after_call": "shout", "keeps_shabbat": False, "quiet_from_min": 60}})
    assert read == WrittenPolicy(keeps_shabbat=False)
    assert policies.read({"whatsapp": 7}) == WrittenPolicy()
    assert policies.read({}).after_call == "off"
