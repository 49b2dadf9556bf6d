"""The kinds of case, and a case by its kind and number."""

import random
from collections.abc import Callable, Mapping
from pathlib import Path

from fuzz.case import Case, Dice
from fuzz.data_files import data_case
from fuzz.evidence_files import evidence_case
from fuzz.fits import fit_case
from fuzz.judge import run
from fuzz.options import option_case
from fuzz.scenarios import COMMANDS, SOUND, files_of, pair_case, scenario_bytes_case, scenario_case
from fuzz.stores import store_case
from fuzz.sweeps import sweep_case
from fuzz.templates import template_case
from support.kept_prior import NAMES, keep

SEED = 20261129

KINDS: Mapping[str, Callable[[int, Dice], Case]] = {
    "scenario": lambda _, dice: scenario_case(dice),
    "scenario_bytes": lambda _, dice: scenario_bytes_case(dice),
    "pairs": pair_case,
    "sweep": lambda _, dice: sweep_case(dice),
    "evidence": lambda _, dice: evidence_case(dice),
    "data": lambda _, dice: data_case(dice),
    "option": lambda _, dice: option_case(dice),
    "template": lambda _, dice: template_case(dice),
    "store": lambda _, dice: store_case(dice),
    "fit": lambda _, dice: fit_case(dice),
}


def case_of(kind: str, number: int, seed: int = SEED) -> Case:
    """The case of this number, always the same."""
    return KINDS[kind](number, random.Random(f"{seed} {kind} {number}"))  # noqa: S311


def keep_fits(folder: Path) -> Path:
    """Fill a folder with fits of the shipped evidence, alone and together, in either order."""
    for names in (NAMES, NAMES[::-1], *((name,) for name in NAMES)):
        keep(folder, names)
    return folder


def compile_kernels(folder: Path) -> None:
    """Run what every case is made from once, without patience."""
    for number, table in enumerate(SOUND):
        (folder / str(number)).mkdir(parents=True)
        run(Case("", COMMANDS[0], files_of(table)), folder / str(number), patience_s=0)
