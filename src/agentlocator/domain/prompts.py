"""A business's own prompt and greeting, in versions: drafted, published, rolled back.

A published version never changes; going back publishes an old text again under a new number, so that every call
can say which words it was given.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select

from agentlocator.db.schema import PromptVersion
from agentlocator.db.scope import Scope
from agentlocator.domain import audit, schedules

MAX_PROMPT = 20_000
MAX_GREETING = 500


async def draft(scope: Scope, *, greeting: str, custom_prompt: str, actor: str, now: datetime) -> int:
    """Write the draft, replacing the one there was; answers its number. Raises BadSetting."""
    if not greeting.strip():
        raise schedules.BadSetting("greeting", "empty")
    if len(greeting) > MAX_GREETING:
        raise schedules.BadSetting("greeting", "too_long")
    if len(custom_prompt) > MAX_PROMPT:
        raise schedules.BadSetting("custom_prompt", "too_long")
    await schedules.take_turn(scope)
    version = await _in_state(scope, "draft")
    if version is None:
        version = scope.add(PromptVersion(number=await _next_number(scope), state="draft"))
    version.greeting = _written(greeting)
    version.custom_prompt = _written(custom_prompt)
    version.written_by = actor
    version.written_at = now
    await scope.flush()
    return version.number


async def discard(scope: Scope, *, actor: str, now: datetime) -> bool:
    """Throw the draft away; False when there is none."""
    await schedules.take_turn(scope)
    version = await _in_state(scope, "draft")
    if version is None:
        return False
    _note(scope, actor, now, "draft_discarded", version.number, None)
    await scope.session.delete(version)
    await scope.flush()
    return True


async def publish(scope: Scope, *, actor: str, now: datetime) -> int | None:
    """Put the draft in force for the next call; answers its number, None when there is no draft."""
    await schedules.take_turn(scope)
    version = await _in_state(scope, "draft")
    if version is None:
        return None
    _note(scope, actor, now, "published", await _retire_published(scope), version.number)
    version.state = "published"
    version.published_at = now
    await scope.flush()
    return version.number


async def roll_back(scope: Scope, to_number: int, *, actor: str, now: datetime) -> int | None:
    """Put the text of an earlier version in force again, as a new version; None when there is no such one."""
    await schedules.take_turn(scope)
    old: PromptVersion | None = await scope.first(
        select(PromptVersion).where(PromptVersion.number == to_number, PromptVersion.published_at.is_not(None))
    )
    if old is None:
        return None
    previous = await _retire_published(scope)
    restored = scope.add(
        PromptVersion(
            number=await _next_number(scope),
            state="published",
            greeting=old.greeting,
            custom_prompt=old.custom_prompt,
            written_by=actor,
            written_at=now,
            published_at=now,
            restored_from=old.number,
        )
    )
    await scope.flush()
    _note(scope, actor, now, "published", previous, restored.number)
    return restored.number


async def published(scope: Scope) -> PromptVersion | None:
    return await _in_state(scope, "published")


async def drafted(scope: Scope) -> PromptVersion | None:
    return await _in_state(scope, "draft")


async def versions(scope: Scope) -> Sequence[PromptVersion]:
    """Every version, the newest first."""
    found: Sequence[PromptVersion] = await scope.all(select(PromptVersion).order_by(PromptVersion.number.desc()))
    return found


async def _in_state(scope: Scope, state: str) -> PromptVersion | None:
    found: PromptVersion | None = await scope.first(select(PromptVersion).where(PromptVersion.state == state))
    return found


async def _next_number(scope: Scope) -> int:
    return int(await scope.first(select(func.coalesce(func.max(PromptVersion.number), 0)))) + 1


async def _retire_published(scope: Scope) -> int | None:
    """Take what is in force out of it; answers its number."""
    version = await _in_state(scope, "published")
    if version is None:
        return None
    version.state = "retired"
    await scope.flush()
    return version.number


def _written(text: str) -> str:
    """As it is kept and sent. A browser's line ends are two characters, and would not come back as they went."""
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "").encode("utf-8", "ignore").decode().strip()


def _note(scope: Scope, actor: str, now: datetime, field: str, old: int | None, new: int | None) -> None:
    changes = {field: (old, new)}
    audit.record(scope, actor=actor, entity="prompt", entity_id=scope.business_id, changes=changes, at=now)
