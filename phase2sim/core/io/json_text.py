"""JSON for programs and pages: every text is only text, a number without a value is null."""

import json
import math
from collections.abc import Mapping
from typing import Any

# In a page, text ends a script or hides its end; as escapes they mean the same to JSON.
_IN_A_PAGE = str.maketrans(
    {character: f"\\u{ord(character):04x}" for character in "<>&\u2028\u2029"}
)


def json_text(values: object, indent: int | None = None) -> str:
    """Return a value as JSON; what is not a finite number is null, which every reader accepts."""
    return json.dumps(_with_null(values), indent=indent, allow_nan=False)


def json_script(values: object, name: str) -> str:
    """Return a value as a script element of a page, with its id; its text cannot end the script."""
    text = json_text(values).translate(_IN_A_PAGE)
    return f'<script type="application/json" id="{name}">{text}</script>'


def _with_null(value: Any) -> Any:  # noqa: ANN401 - any JSON
    match value:
        case float():
            return value if math.isfinite(value) else None
        case Mapping():
            return {key: _with_null(inner) for key, inner in value.items()}
        case list() | tuple():
            return [_with_null(inner) for inner in value]
        case _:
            return value
