import pytest

from agentlocator.simulator.babble import babble
from agentlocator.simulator.brain import CallTool, ScriptedBrain, Speak, receptionist
from agentlocator.simulator.realtime_faults import Fault
from agentlocator.simulator.realtime_hub import RealtimeHub, Refused
from agentlocator.simulator.realtime_server import RealtimeServer, Upgrade
from agentlocator.simulator.speech import Voice
from model_dialogue import Dialogue, kinds

TALKATIVE = ScriptedBrain(otherwise=Speak("אפשר לבוא ביום ראשון בעשר, ביום שני באחת עשרה או ביום שלישי."))
KEY = "Bearer sk-simulated"


def asked(*faults: Fault, ms: int = 20_000) -> Dialogue:
    dialogue = Dialogue(*faults, brain=TALKATIVE)
    dialogue.say("response.create")
    dialogue.run(ms)
    return dialogue


def test_a_connection_drops_in_the_middle_of_the_second_response() -> None:
    dialogue = asked(Fault("drop", response=2, after_ms=600, status=1011))
    assert dialogue.last("response.done")["response"]["status"] == "completed"
    dialogue.say("response.create")
    dialogue.run(20_000)
    assert dialogue.closed is not None
    assert dialogue.closed.code == 1011
    assert len(dialogue.of("response.done")) == 1
    assert dialogue.server.next_ms() is None


def test_a_stall_passes_or_never_does() -> None:
    passing = asked(Fault("stall", after_ms=500, lasting_ms=9_000))
    assert passing.last("response.done")["response"]["status"] == "completed"
    for_ever = asked(Fault("stall", after_ms=500), ms=600_000)
    assert for_ever.of("response.done") == []
    for_ever.say("response.cancel")
    assert for_ever.last("response.done")["response"]["status"] == "cancelled"


@pytest.mark.parametrize(("status", "errors"), [(0, 0), (1, 1)])
def test_a_response_fails_with_or_without_an_error_event(status: int, errors: int) -> None:
    dialogue = asked(Fault("failed", code="insufficient_quota", status=status))
    done = dialogue.last("response.done")["response"]
    assert (done["status"], done["status_details"]["error"]["code"]) == ("failed", "insufficient_quota")
    assert len(dialogue.of("error")) == errors
    assert dialogue.sound() == b""


def test_a_response_stays_incomplete() -> None:
    dialogue = asked(Fault("incomplete", after_ms=1_000, code="content_filter"))
    done = dialogue.last("response.done")["response"]
    assert done["status_details"] == {"type": "incomplete", "reason": "content_filter"}
    assert 0 < len(dialogue.sound()) <= 8_000


def test_the_first_token_can_be_slow() -> None:
    dialogue = asked(Fault("slow_first_token", lasting_ms=4_000), ms=4_300)
    assert dialogue.sound() == b""
    dialogue.run(100)
    assert dialogue.sound() != b""


def test_a_session_may_never_be_confirmed_or_confirmed_wrongly() -> None:
    assert Dialogue(Fault("never_updated")).of("session.updated") == []
    echoed = Dialogue(Fault("wrong_echo")).last("session.updated")["session"]
    assert echoed["audio"]["output"]["format"]["type"] == "audio/pcm"


def test_a_function_call_may_come_twice_or_be_cut() -> None:
    calling = ScriptedBrain(otherwise=CallTool("calendar_find_slots", {"from": "2026-11-22T10:00"}))
    twice = Dialogue(Fault("duplicate_function_call"), brain=calling)
    cut = Dialogue(Fault("cut_arguments"), brain=calling)
    for dialogue in (twice, cut):
        dialogue.caller_says("תור")
        dialogue.run(3_000)
    dones = twice.of("response.output_item.done")
    assert len(dones) == 2
    assert dones[0]["item"] == dones[1]["item"]
    item = cut.last("response.output_item.done")["item"]
    assert item["status"] == "incomplete"
    assert not item["arguments"].endswith("}")
    assert cut.last("response.done")["response"]["status"] == "incomplete"


def test_an_error_can_follow_the_upgrade() -> None:
    dialogue = Dialogue(Fault("error_after_upgrade", code="insufficient_quota"), phone=False)
    assert kinds(dialogue.events) == ["error"]
    assert dialogue.error()["code"] == "insufficient_quota"


def test_the_hub_refuses_some_connections_and_counts_them_all() -> None:
    faults = [Fault("refuse_connect", connection=2, status=429)]
    hub = RealtimeHub(receptionist, Voice(read_aloud=babble), faults=faults)
    answers = [hub.admit(Upgrade(authorization=KEY)) for _ in range(3)]
    assert [answer.status if isinstance(answer, Refused) else 101 for answer in answers] == [101, 429, 101]
    stranger = hub.admit(Upgrade(authorization="Bearer stolen"))
    assert isinstance(stranger, Refused)
    assert stranger.status == 401
    assert (hub.connections, hub.refused, len(hub.servers)) == (4, 2, 2)


def test_a_fault_by_chance_strikes_the_same_calls_on_every_run() -> None:
    def struck() -> list[bool]:
        hub = RealtimeHub(receptionist, Voice(read_aloud=babble), seed=5, faults=[Fault("never_updated", chance=0.5)])
        confirmed = []
        for _ in range(20):
            server = hub.admit(Upgrade(authorization=KEY))
            assert isinstance(server, RealtimeServer)
            server.connected(0)
            outs = server.receive('{"type":"session.update","session":{"type":"realtime"}}', 0)
            confirmed.append(bool(outs))
        return confirmed

    first = struck()
    assert first == struck()
    assert 3 < sum(first) < 17
