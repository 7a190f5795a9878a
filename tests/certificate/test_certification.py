"""A deployment as it should be: every section passes, and the call leaves nothing behind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from agentlocator.certificate import place as places
from agentlocator.certificate.certification import Certified, certify
from agentlocator.db.engine import Database
from agentlocator.db.schema import OwnedRow
from certificate.conftest import clinic_of
from certificate.saboteurs import PATIENT


@pytest.mark.requirement("R52")
def test_a_good_deployment_passes_all_ten_sections(good: Certified) -> None:
    verdicts = {section.number: section.verdict for section in good.certificate.sections}
    assert verdicts == dict.fromkeys(range(1, 11), "passed"), [
        (check.key, check.evidence.en)
        for section in good.certificate.sections
        for check in section.checks
        if check.verdict != "passed"
    ]


@pytest.mark.requirement("R52")
async def test_nothing_is_left_behind_but_the_record(tmp_path: Path) -> None:
    async with places.own(tmp_path) as (place, _):
        clinic = await clinic_of(place.db)
        before = await rows_of(place.db, clinic)
        certified = await certify(place, clinic, key="once", limits=PATIENT)
        after = await rows_of(place.db, clinic)

        assert {table: rows for table, rows in after.items() if rows != before[table]}.keys() == {"certificate"}
        assert [name.name for name in (tmp_path / "calls" / str(clinic)).iterdir()] == []
        assert (tmp_path / certified.certificate.evidence.journal).is_file()


async def rows_of(db: Database, business_id: int) -> dict[str, list[str]]:
    """Every row of a business, as it stands."""
    found: dict[str, list[str]] = {}
    async with db.reading(business_id) as scope:
        kinds: list[Any] = OwnedRow.__subclasses__()
        for kind in kinds:
            columns = [column.key for column in kind.__mapper__.column_attrs]
            rows = await scope.all(select(kind))
            found[kind.__tablename__] = [str([getattr(row, name) for name in columns]) for row in rows]
    return found
