"""JSON that every reader accepts, and that no page can be ended by."""

import json
import math
from html.parser import HTMLParser

import numpy as np
import pytest

from phase2sim.core.io.json_text import json_script, json_text

HOSTILE = ["<!-- <script", "</script>", "]]>", "&lt;", "\u2028", "'\"`${x}", "<!--<script>-->"]


def test_a_number_without_a_value_is_null() -> None:
    values = {"a": math.nan, "b": [math.inf, -math.inf, 1.5], "c": (np.float64("nan"), 2, True)}

    assert json.loads(json_text(values)) == {
        "a": None,
        "b": [None, None, 1.5],
        "c": [None, 2, True],
    }


@pytest.mark.parametrize("text", HOSTILE)
def test_a_script_gives_its_text_back_and_ends_where_it_ends(text: str) -> None:
    page = json_script({"title": text}, "record") + "<p>after</p>"
    seen: list[str] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            del attrs
            seen.append(tag)

        def handle_data(self, data: str) -> None:
            seen.append(data)

    Reader().feed(page)

    assert (seen[0], seen[2:]) == ("script", ["p", "after"])
    assert json.loads(seen[1]) == {"title": text}
    assert not set("<>&\u2028") & set(seen[1])
