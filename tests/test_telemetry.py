"""The lines of a good call, and what never gets into any line."""

from __future__ import annotations

import io
import json
import logging
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from agentlocator import telemetry
from agentlocator.telemetry import SpeechTally, mask

CALL = "CA1f4a6b0c7d8e49b2a3c5d6e7f8091a2b"


class Paper(io.StringIO):
    """What the log was written on, and the log that writes on it."""

    log: telemetry.Log

    def records(self) -> list[dict[str, Any]]:
        self.log.close()
        return [json.loads(line) for line in self.getvalue().splitlines()]

    def events(self) -> list[str]:
        return [record["event"] for record in self.records()]


@pytest.fixture
def paper() -> Iterator[Paper]:
    root, level = logging.getLogger(), logging.getLogger().level
    sheet = Paper()
    sheet.log = telemetry.configure(stream=sheet, secrets=["canary-auth-token", ""])
    yield sheet
    sheet.log.close()
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.mark.requirement("R6")
def test_a_good_call_leaves_its_lines_each_with_the_call_id(paper: Paper) -> None:
    tally = SpeechTally()
    with telemetry.call_bound(CALL):
        telemetry.realtime_connected()
        telemetry.session_configured("shimmer")
        tally.chunk("resp_1", 4800)
        tally.frame("resp_1")
        telemetry.ai_said("שלום, איך אפשר לעזור?")
        telemetry.tool_called("calendar_find_slots")
        telemetry.barge_in(heard_ms=1480, speech_ms=360)
        telemetry.stream_stopped(tx=tally.frames, rx=900, model_spoke=True)

    records = paper.records()
    assert [record["event"] for record in records] == [
        "[REALTIME] Connected",
        "[REALTIME] Session configured: voice=shimmer",
        "[REALTIME] got audio chunk response=resp_1 bytes=4800 chunks=1",
        "[REALTIME] sending frame to Twilio response=resp_1 tx=1",
        "[REALTIME] AI said: שלום, איך אפשר לעזור?",
        "[REALTIME] tool called: calendar_find_slots",
        "[REALTIME] BARGE-IN triggered heard_ms=1480 speech_ms=360",
        "WS_STOP tx=1 rx=900",
    ]
    assert {record["call_id"] for record in records} == {CALL}
    assert {record["level"] for record in records} == {"info"}


@pytest.mark.requirement("R6")
def test_a_minute_of_speech_is_two_lines_a_response_and_a_count(paper: Paper) -> None:
    tally = SpeechTally()
    for response in ("resp_1", "resp_2"):
        for _ in range(1500):
            tally.chunk(response, 160)
            tally.frame(response)
    assert (tally.chunks, tally.frames) == (3000, 3000)
    assert paper.events() == [
        "[REALTIME] got audio chunk response=resp_1 bytes=160 chunks=1",
        "[REALTIME] sending frame to Twilio response=resp_1 tx=1",
        "[REALTIME] got audio chunk response=resp_2 bytes=160 chunks=1501",
        "[REALTIME] sending frame to Twilio response=resp_2 tx=1501",
    ]


@pytest.mark.requirement("R7")
def test_a_model_that_spoke_into_a_dead_line_is_an_alarm(paper: Paper) -> None:
    telemetry.stream_stopped(tx=0, rx=500, model_spoke=True)
    telemetry.stream_stopped(tx=0, rx=500, model_spoke=False)
    stopped, alarm, quiet = paper.records()
    assert (stopped["level"], quiet["level"]) == ("info", "info")
    assert (alarm["level"], alarm["alarm"]) == ("error", "silent_call")


def test_two_calls_keep_their_ids_apart(paper: Paper) -> None:
    def call(sid: str) -> None:
        with telemetry.call_bound(sid):
            telemetry.realtime_connected()

    callers = [threading.Thread(target=call, args=(sid,)) for sid in ("CA1", "CA2")]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    telemetry.realtime_connected()
    *inside, outside = paper.records()
    assert {record["call_id"] for record in inside} == {"CA1", "CA2"}
    assert "call_id" not in outside


@pytest.mark.parametrize(
    ("said", "written"),
    [
        ("הטלפון שלי +972521234567 בבקשה", "הטלפון שלי +…67 בבקשה"),
        ("+972-52-123-4567", "+…67"),
        ("972521234567@s.whatsapp.net", "[e-mail]"),
        ("jid 972521234567", "jid 972…67"),
        ("052-123-4567", "0…67"),
        ("0521234567,031234567", "0…67,0…67"),
        ("ת.ז. 123456782.", "ת.ז. [id]."),
        ("dana.levi+x@example.co.il", "[e-mail]"),
        ("4580 1234 5678 9012", "[card]"),
        ("Authorization: Bearer abc.def-123", "Authorization: Bearer [secret]"),
        ("key sk-proj-abcdef123456", "key [secret]"),
        ("postgresql://me:hunter2@host/db", "postgresql://me:[secret]@host/db"),
        (CALL, CALL),
        ("2026-11-21T07:11:54.123456789Z", "2026-11-21T07:11:54.123456789Z"),
        ("bytes=4800 tx=1501 resp_123456789", "bytes=4800 tx=1501 resp_123456789"),
    ],
)
def test_what_is_personal_or_secret_is_masked_and_nothing_else(said: str, written: str) -> None:
    assert mask(said) == written


def test_masking_goes_to_every_depth() -> None:
    assert mask({"lead": {"phones": ["+972521234567"]}, "auth_token": "abc", "tokens": 5, "at": None}) == {
        "lead": {"phones": ["+…67"]},
        "auth_token": "[secret]",
        "tokens": 5,
        "at": None,
    }


@given(st.text(max_size=40), st.text(max_size=40))
def test_a_phone_number_is_masked_wherever_it_stands(before: str, after: str) -> None:
    written = str(mask(f"{before} +972521234567 {after}"))
    assert "52123456" not in written


@pytest.mark.requirement("R6")
def test_nothing_secret_or_personal_gets_through_any_door(paper: Paper) -> None:
    log = structlog.get_logger()
    log.info("lead +972521234567", email="canary@example.com", nested={"id": "123456782"})
    log.info("configured", openai_api_key="canary-key", header="canary-auth-token in a header")
    logging.getLogger("library").warning("dialling %s", "+972521234567")
    try:
        raise ValueError("canary-auth-token")
    except ValueError:
        log.exception("failed")
        logging.getLogger("library").exception("failed too")
    paper.records()
    written = paper.getvalue()
    assert written.count("\n") == 5
    assert "canary" not in written
    assert "2123456" not in written
    assert "123456782" not in written
    assert written.count("ValueError") >= 2


def test_a_callers_name_cannot_forge_a_record(paper: Paper) -> None:
    structlog.get_logger().info('דנה\n{"level":"error","event":"forged"}')
    (record,) = paper.records()
    assert record["level"] == "info"


def test_a_record_that_cannot_be_written_takes_no_other_with_it(paper: Paper) -> None:
    class Unspeakable:
        def __repr__(self) -> str:
            raise RuntimeError("no")

    log = structlog.get_logger()
    log.info("before", value=Unspeakable())
    log.info("after")
    assert paper.events() == ["after"]


def test_a_stuck_stream_costs_records_and_never_time() -> None:
    class Stuck(Paper):
        def __init__(self) -> None:
            super().__init__()
            self.loosened = threading.Event()

        def write(self, text: str) -> int:
            self.loosened.wait()
            return super().write(text)

    sheet = Stuck()
    sheet.log = telemetry.configure(stream=sheet)
    log = structlog.get_logger()
    for _ in range(10_500):
        log.info("spoken")
    sheet.loosened.set()
    *spoken, last = sheet.records()
    structlog.reset_defaults()
    assert last["event"] == "log records were dropped"
    assert last["dropped"] + len(spoken) == 10_500
    assert last["dropped"] >= 499


def test_readable_lines_are_for_a_terminal_only_and_masked_as_well() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    for stream, is_json in ((io.StringIO(), True), (Terminal(), False)):
        log = telemetry.configure(stream=stream, console=True)
        structlog.get_logger().info("lead +972521234567")
        log.close()
        structlog.reset_defaults()
        assert stream.getvalue().startswith("{") is is_json
        assert "+…67" in stream.getvalue()
        assert "521234567" not in stream.getvalue()


def test_closing_twice_is_harmless_and_levels_are_kept() -> None:
    stream = io.StringIO()
    log = telemetry.configure(stream=stream, level="warning")
    structlog.get_logger().info("quiet")
    structlog.get_logger().warning("loud")
    log.close()
    log.close()
    structlog.reset_defaults()
    assert [json.loads(line)["event"] for line in stream.getvalue().splitlines()] == ["loud"]
