"""The files that ``init`` writes, changed a line at a time as their first lines advise."""

import tomllib
from functools import cache
from importlib.resources import files

from fuzz.case import Case, Dice
from fuzz.damaged_bytes import damaged_bytes
from fuzz.damaged_tables import damaged
from fuzz.toml_text import toml

COMMANDS = {
    "scenario.toml": ("run", "scenario.toml", "--trials", "2", "--json"),
    "evidence.toml": ("evidence", "show", "evidence.toml", "--json"),
}


def template_case(dice: Dice) -> Case:
    """A template with damaged lines or keys."""
    name = dice.choice(list(COMMANDS))
    text = _text(name)
    if dice.random() < 0.5:
        content, said = damaged_bytes(text.encode(), dice)
    else:
        table, said = damaged(tomllib.loads(text), dice)
        content = toml(table).encode()
    return Case(said, COMMANDS[name], {name: content}, (name,))


@cache
def _text(name: str) -> str:
    return files("phase2sim.scenario.templates").joinpath(name).read_text(encoding="utf-8")
