"""The assistant's own words: greeting and prompt, drafted, compared, published, and taken back to any version."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from starlette.responses import Response

from agentlocator.db.schema import PromptVersion
from agentlocator.domain import prompts
from agentlocator.domain.schedules import BadSetting
from agentlocator.web import difference
from agentlocator.web.difference import Piece
from agentlocator.web.visit import Visit
from agentlocator.web.words import said

_FAULTS: Final = {
    ("greeting", "empty"): said("Without a greeting callers hear nothing. Write one sentence."),
    ("greeting", "too_long"): said("A greeting has at most 500 characters. Callers wait for its end."),
    ("custom_prompt", "too_long"): said("At most 20,000 characters. Leave what is said in every call."),
}


async def show(visit: Visit) -> Response:
    return await _page(visit)


async def draft(visit: Visit) -> Response:
    """Keeps what was typed; callers hear nothing of it yet."""
    greeting, custom_prompt = visit.text("greeting"), visit.text("custom_prompt")
    try:
        async with visit.writing() as scope:
            await prompts.draft(scope, greeting=greeting, custom_prompt=custom_prompt, actor=visit.actor, now=visit.now)
    except BadSetting as no:
        faults = {no.field: visit.gettext(_FAULTS[no.field, no.code])}
        return await _page(visit, faults=faults, typed=(greeting, custom_prompt))
    return visit.redirect(visit.url("assistant") + "#difference")


async def publish(visit: Visit) -> Response:
    """The draft is what the next caller hears."""
    async with visit.writing() as scope:
        if await prompts.publish(scope, actor=visit.actor, now=visit.now) is None:
            visit.missing()
    return visit.redirect(visit.url("assistant"))


async def discard(visit: Visit) -> Response:
    async with visit.writing() as scope:
        await prompts.discard(scope, actor=visit.actor, now=visit.now)
    return visit.redirect(visit.url("assistant"))


async def roll_back(visit: Visit) -> Response:
    """An earlier version's words are in force again."""
    number = visit.text("number")
    if not (number.isascii() and number.isdecimal() and len(number) < 9):
        visit.missing()
    async with visit.writing() as scope:
        if await prompts.roll_back(scope, int(number), actor=visit.actor, now=visit.now) is None:
            visit.missing()
    return visit.redirect(visit.url("assistant"))


async def _page(
    visit: Visit, *, faults: dict[str, str] | None = None, typed: tuple[str, str] | None = None
) -> Response:
    async with visit.reading() as scope:
        versions = await prompts.versions(scope)
    drafted = _in_state(versions, "draft")
    published = _in_state(versions, "published")
    greeting, custom_prompt = typed or _words(drafted or published)
    return visit.render(
        "assistant.html",
        422 if faults else 200,
        section="assistant",
        faults=faults or {},
        greeting=greeting,
        custom_prompt=custom_prompt,
        drafted=drafted,
        published=published,
        differences=await _differences(published, drafted) if drafted else [],
        versions=[version for version in versions if version.published_at is not None],
    )


async def _differences(published: PromptVersion | None, drafted: PromptVersion) -> list[list[Piece]]:
    """What the draft changes, in the greeting and in the prompt."""
    pairs = zip(_words(published), _words(drafted), strict=True)
    return [await asyncio.to_thread(difference.between, old, new) for old, new in pairs]


def _in_state(versions: Sequence[PromptVersion], state: str) -> PromptVersion | None:
    return next((version for version in versions if version.state == state), None)


def _words(version: PromptVersion | None) -> tuple[str, str]:
    return (version.greeting, version.custom_prompt) if version else ("", "")
