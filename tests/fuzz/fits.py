"""Kept fits that are damaged: the same numbers, or a refusal."""

import tempfile
from functools import cache
from pathlib import Path

from fuzz.case import Case, Dice
from fuzz.damaged_bytes import damaged_bytes
from fuzz.judge import run
from fuzz.scenarios import PRIORS
from support.kept_prior import NAMES, keep

CACHE = "fits"
SHOW = ("prior", "show", *NAMES, "--json")


@cache
def sound_fit() -> tuple[str, bytes]:
    """Name and bytes of the kept fit of the shipped evidence."""
    with tempfile.TemporaryDirectory() as folder:
        keep(Path(folder))
        (path,) = Path(folder).iterdir()
        return path.name, path.read_bytes()


@cache
def _answer() -> str:
    name, content = sound_fit()
    with tempfile.TemporaryDirectory() as folder:
        case = Case("", SHOW, {**PRIORS, f"{CACHE}/{name}": content}, cache=CACHE)
        return run(case, Path(folder)).stdout


def fit_case(dice: Dice) -> Case:
    """A damaged fit, shown: no command may take other draws from it."""
    name, content = sound_fit()
    if dice.random() < 0.4:
        flipped = bytearray(content)
        at = dice.randrange(len(content))
        flipped[at] ^= 1 << dice.randrange(8)
        damage, said = bytes(flipped), f"bit flipped in byte {at}"
    else:
        damage, said = damaged_bytes(content, dice)
    files = {**PRIORS, f"{CACHE}/{name}": damage}
    return Case(said, SHOW, files, typed=(name, *NAMES), answer=_answer(), cache=CACHE)
