"""Ratios of geometric means between the arms of a randomised trial."""

import math
from pathlib import Path

import pytest
from support.evidence_text import CLASS, DIFFERENCE, RANDOMISED, load

from phase2sim.core.errors import BadEvidence
from phase2sim.evidence.reported import ReportedNumber

Z = 1.959963984540054
RATIO = """
[[reported]]
arm = "cells"
versus = "placebo"
endpoint = "ENDPOINT"
month = 6
ratio = 1.49
ci95 = [1.10, 2.02]
"""


def ratio(folder: Path, endpoint: str, more: str = "") -> ReportedNumber:
    text = RANDOMISED.replace(DIFFERENCE, RATIO.replace("ENDPOINT", endpoint) + more)
    (number,) = load(folder, text.replace(CLASS, CLASS.replace("hba1c", endpoint))).reported
    return number


def test_a_ratio_has_its_standard_error_on_the_log(tmp_path: Path) -> None:
    number = ratio(tmp_path, "c_peptide")

    assert (number.statistic, number.value, number.versus) == ("ratio", 1.49, "placebo")
    assert number.se == pytest.approx(math.log(2.02 / 1.10) / 2 / Z)
    assert number.as_reported == "1.49 (95 % CI 1.1 to 2.02) times placebo"
    assert not number.on_model_scale


@pytest.mark.parametrize(
    ("endpoint", "more"), [("glucose", ""), ("c_peptide", 'unit = "ln(nmol/L + 1)"\n')]
)
def test_a_ratio_of_logarithms_is_their_difference(
    tmp_path: Path, endpoint: str, more: str
) -> None:
    number = ratio(tmp_path, endpoint, more)

    assert (number.statistic, number.on_model_scale) == ("difference", True)
    assert number.value == pytest.approx(math.log(1.49))
    assert number.se == pytest.approx(math.log(2.02 / 1.10) / 2 / Z)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("ci95 = [1.10, 2.02]\n", "", "ci95 is missing"),
        ("[1.10, 2.02]", "[1.6, 2.02]", "must hold the ratio"),
        ("ratio = 1.49", "ratio = 49", "must hold the ratio"),
        ("[1.10, 2.02]", "[-0.2, 2.02]", "above 0"),
        ('versus = "placebo"\n', "", "versus is missing"),
        ("month = 6", 'unit = "sqrt(U/kg/day)"\nmonth = 6', "unit"),
    ],
)
def test_an_impossible_ratio_is_refused(tmp_path: Path, old: str, new: str, said: str) -> None:
    text = RATIO.replace("ENDPOINT", "insulin").replace(old, new)

    with pytest.raises(BadEvidence, match=said):
        load(
            tmp_path,
            RANDOMISED.replace(DIFFERENCE, text).replace(CLASS, CLASS.replace("hba1c", "insulin")),
        )


def test_a_ratio_of_hba1c_is_listed_only(tmp_path: Path) -> None:
    text = RANDOMISED.replace(DIFFERENCE, RATIO.replace("ENDPOINT", "hba1c")).replace(CLASS, "")

    (number,) = load(tmp_path, text).reported

    assert "depends on the unit" in number.unused
