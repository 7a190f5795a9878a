"""The JSON object in an HTTP answer, whatever came. Pure."""

from __future__ import annotations

from typing import Any

import msgspec


def json_object(content: bytes) -> dict[str, Any]:
    """The object; an empty one when the answer is something else."""
    try:
        body = msgspec.json.decode(content)
    except msgspec.DecodeError:
        return {}
    return body if isinstance(body, dict) else {}
