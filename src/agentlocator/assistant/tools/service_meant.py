"""Which service a caller means by his words; when that is not clear, the reply that asks."""

from __future__ import annotations

from agentlocator.assistant.tool import ToolReply
from agentlocator.db.schema import Service
from agentlocator.db.scope import Scope
from agentlocator.domain import services


async def service_meant(scope: Scope, spoken: str | None) -> Service | ToolReply | None:
    """The service; None when nothing was said of one; a question when it is none of the business's."""
    if spoken is None or not spoken.strip():
        return None
    found = await services.find_service(scope, spoken)
    if found is not None:
        return found
    names = [one.name for one in await services.offered(scope)]
    if not names:
        return None
    return ToolReply(
        f"לא בטוח לאיזה שירות הכוונה. אפשר לקבוע: {', '.join(names)}.",
        ok=False,
        code="unknown_service",
        data={"services": names},
    )
