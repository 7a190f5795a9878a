"""Leads in and out as CSV that Excel opens with its Hebrew whole.

A cell that a spreadsheet would run as a formula goes out with an apostrophe before it, and comes in without it.
Import never overwrites what a person typed and never invents a phone.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from datetime import datetime

import msgspec

from agentlocator.db.schema import Lead
from agentlocator.db.scope import Scope
from agentlocator.domain import leads, phones, stages
from agentlocator.domain.leads import By, Patch

# Excel takes a file for UTF-8 only when it begins with this.
BYTE_ORDER_MARK = "\ufeff"
MAX_ROWS = 20_000
MAX_EXPORTED = 1_000_000

# Field → the heading people see, and the other headings it is known by.
HEADINGS = {
    "phone": ("טלפון", "phone", "נייד", "מספר טלפון", "mobile"),
    "name": ("שם", "name", "שם מלא"),
    "email": ("דוא״ל", "email", "אימייל", 'דוא"ל', "מייל"),
    "city": ("עיר", "city", "יישוב"),
    "need": ("פנייה", "need", "נושא"),
    "notes": ("הערות", "notes"),
    "stage": ("שלב", "stage", "סטטוס"),
    "source": ("מקור", "source"),
    "created_at": ("נוצר", "created_at"),
}
_STARTS_FORMULA = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")


class BadRow(msgspec.Struct, frozen=True):
    """A line of the file that was left out: its number, counting the heading as 1, and why."""

    line: int
    code: str


class Imported(msgspec.Struct, frozen=True):
    """What came of an import."""

    leads: int
    bad_rows: tuple[BadRow, ...] = ()


class BadFile(ValueError):
    """A file that cannot be read as leads at all. `code` says why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


async def export(scope: Scope) -> str:
    """Every lead of the business as CSV text, ready to be encoded as UTF-8."""
    names = {stage.stage_id: stage.name for stage in await stages.listed(scope)}
    found = await leads.search(scope, limit=MAX_EXPORTED)
    out = io.StringIO()
    out.write(BYTE_ORDER_MARK)
    writer = csv.writer(out)
    writer.writerow(headings[0] for headings in HEADINGS.values())
    writer.writerows([_safe(cell) for cell in _cells(lead, names)] for lead in found)
    return out.getvalue()


async def load(scope: Scope, content: bytes, *, actor: str, now: datetime) -> Imported:
    """Take leads from a CSV file in UTF-8, UTF-16 or Excel's Hebrew encoding. Raises BadFile."""
    rows = list(_rows(_decoded(content)))
    count = 0
    bad: list[BadRow] = []
    for line, row in rows:
        code = await _load_row(scope, row, actor, now)
        if code is None:
            count += 1
        else:
            bad.append(BadRow(line, code))
    return Imported(count, tuple(bad))


async def _load_row(scope: Scope, row: dict[str, str], actor: str, now: datetime) -> str | None:
    phone = phones.parse(row.get("phone", ""))
    if phone.kind in ("withheld", "unknown"):
        return "no_phone"
    lead = await leads.find_or_create(scope, phone_raw=row["phone"], source="import", now=now)
    assert lead is not None, "a phone with a key finds or makes a lead"
    given = {field: row[field] for field in leads.FIELD_LIMITS if row.get(field)}
    await leads.upsert(scope, lead.id, Patch(**given), by=By("import", actor), now=now)
    return None


def _cells(lead: Lead, stage_names: dict[int, str]) -> Iterator[str]:
    phone = phones.national(lead.phone_e164) if lead.phone_e164 else lead.phone_raw
    yield phone if lead.phone_kind != "withheld" else ""
    for field in leads.FIELD_LIMITS:
        yield getattr(lead, field) or ""
    yield stage_names[lead.stage_id]
    yield lead.source
    yield lead.created_at.isoformat(timespec="seconds")


def _safe(cell: str) -> str:
    """A cell no spreadsheet will run."""
    return f"'{cell}" if cell.lstrip(" ").startswith(_STARTS_FORMULA) else cell


def _plain(cell: str) -> str:
    """A cell as it was before it was made safe."""
    # Not all white space yet: what the apostrophe guards may be a tab.
    bare = cell.strip(" ")
    inside = bare.removeprefix("'")
    guarded = inside != bare and inside.lstrip(" ").startswith(_STARTS_FORMULA)
    return inside.strip() if guarded else cell.strip()


def _decoded(content: bytes) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return _try(content, "utf-16")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return _try(content, "cp1255")


def _try(content: bytes, encoding: str) -> str:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as unreadable:
        raise BadFile("unknown_encoding") from unreadable


def _rows(text: str) -> Iterator[tuple[int, dict[str, str]]]:
    lines = text.replace("\x00", "").splitlines(keepends=True)
    if not lines:
        raise BadFile("empty")
    reader = csv.reader(lines, delimiter=max(",;\t", key=lines[0].count))
    try:
        fields = [_field(heading) for heading in next(reader)]
        if "phone" not in fields:
            raise BadFile("no_phone_column")
        for cells in reader:
            if reader.line_num > MAX_ROWS:
                raise BadFile("too_many_rows")
            if any(cell.strip() for cell in cells):
                yield reader.line_num, _row(fields, cells)
    except csv.Error as malformed:
        raise BadFile("malformed") from malformed


def _row(fields: Sequence[str | None], cells: Sequence[str]) -> dict[str, str]:
    return {field: _plain(cell) for field, cell in zip(fields, cells, strict=False) if field is not None}


def _field(heading: str) -> str | None:
    wanted = heading.strip().strip(BYTE_ORDER_MARK).casefold()
    return next((field for field, known in HEADINGS.items() if wanted in known), None)
