"""The story that is shown: booked by phone, moved in writing, one lead, one appointment, two threads."""

from __future__ import annotations

from pathlib import Path

import pytest

from agentlocator.rehearsal import whatsapp


@pytest.mark.requirement("R40")
@pytest.mark.requirement("R21")
async def test_who_booked_by_phone_moves_the_appointment_in_writing(tmp_path: Path) -> None:
    played = await whatsapp.perform(tmp_path, network_ms=0)
    assert played.complaints == []
    assert played.appointment["id"] == played.booked["id"]
    assert played.appointment["lead_id"] == played.lead["id"]
    assert played.appointment["times_moved"] == 1
    assert any(one.text.startswith("נקבע תור ל") for one in played.threads["phone"])
    assert any(one.text.startswith("התור הועבר ל") for one in played.threads["whatsapp"])
    # Every letter came twice, and was answered once.
    assert [one.who for one in played.threads["whatsapp"]] == ["lead", "assistant"] * 3
