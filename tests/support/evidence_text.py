"""Small evidence files, as text, that tests complete and damage."""

from pathlib import Path

from phase2sim.evidence.load import load_evidence
from phase2sim.evidence.reported import Evidence

CONTROL = """
[study]
name = "Small"
design = "control-arm"
patients = 40
months_since_diagnosis = [0, 3]
source = "made up"
"""
SINGLE = CONTROL.replace("control-arm", "single-arm")
TRIAL = """
[[study]]
name = "Trial"
arm = "cells"
design = "randomised"
treated = true
patients = 7
months_since_diagnosis = [0, 4]
age_years = 24.2
source = "made up"

[[study]]
name = "Trial"
arm = "placebo"
design = "randomised"
treated = false
patients = 4
months_since_diagnosis = [0, 4]
source = "made up"
"""
DIFFERENCE = """
[[reported]]
arm = "cells"
versus = "placebo"
endpoint = "hba1c"
month = 6
difference = -0.6
ci95 = [-1.4, 0.2]
unit = "%"
"""
COURSE = """
month = 6
shape = "onset"
half_time_months = 1.5
sceptical_sd = 0.5
why = "ours"
"""
EFFECT = f"\n[effect.hba1c]{COURSE}bias_sd = 0.3\n"
PRIOR = "prior = { normal = [-0.5, 0.4] }\n"
SHARED = "shared = 0.3\n"
CLASS = f"\n[class_effect.hba1c]{COURSE}between_trials_sd = 0.3\n"
RANDOMISED = TRIAL + DIFFERENCE + CLASS
OWN = """
[[individual]]
file = "own.csv"
units = { hba1c = "mmol/mol", insulin = "U/kg/day" }
"""
ROWS = """\
id,endpoint,month,value
p2,hba1c,6,54.645
p1,hba1c,0,65.574
p1,hba1c,6,
p2,insulin,6,0
p1,insulin,6,0.49
"""


def entry(keys: str) -> str:
    return f"\n[[reported]]\n{keys}\n"


def load(folder: Path, *texts: str) -> Evidence:
    """Load files of these texts, one.toml, two.toml and so on."""
    paths = [folder / f"{name}.toml" for name in ("one", "two", "three")[: len(texts)]]
    for path, text in zip(paths, texts, strict=True):
        path.write_text(text, encoding="utf-8")
    return load_evidence(paths)


def load_own(folder: Path, rows: str = ROWS, text: str = CONTROL + OWN) -> Evidence:
    """Load a file with own data beside it."""
    (folder / "own.csv").write_text(rows, encoding="utf-8")
    return load(folder, text)
