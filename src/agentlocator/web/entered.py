"""A form that was sent and cannot be taken: shown again as it was filled in, with what is wrong at its place."""

import msgspec


class Entered(msgspec.Struct, frozen=True):
    """`values` by the fields' names; `fault` is said beside `field`, and both are empty where nothing is wrong."""

    values: dict[str, str]
    field: str = ""
    fault: str = ""
