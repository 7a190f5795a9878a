"""What callers are booked for and with, a page each: a form for everything kept, and an empty one for the next.

What is kept is switched off, never deleted: appointments point at it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from starlette.responses import Response

from agentlocator.domain.schedules import BadSetting
from agentlocator.web.visit import Visit
from agentlocator.web.words import said

_NAME_FAULTS = {
    "empty": said("Give it the name that callers use."),
    "taken": said("There is one of this name already. Choose another name."),
}


class Form(msgspec.Struct, frozen=True, kw_only=True):
    """One of them as its form shows it; `id` 0 is the one to be added. `fault` is said beside `field`."""

    id: int = 0
    name: str = ""
    active: bool = True
    field: str = ""
    fault: str = ""


def refused(form: Form, no: BadSetting, faults: dict[tuple[str, str], str]) -> Form:
    """The form as it was sent, with what is wrong in it; `faults` are those of its fields beside the name."""
    words = _NAME_FAULTS[no.code] if no.field == "name" else faults[no.field, no.code]
    return msgspec.structs.replace(form, field=no.field, fault=words)


def page(visit: Visit, part: str, kept: Sequence[Form], sent: Form | None, blank: Form, **more: Any) -> Response:
    """All the forms; the one that was sent and refused stands as it was sent."""
    if sent is not None and sent.id and sent.id not in {form.id for form in kept}:
        # A form can be refused before anybody looked for its id; another business's id is none of ours.
        visit.missing()
    return visit.render(
        f"booking_{part}.html",
        422 if sent else 200,
        section="booking",
        part=part,
        forms=[sent if sent is not None and sent.id == form.id else form for form in kept],
        new=sent if sent is not None and not sent.id else blank,
        saved="saved" in visit.request.query_params,
        locked=not visit.may("owner"),
        **more,
    )
