"""Sealed secrets: what a thief of the database has, what a wrong key says, and who may not swap one for another."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from agentlocator.db import Database
from agentlocator.db.accounts import Account, SealedSecret
from agentlocator.db.scope import Operator
from agentlocator.domain import accounts, second_factor, totp, vault
from agentlocator.domain.vault import Vault, WrongKey
from town import NOW

TOKEN = "canary-twilio-auth-token"
KEY = "k" * 32


def code(secret: str) -> str:
    return totp.code_at(secret, int(NOW.timestamp() // totp.STEP_S))


async def test_a_secret_comes_back_and_the_database_does_not_hold_it(db: Database) -> None:
    async with db.operator(writing=True) as operator:
        await vault.keep(operator, Vault(KEY), "twilio_auth_token", TOKEN, actor="cli", now=NOW)
    async with db.operator() as operator:
        (row,) = await operator.all(select(SealedSecret))
        assert TOKEN not in row.sealed
        assert (row.kept_by, row.kept_at) == ("cli", NOW)
        assert await vault.kept(operator, Vault(KEY)) == {"twilio_auth_token": TOKEN}


async def test_the_newer_secret_replaces_the_older_and_a_forgotten_one_is_gone(db: Database) -> None:
    later = NOW + timedelta(days=1)
    async with db.operator(writing=True) as operator:
        await vault.keep(operator, Vault(KEY), "openai_api_key", "first", actor="cli", now=NOW)
        await vault.keep(operator, Vault(KEY), "openai_api_key", "second", actor="op@example.com", now=later)
        assert await vault.kept(operator, Vault(KEY)) == {"openai_api_key": "second"}
        assert await operator.first(select(SealedSecret.kept_by)) == "op@example.com"
        assert await vault.forget(operator, "openai_api_key")
        assert not await vault.forget(operator, "openai_api_key")


async def test_another_key_opens_nothing_and_says_what_to_do(db: Database) -> None:
    async with db.operator(writing=True) as operator:
        await vault.keep(operator, Vault(KEY), "openai_api_key", TOKEN, actor="cli", now=NOW)
        with pytest.raises(WrongKey, match=r"openai_api_key is sealed.*vault_key") as raised:
            await vault.kept(operator, Vault("x" * 32))
        assert TOKEN not in str(raised.value)
        assert raised.value.__cause__ is None
        # Whoever does not need it is not stopped by it.
        assert await vault.kept(operator, Vault("x" * 32), besides={"openai_api_key"}) == {}


def test_one_secret_cannot_be_put_in_another_s_place() -> None:
    sealed = Vault(KEY).seal("openai_api_key", "sk-1")
    with pytest.raises(WrongKey):
        Vault(KEY).open("twilio_auth_token", sealed)


@pytest.mark.parametrize("damage", ["", "v1.", "v1.AAAA", "v1.not base64", "nonsense"])
def test_what_is_damaged_does_not_open(damage: str) -> None:
    with pytest.raises(WrongKey):
        Vault(KEY).open("name", damage)
    sealed = Vault(KEY).seal("name", "secret")
    with pytest.raises(WrongKey):
        Vault(KEY).open("name", sealed[:-6] + ("AAAAAA" if not sealed.endswith("AAAAAA") else "BBBBBB"))


def test_a_vault_shows_no_key_and_seals_nothing_twice_alike() -> None:
    opened = Vault(KEY)
    assert KEY not in repr(opened)
    assert opened.seal("name", "secret") != opened.seal("name", "secret")


async def test_a_second_factor_lies_sealed_and_works_once(db: Database) -> None:
    async with db.operator(writing=True) as operator:
        account = await _operator(operator)
        secret = await second_factor.enrol(operator, Vault(KEY), account)
        assert secret not in str(account.totp_secret)
        step = second_factor.step_of(Vault(KEY), account, code(secret), now=NOW)
        assert step is not None
        assert await second_factor.use(operator, Vault(KEY), account, step)
        assert not await second_factor.use(operator, Vault(KEY), account, step)


async def test_a_second_factor_from_before_the_vault_is_sealed_when_it_is_used(db: Database) -> None:
    secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
    async with db.operator(writing=True) as operator:
        account = await _operator(operator)
        await operator.changed(update(Account).values(totp_secret=secret))
        step = second_factor.step_of(Vault(KEY), account, code(secret), now=NOW)
        assert step is not None
        assert await second_factor.use(operator, Vault(KEY), account, step)
    async with db.operator() as operator:
        account = await operator.first(select(Account))
        assert secret not in account.totp_secret
        assert second_factor.step_of(Vault(KEY), account, code(secret), now=NOW) is None
        later = NOW + timedelta(minutes=1)
        new = totp.code_at(secret, int(later.timestamp() // totp.STEP_S))
        assert second_factor.step_of(Vault(KEY), account, new, now=later) is not None


async def test_the_second_factor_of_one_operator_is_worthless_in_another_s_account(db: Database) -> None:
    async with db.operator(writing=True) as operator:
        one, other = await _operator(operator), await _operator(operator, "other@example.com")
        secret = await second_factor.enrol(operator, Vault(KEY), one)
        other.totp_secret = one.totp_secret
        with pytest.raises(WrongKey):
            second_factor.step_of(Vault(KEY), other, code(secret), now=NOW)


async def _operator(operator: Operator, email: str = "op@example.com") -> Account:
    return await accounts.add(
        operator,
        email=email,
        name="",
        password_hash=None,
        now=NOW,
        is_operator=True,
    )
