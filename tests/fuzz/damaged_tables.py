"""What happens to a table in an editor: keys are lost, misspelt, given values of another kind."""

import math
import string
from collections.abc import Callable, Iterator
from copy import deepcopy
from datetime import date, datetime, time
from typing import Any

from fuzz.case import Dice, Table

TEXTS = (
    "", " ", "\t", "None", "nan", "-", "0", "1e3", "true", "x" * 3000, "a.b", "a\nb", "a\0b",
    "\x1b[31m",
    "<b>bold</b>", "<!-- <script>alert(1)</script>", "{x}", "%s", "[/red]", "[bold]", "ä",
    "é\u0301", "日本語",
    "\u202eabc", "\ufeff", "🙂", "../../x", "C:\\x", "'", '"', "=1+1", "control", "hba1c",
    "c_peptide", "baseline",
    "all", "target", "null", "age", "site", "$HOME", "`x`", "a,b", "a;b", "\u00a0", "\u0661",
    "\uff11\uff12",
)  # fmt: skip
NUMBERS = (
    0, -1, 1, 2, 3, 7, 100, 1200, 10**6, 10**15, 10**20, -(10**9), 0.0, -0.0, 0.5, 1.0, 1.5, 1e-9,
    5e-324, 1e-300,
    1e9, 1e15, 1e308, -1e308, math.inf, -math.inf, math.nan, 0.999999999, 1.0000001, 0.025, 53.0,
    550.0,
)  # fmt: skip
OTHERS = (
    True, False, [], {}, [[]], [{}], [0], [1, 2], ["a"], ["hba1c"], [0, 3, 6], [6, 0], [1.5, "x"],
    {"a": 1},
    {"percent": 40}, {"kind": "none"}, {"share": 0.5}, {"normal": [0, 1]}, [[1, 0], [0, 1]],
    date(2026, 11, 23), time(9, 30), datetime(2026, 11, 23, 9, 30),  # noqa: DTZ001 - TOML has both
)  # fmt: skip

type Node = Any  # a table or a list
type Key = Any  # of the table, or an index of the list
type Place = tuple[Node, Key]


def damaged(table: Table, dice: Dice) -> tuple[Table, str]:
    """Return a copy with one to three changes, and what they were."""
    changed = deepcopy(table)
    said = []
    for _ in range(dice.choice((1, 1, 1, 1, 2, 3))):
        places = list(_places(changed))
        if not places:
            break
        holder, key = dice.choice(places)
        change = dice.choice(_CHANGES)
        said.append(f"{change.__name__.strip('_')} {key!r}")
        change(holder, key, dice)
    return changed, ", ".join(said)


def _places(value: object) -> Iterator[Place]:
    entries: Any = ()
    match value:
        case dict():
            entries = value.items()
        case list():
            entries = enumerate(value)
    for key, inner in entries:
        yield value, key
        yield from _places(inner)


def _delete(holder: Node, key: Key, dice: Dice) -> None:
    del dice, holder[key]


def _number(holder: Node, key: Key, dice: Dice) -> None:
    holder[key] = dice.choice(NUMBERS)


def _text(holder: Node, key: Key, dice: Dice) -> None:
    holder[key] = dice.choice(TEXTS)


def _other_kind(holder: Node, key: Key, dice: Dice) -> None:
    holder[key] = deepcopy(dice.choice(OTHERS))


def _quoted(holder: Node, key: Key, dice: Dice) -> None:
    del dice
    holder[key] = str(holder[key])


def _nested(holder: Node, key: Key, dice: Dice) -> None:
    value = holder[key]
    holder[key] = dice.choice(([value], [value, value], {"value": value}, {str(key): value}))


def _scaled(holder: Node, key: Key, dice: Dice) -> None:
    """Write a number in another unit, or with a slip of the point."""
    match holder[key]:
        case bool() | str():
            holder[key] = dice.choice(NUMBERS)
        case int() | float() as number:
            by = dice.choice((-1, 10, 100, 1000, 0.1, 0.01, 0.001, 10.929, 18.016, 1.01, 12, 2))
            scaled = number * by
            whole = isinstance(number, int) and math.isfinite(scaled) and scaled == int(scaled)
            holder[key] = int(scaled) if whole else scaled
        case list() as several:
            for index in range(len(several)):
                _scaled(several, index, dice)


def _nudged(holder: Node, key: Key, dice: Dice) -> None:
    match holder[key]:
        case bool() as flag:
            holder[key] = not flag
        case int() | float() as number:
            holder[key] = number + dice.choice((-1, 1, 2, 0.5, 1e-9))
        case str() as text:
            holder[key] = dice.choice(
                (
                    text.upper(),
                    text.title(),
                    f" {text}",
                    text.replace("_", "-"),
                    text[:-1],
                    text * 2,
                )
            )
        case list() as several:
            holder[key] = dice.choice(
                (several[::-1], several[:-1], several + several[-1:], several[1:], several * 2)
            )
        case dict() as table:
            holder[key] = {k.upper(): v for k, v in table.items()}


def _misspelt(holder: Node, key: Key, dice: Dice) -> None:
    if isinstance(holder, list):
        return
    at = dice.randrange(len(key) + 1)
    letter = dice.choice(string.ascii_letters + "_ .-é\n")
    name = dice.choice((key[:at] + key[at + 1 :], key[:at] + letter + key[at:], key[::-1], ""))
    holder[name] = holder.pop(key)


def _added(holder: Node, key: Key, dice: Dice) -> None:
    """Put in a key that stands elsewhere, or nowhere."""
    if isinstance(holder, list):
        holder.append(deepcopy(holder[key]))
        return
    names = ("name", "kind", "month", "unit", "seed", "share", "endpoint", "arm", "lloq", "x", "of")
    holder[dice.choice(names)] = deepcopy(holder[key])


def _moved(holder: Node, key: Key, dice: Dice) -> None:
    """Swap two values of one table."""
    other = dice.choice(list(holder) if isinstance(holder, dict) else range(len(holder)))
    holder[key], holder[other] = holder[other], holder[key]


_CHANGES: tuple[Callable[[Node, Key, Dice], None], ...] = (
    _delete, _number, _number, _text, _other_kind, _quoted, _nested, _scaled, _scaled, _nudged,
    _nudged,
    _misspelt, _added, _moved,
)  # fmt: skip
