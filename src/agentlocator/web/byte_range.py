"""Parts of a file, as a player asks for them when somebody jumps ahead (RFC 9110, one range at a time). Pure."""

from __future__ import annotations

import re

from starlette.responses import Response

_ONE_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII)


def respond(content: bytes, asked: str | None, media_type: str) -> Response:
    """The part that is asked for. What is no single range of bytes gets the whole, as it may."""
    found = _ONE_RANGE.fullmatch(asked or "")
    if found is None or found[0] == "bytes=-":
        return Response(content, media_type=media_type, headers={"Accept-Ranges": "bytes"})
    size = len(content)
    first, last = _bounds(found[1], found[2], size)
    if first > last or first >= size:
        return Response(status_code=416, headers={"Content-Range": f"bytes */{size}", "Accept-Ranges": "bytes"})
    headers = {"Content-Range": f"bytes {first}-{last}/{size}", "Accept-Ranges": "bytes"}
    return Response(content[first : last + 1], 206, media_type=media_type, headers=headers)


def _bounds(first: str, last: str, size: int) -> tuple[int, int]:
    if not first:
        # "-500" are the last 500.
        return max(0, size - int(last)), size - 1 if int(last) else -1
    return int(first), min(int(last), size - 1) if last else size - 1
