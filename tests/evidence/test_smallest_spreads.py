"""A spread too small for patients is refused, as one too large is, in every way to report it."""

from pathlib import Path

import pytest
from scipy.stats import chi2

from phase2sim.core.endpoints import ENDPOINTS
from phase2sim.core.errors import BadEvidence
from phase2sim.evidence.load import load_evidence
from phase2sim.evidence.smallest_spreads import smallest_sd

STUDY = """
[study]
name = "S"
design = "single-arm"
patients = PATIENTS
months_since_diagnosis = [0, 4]
source = "x"

[[reported]]
endpoint = "ENDPOINT"
month = 6
NUMBERS

[effect.hba1c]
month = 6
shape = "immediate"
sceptical_sd = 0.5
bias_sd = 0.3
why = "x"

[effect.c_peptide]
month = 6
shape = "immediate"
sceptical_sd = 0.1
bias_sd = 0.1
why = "x"
"""


def read(folder: Path, endpoint: str, numbers: str, patients: int = 12) -> None:
    path = folder / "evidence.toml"
    text = STUDY.replace("ENDPOINT", endpoint).replace("NUMBERS", numbers)
    path.write_text(text.replace("PATIENTS", str(patients)), encoding="utf-8")
    load_evidence([path])


@pytest.mark.parametrize(
    ("endpoint", "numbers", "key"),
    [
        ("hba1c", 'mean = 55\nsd = 1.1\nunit = "mmol/mol"', "sd"),
        ("hba1c", 'mean = 55\nsd = 1.5\nunit = "mmol/mol"', "sd"),
        ("hba1c", 'mean = 55\nse = 0.32\nunit = "mmol/mol"', "se"),
        ("hba1c", 'mean = 55\nci95 = [54.4, 55.6]\nunit = "mmol/mol"', "ci95"),
        ("hba1c", 'quartiles = [54.3, 55.7]\nunit = "mmol/mol"', "quartiles"),
        ("hba1c", 'range = [53.2, 56.9]\nunit = "mmol/mol"', "range"),
        ("hba1c", 'sd = 1.1\nunit = "mmol/mol"', "sd"),
        ("hba1c", 'mean = 7.2\nsd = 0.1\nunit = "%"', "sd"),
        ("c_peptide", 'mean = 550\nsd = 0.25\nunit = "pmol/L"', "sd"),
        ("c_peptide", 'mean = 550\nse = 0.07\nunit = "pmol/L"', "se"),
        ("c_peptide", 'quartiles = [549.8, 550.2]\nunit = "pmol/L"', "quartiles"),
        ("c_peptide", 'mean = 0.42\nsd = 0.001\nunit = "ln(nmol/L + 1)"', "sd"),
        ("glucose", 'mean = 160\nsd = 2.5\nunit = "mg/dL"', "sd"),
        ("insulin", 'mean = 0.5\nsd = 0.005\nunit = "U/kg/day"', "sd"),
    ],
)
def test_spread_far_too_small_is_refused(
    tmp_path: Path, endpoint: str, numbers: str, key: str
) -> None:
    with pytest.raises(BadEvidence, match=rf"reported\[1\]\.{key} is .* hardly ever below"):
        read(tmp_path, endpoint, numbers)


@pytest.mark.parametrize(
    ("endpoint", "numbers", "patients"),
    [
        ("hba1c", 'mean = 55\nsd = 11\nunit = "mmol/mol"', 12),
        ("hba1c", 'mean = 7.2\nsd = 0.4\nunit = "%"', 200),
        ("hba1c", 'mean = 7.2\nsd = 0.02\nunit = "%"', 2),  # two alike are no wonder
        ("hba1c", 'range = [6.9, 7.9]\nunit = "%"', 12),
        ("c_peptide", 'mean = 0.02\nsd = 0.02\nunit = "nmol/L"', 12),  # long after diagnosis
        ("hba1c", 'mean = 55\nsd = 1.1\nunit = "mmol/mol"\nunused = "a misprint"', 12),
    ],
)
def test_spread_of_patients_is_read(
    tmp_path: Path, endpoint: str, numbers: str, patients: int
) -> None:
    read(tmp_path, endpoint, numbers, patients)


def test_limit_is_passed_by_99_of_100_samples_of_the_least_varied_patients(tmp_path: Path) -> None:
    least = smallest_sd(ENDPOINTS["hba1c"], 7.2) * (chi2.ppf(0.01, 11) / 11) ** 0.5

    read(tmp_path, "hba1c", f'mean = 7.2\nsd = {least * 1.001}\nunit = "%"')
    with pytest.raises(BadEvidence):
        read(tmp_path, "hba1c", f'mean = 7.2\nsd = {least * 0.999}\nunit = "%"')


def test_smallest_sd_of_a_logarithm_grows_with_the_mean() -> None:
    glucose, c_peptide = ENDPOINTS["glucose"], ENDPOINTS["c_peptide"]

    # d exp(m) / dm is the value, d (exp(m) - 1) / dm the value + 1.
    assert smallest_sd(glucose, 10.0) == pytest.approx(10.0 * glucose.usual_sd[0], rel=1e-6)
    assert smallest_sd(c_peptide, None) == pytest.approx(c_peptide.usual_sd[0], rel=1e-6)
