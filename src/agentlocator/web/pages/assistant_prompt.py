"""What the model is configured with: the very session of a call that begins now, made by the code that calls use."""

from __future__ import annotations

from typing import Any

import msgspec
from starlette.responses import PlainTextResponse, Response

from agentlocator.domain import businesses, prompts
from agentlocator.web.visit import Visit


async def show(visit: Visit) -> Response:
    session, is_draft, has_draft = await _session(visit)
    audio = session["audio"]
    return visit.render(
        "assistant_prompt.html",
        section="assistant",
        is_draft=is_draft,
        has_draft=has_draft,
        prompt=session["instructions"],
        voice=audio["output"]["voice"],
        turn=audio["input"]["turn_detection"]["type"],
        ceiling=session["max_output_tokens"],
        tools=[tool["name"] for tool in session["tools"]],
    )


async def text(visit: Visit) -> Response:
    """The prompt alone, byte for byte."""
    session, _, _ = await _session(visit)
    return PlainTextResponse(session["instructions"])


async def _session(visit: Visit) -> tuple[dict[str, Any], bool, bool]:
    """The next call's session; with the draft's words where they are asked for and there are any."""
    if visit.house.session_of is None:
        visit.missing()
    async with visit.reading() as scope:
        profile = await businesses.show(scope)
        drafted = await prompts.drafted(scope)
    is_draft = drafted is not None and visit.request.query_params.get("of") == "draft"
    if drafted is not None and is_draft:
        profile = msgspec.structs.replace(profile, greeting=drafted.greeting, custom_prompt=drafted.custom_prompt)
    return visit.house.session_of(profile, visit.now), is_draft, drafted is not None
