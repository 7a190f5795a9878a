"""OpenAI's list of models, simulated: which key it knows, which models there are and when they end.

It knows only what OpenAI knows. `answer` goes under an HTTP client as its transport.
"""

from __future__ import annotations

import httpx2


class OpenAIAccount:
    """One project's key and the models it may use, each with its shutdown date or None."""

    def __init__(self, key: str, models: dict[str, str | None] | None = None) -> None:
        self.key = key
        self.models: dict[str, str | None] = {"gpt-realtime-2.1": None} if models is None else models
        self.has_credit = True
        self.down = False

    def answer(self, request: httpx2.Request) -> httpx2.Response:
        """What the API answers."""
        if self.down:
            return httpx2.Response(502, text="<html>Bad gateway</html>")
        given = request.headers.get("authorization", "").removeprefix("Bearer ")
        if given != self.key:
            # The real one quotes part of the key.
            return _error(401, "invalid_api_key", f"Incorrect API key provided: {given[:8]}***{given[-4:]}.")
        if not self.has_credit:
            return _error(429, "insufficient_quota", "You exceeded your current quota, please check your plan.")
        model = request.url.path.removeprefix("/v1/models/")
        if model not in self.models:
            return _error(
                404, "model_not_found", f"The model '{model}' does not exist or you do not have access to it."
            )
        values = {"id": model, "object": "model", "created": 1_760_000_000, "owned_by": "system"}
        return httpx2.Response(200, json={**values, "shutdown_date": self.models[model]})


def _error(status: int, code: str, message: str) -> httpx2.Response:
    error = {"message": message, "type": "invalid_request_error", "param": None, "code": code}
    return httpx2.Response(status, json={"error": error})
