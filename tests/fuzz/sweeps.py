"""Sweep files: axes, constraints and references that are damaged."""

from fuzz.case import Case, Dice, Table
from fuzz.damaged_bytes import damaged_bytes
from fuzz.damaged_tables import damaged
from fuzz.scenarios import FILE, files_of
from fuzz.sound import LOOKS, ONE
from fuzz.toml_text import toml

SWEEP = "sweep.toml"
SIZES: Table = {
    "title": "Sizes and effects",
    "base": FILE,
    "truths": ["target", "null"],
    "reference": {"effect": 0.2},
    "constraints": ["patients >= 12 or effect == 0.2"],
    "set": {"design.visits_months": [0, 6], "outcome.c_peptide.control_mean": 0.5},
    "axes": {
        "patients": {"key": "design.patients", "from": 12, "to": 24, "step": 12},
        "effect": {"key": "truth.target.c_peptide.effect", "values": [0.1, 0.2]},
    },
}
OTHERS: Table = {
    "base": FILE,
    "axes": {
        "method": {
            "variants": {
                "ancova": {"analysis.1.method": "ancova"}, "welch": {"analysis.1.method": "welch"},
            }
        },
        "mean": {"keys": ["outcome.c_peptide.control_mean"], "values": [0.4, 0.5]},
        "sd": {"key": "outcome.c_peptide.sd", "zip": "mean", "values": [0.2, 0.3]},
    },
}  # fmt: skip
CONDITIONS = (
    "", "patients", "patients >", "patients >= 'x'", "effect / 0 > 1", "nobody == 1",
    "__import__('os')", "1",
    "patients * 10 ** 9 > 1", "'a' * 1000000000 == 'b'", "patients in [12]", "not patients",
    "((((1))))", "effect == nan",
    "patients >= 12 and effect < 0.2", "-" * 3000 + "1", "patients == 12 == 12", "[] in []",
    "'é' < patients", "1e999 > 1",
)  # fmt: skip


def sweep_case(dice: Dice) -> Case:
    """A sweep with damaged tables, or a damaged file, run or only estimated."""
    sweep = dice.choice((SIZES, SIZES, OTHERS))
    base = dice.choice((ONE, ONE, LOOKS))
    if dice.random() < 0.15:
        content, said = damaged_bytes(toml(sweep).encode(), dice)
    else:
        if dice.random() < 0.2:
            sweep = sweep | {"constraints": [dice.choice(CONDITIONS)]}
        table, said = damaged(sweep, dice)
        content = toml(table).encode()
    arguments = ("sweep", SWEEP, "--out", "out", "--trials", "2", "--yes")
    arguments += dice.choice(((), ("--json",), ("--json", "--estimate"), ("--estimate",)))
    return Case(said, arguments, {**files_of(base), SWEEP: content}, (SWEEP, FILE))
