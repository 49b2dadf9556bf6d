"""Evidence files: the shipped ones and own patients, damaged."""

import tomllib
from functools import cache

from fuzz.case import Case, Dice, Table
from fuzz.damaged_bytes import damaged_bytes
from fuzz.damaged_tables import damaged
from fuzz.toml_text import toml
from support.evidence_text import CONTROL, OWN, RANDOMISED, ROWS
from support.kept_prior import PRIORS

FILE = "evidence.toml"
OWN_PATIENTS = "own.csv"


@cache
def sound_evidence() -> tuple[Table, ...]:
    """What the shipped files say, and two small files."""
    texts = [path.read_text(encoding="utf-8") for path in sorted(PRIORS.glob("*.toml"))]
    return tuple(tomllib.loads(text) for text in (*texts, RANDOMISED, CONTROL + OWN))


def evidence_case(dice: Dice) -> Case:
    """Evidence with damaged tables, a damaged file, or damaged rows of own patients."""
    table = dice.choice(sound_evidence())
    own = {OWN_PATIENTS: ROWS.encode()}
    way = dice.random()
    if way < 0.15:
        content, said = damaged_bytes(toml(table).encode(), dice)
    else:
        changed, said = damaged(_shorter(table, dice), dice)
        content = toml(changed).encode()
    if way > 0.9:
        rows, said = damaged_bytes(ROWS.encode(), dice)
        content, own = toml(sound_evidence()[-1]).encode(), {OWN_PATIENTS: rows}
    arguments = ("evidence", "show", FILE, *dice.choice(((), ("--json",))))
    return Case(said, arguments, {FILE: content, **own}, (FILE, OWN_PATIENTS))


def _shorter(table: Table, dice: Dice) -> Table:
    """Some of the reported numbers alone, so that a change meets every other key as often."""
    reported = table.get("reported", [])
    return table | ({"reported": dice.sample(reported, min(4, len(reported)))} if reported else {})
