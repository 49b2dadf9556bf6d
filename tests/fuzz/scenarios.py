"""Scenario files: sound ones whose keys are damaged, and every pair of allowed values."""

import random
from collections.abc import Sequence
from functools import cache
from typing import Any

from fuzz.case import Case, Dice, Table
from fuzz.choices import CHOICES
from fuzz.damaged_bytes import damaged_bytes
from fuzz.damaged_tables import damaged
from fuzz.pairwise import covering_rows
from fuzz.rules import RULES
from fuzz.sound import BASES, FITTED, Choices
from fuzz.toml_text import inline, toml
from support.kept_prior import PRIORS as SHIPPED

FILE = "scenario.toml"
COMMANDS: tuple[tuple[str, ...], ...] = (
    ("run", FILE, "--trials", "2", "--json"),
    ("run", FILE, "--trials", "2"),
    ("replay", FILE, "--trial", "1", "--json"),
    ("replay", FILE, "--trial", "0"),
    ("boundaries", FILE, "--json"),
    ("safety", FILE, "--json"),
)


PRIORS = {
    f"priors/{name}.toml": (SHIPPED / f"{name}.toml").read_bytes() for name in FITTED["evidence"]
}


def files_of(table: Table, content: bytes | None = None) -> dict[str, bytes]:
    """The scenario's file, and those that it names."""
    own = {FILE: toml(table).encode() if content is None else content}
    return own | PRIORS if "evidence" in table else own


TABLES = (*CHOICES, *RULES)
# Accepted, all of them.
SOUND: tuple[Table, ...] = (*BASES, *(choices.scenario(choices.first()) for choices in TABLES))


def some_scenario(dice: Dice) -> Table:
    """One of them, as often a plain one as one with a rare part."""
    return dice.choice(BASES if dice.random() < 0.3 else SOUND)


def scenario_case(dice: Dice) -> Case:
    """A scenario with damaged tables."""
    table, said = damaged(some_scenario(dice), dice)
    return Case(said, command_for(table, dice), files_of(table), (FILE,))


def scenario_bytes_case(dice: Dice) -> Case:
    """A scenario whose file is damaged."""
    table = some_scenario(dice)
    content, said = damaged_bytes(toml(table).encode(), dice)
    return Case(said, dice.choice(COMMANDS[:3]), files_of(table, content), (FILE,))


def command_for(table: Table, dice: Dice) -> Sequence[str]:
    """A command that reads this scenario."""
    fitting = list(COMMANDS[:4])
    fitting += [COMMANDS[4]] * ("stopping" in table) + [COMMANDS[5]] * ("safety" in table)
    return dice.choice(fitting)


@cache
def _pairs() -> tuple[tuple[Choices, dict[str, Any]], ...]:
    """Every row of every table, in an order that mixes the tables."""
    dice = random.Random(1)  # noqa: S311
    rows = [(choices, row) for choices in TABLES for row in covering_rows(choices.values, dice)]
    dice.shuffle(rows)
    return tuple(rows)


def pairs() -> int:
    """How many rows there are."""
    return len(_pairs())


def pair_case(number: int, dice: Dice) -> Case:
    """One row of allowed values, set on the command line."""
    choices, row = _pairs()[number % pairs()]
    holder = choices.place.partition(".")[0]
    table = choices.scenario(row)[holder]
    setting = f"{holder}={inline(table)}"
    command = command_for(choices.base, dice)
    return Case(
        f"{choices.place}: {setting}", (*command, "--set", setting),
        files_of(choices.base), (FILE,),
    )  # fmt: skip
