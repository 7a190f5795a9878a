"""What is in the database: its tables' version, what lies sealed in it, the businesses and who may look."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.engine import URL

from agentlocator.db.accounts import Account, EntryLink, SealedSecret
from agentlocator.db.engine import newest_revision
from agentlocator.db.schema import Business
from agentlocator.doctor.finding import Finding, failure, ok, warning
from agentlocator.doctor.machine import kept_key
from agentlocator.doctor.patient import Patient
from agentlocator.domain import businesses as verbs
from agentlocator.domain import localtime
from agentlocator.domain.profile import BusinessProfile
from agentlocator.domain.vault import Vault, WrongKey


async def database(patient: Patient) -> Finding:
    if patient.db is None:
        return failure(
            "DATABASE_URL names no SQLite and no PostgreSQL.", "Correct it, or leave it out to use SQLite in DATA_DIR."
        )
    url = patient.db.url
    if _is_missing(url):
        return failure("There is no database yet.", "agentlocator migrate")
    try:
        revision = await patient.db.revision()
    except Exception as fault:
        # Each driver has errors of its own, and their words may quote the address with its password.
        return failure(
            f"The database does not open: {type(fault).__name__}.",
            "See whether it runs, and whether DATABASE_URL has the right host, user, password and name.",
        )
    if revision != newest_revision():
        return failure(
            f"The tables are at revision {revision or 'none'}, and this version needs {newest_revision()}.",
            "agentlocator migrate (serve does it too). An older version of the program cannot use newer tables.",
        )
    return ok(f"{url.get_backend_name()}, at revision {revision}.")


def _is_missing(url: URL) -> bool:
    # Opening the file of a database that is not there would make it.
    return url.get_backend_name() == "sqlite" and not Path(url.database or "").exists()


async def vault(patient: Patient) -> Finding:
    async with patient.database.operator() as operator:
        sealed = await operator.rows(select(SealedSecret.name, SealedSecret.sealed))
    if not sealed:
        return ok("Nothing is sealed; the settings come from the environment.")
    key = kept_key(patient)
    try:
        for name, text in sealed:
            Vault(key or "").open(name, text)
    except WrongKey as fault:
        return failure(str(fault), "Put back vault_key from a backup of DATA_DIR, or run: agentlocator init.")
    return ok(f"{len(sealed)} sealed settings open.")


async def time_zones(patient: Patient) -> Finding:
    async with patient.database.operator() as operator:
        zones = await operator.rows(select(Business.name, Business.timezone))
    for name, zone in [("Israel", verbs.DEFAULT_TIMEZONE), *zones]:
        try:
            localtime.zone(zone)
        except ValueError:
            return failure(
                f"The time zone {zone} of {name} is unknown here.",
                "Install the zones: pip install tzdata, or the system's tzdata; else correct the business's zone.",
            )
    # By law the last Friday before April's first Sunday begins summer time: data older than 2013 does not know it.
    summer = datetime(2027, 3, 27, 9, tzinfo=UTC).astimezone(localtime.zone(verbs.DEFAULT_TIMEZONE)).utcoffset()
    if summer != timedelta(hours=3):
        return failure("The time zone data is too old for Israel's clock changes.", "Update tzdata.")
    return ok("Every business's time zone is known.")


async def businesses(patient: Patient) -> Finding:
    profiles = await profiles_of(patient)
    if not profiles:
        return failure("There is no business yet.", "agentlocator init, or agentlocator business add.")
    for one in profiles:
        if not one.numbers:
            return failure(f"{one.name} has no number: no call reaches it.", "Add one to the business, or remove it.")
        if not one.greeting.strip():
            return failure(f"{one.name} has no greeting: its callers hear silence first.", "Publish one.")
    for one in profiles:
        if one.fallback_number is None:
            return warning(
                f"{one.name} has no fallback number: when the assistant fails, its callers hear an apology only.",
                f"agentlocator business fallback {one.business_id} NUMBER",
            )
    return ok(f"{len(profiles)} of them, each with a number, a greeting and a fallback.")


async def people(patient: Patient) -> Finding:
    async with patient.database.operator() as operator:
        able = (Account.password_hash.is_not(None)) | (Account.totp_secret.is_not(None))
        count = await operator.first(select(func.count(Account.id)).where(able))
        usable = EntryLink.used_at.is_(None) & (EntryLink.expires_at > patient.now())
        links = await operator.first(select(func.count(EntryLink.id)).where(usable))
    if not count and not links:
        return warning("Nobody can log in to the dashboard.", "agentlocator user add EMAIL --business NUMBER")
    return ok(f"{count} can log in; {links} unused links.")


async def profiles_of(patient: Patient) -> list[BusinessProfile]:
    """Every business, as its calls see it."""
    async with patient.database.operator() as operator:
        listed = await verbs.listed(operator)
    found = []
    for one in listed:
        async with patient.database.reading(one.business_id) as scope:
            found.append(await verbs.show(scope))
    return found
