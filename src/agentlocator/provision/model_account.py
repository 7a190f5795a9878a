"""Looks at the OpenAI account: is the key known, does the model exist, and until when. It starts no session."""

from __future__ import annotations

import datetime as dt
from typing import Final

import httpx2
import msgspec

from agentlocator.provision.trouble import Trouble

TIMEOUT_S: Final = 10


class Model(msgspec.Struct, frozen=True):
    """A model as its maker lists it. `shutdown_date` is what it says of the end; None when it says nothing."""

    id: str
    shutdown_date: dt.date | None = None


async def look(http: httpx2.AsyncClient, api_key: str, model: str, *, api_url: str) -> Model | Trouble:
    """Asks for the model with the key: one request settles both."""
    url = f"{api_url}/models/{model}"
    try:
        answer = await http.get(url, headers={"Authorization": f"Bearer {api_key}"}, timeout=TIMEOUT_S)
    except (httpx2.HTTPError, httpx2.InvalidURL, UnicodeError) as fault:
        # A key that no header can carry is no key.
        known = not isinstance(fault, UnicodeError)
        return Trouble("openai_unreachable" if known else "openai_key", type(fault).__name__ if known else "")
    if answer.is_success:
        return _model(answer, model)
    return _refusal(answer)


class _Error(msgspec.Struct, frozen=True):
    code: str | None = None


class _Refusal(msgspec.Struct, frozen=True):
    error: _Error = _Error()


def _model(answer: httpx2.Response, model: str) -> Model | Trouble:
    try:
        return msgspec.json.decode(answer.content, type=Model)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        # A field that is not what we take it for says nothing; that the model is there, the status says.
        return Model(model)


def _refusal(answer: httpx2.Response) -> Trouble:
    try:
        code = msgspec.json.decode(answer.content, type=_Refusal).error.code
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        code = None
    if code == "insufficient_quota":
        return Trouble("openai_credit")
    named = {401: "openai_key", 403: "openai_forbidden", 404: "openai_model"}.get(answer.status_code)
    return Trouble(named) if named else Trouble("openai_unreachable", f"HTTP {answer.status_code}")
