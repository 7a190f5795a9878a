"""Tools that act on the call itself, as the model sees them. The core carries them out; they touch no business data."""

from __future__ import annotations

from typing import Any

from agentlocator.call.farewell import END_CALL, TRANSFER


def schemas(transfer_targets: tuple[str, ...]) -> list[dict[str, Any]]:
    """Function tools in the Realtime shape. A business without people to transfer to offers no transfer."""
    tools = [
        _function(
            END_CALL,
            "סיום השיחה. יש לקרוא לכלי רק אחרי שנאמרה פרידה, כשהפונה אמר שאין לו צורך בדבר נוסף.",
            {},
            (),
        )
    ]
    if transfer_targets:
        tools.append(
            _function(
                TRANSFER,
                "העברת השיחה לאדם בעסק, כשהפונה מבקש זאת או כשאין דרך לעזור לו כאן. לפני כן יש לומר שמעבירים אותו.",
                {
                    "to": {"type": "string", "enum": list(transfer_targets), "description": "למי להעביר."},
                    "summary": {"type": "string", "description": "משפט אחד בעברית: מי הפונה ומה הוא צריך."},
                },
                ("to", "summary"),
            )
        )
    return tools


def _function(name: str, description: str, properties: dict[str, Any], required: tuple[str, ...]) -> dict[str, Any]:
    parameters = {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }
    return {"type": "function", "name": name, "description": description, "parameters": parameters}
