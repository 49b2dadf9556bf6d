"""A reason for every elicited number: one text for all, or one each."""

from pathlib import Path

import pytest
from support.evidence_text import EFFECT, RANDOMISED, SINGLE, entry, load

from phase2sim.core.errors import BadEvidence
from phase2sim.evidence.elicited import elicited_inputs

VISIT = 'endpoint = "hba1c"\nmonth = 6\nunit = "%"\nmean = 8\nsd = 1\n'
TEXT = SINGLE + entry(VISIT) + EFFECT
WHY = """
[effect.hba1c.why]
half_time_months = "slow"
sceptical_sd = "doubt"
bias_sd = "care"
"""
EACH = TEXT.replace('why = "ours"\n', "") + WHY


def reasons(folder: Path, text: str) -> dict[str, str]:
    return {given.key: given.reason for given in elicited_inputs(load(folder, text))}


def test_one_text_is_the_reason_for_every_number(tmp_path: Path) -> None:
    keys = ("sceptical_sd", "bias_sd", "half_time_months")

    aged = TEXT.replace("[[reported]]", "age_years = 11\n[[reported]]", 1)

    assert reasons(tmp_path, aged) == {f"effect.hba1c.{key}": "ours" for key in keys}


def test_a_table_has_a_reason_for_each_number(tmp_path: Path) -> None:
    aged = EACH.replace("[[reported]]", "age_years = 11\n[[reported]]", 1)

    assert reasons(tmp_path, aged) == {
        "effect.hba1c.sceptical_sd": "doubt",
        "effect.hba1c.bias_sd": "care",
        "effect.hba1c.half_time_months": "slow",
    }


def test_numbers_of_a_class_have_reasons_too(tmp_path: Path) -> None:
    found = reasons(tmp_path, RANDOMISED)

    assert found["class_effect.hba1c.between_trials_sd"] == "ours"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('bias_sd = "care"\n', "", "effect.hba1c.why.bias_sd is missing"),
        ('bias_sd = "care"', 'bias_sd = ""', "effect.hba1c.why.bias_sd"),
        ('bias_sd = "care"', "bias_sd = 3", "effect.hba1c.why.bias_sd"),
        ('bias_sd = "care"', 'bias_ds = "care"', "Did you mean 'bias_sd'"),
        ('bias_sd = "care"', 'bias_sd = "care"\nweight = "x"', "effect.hba1c.why.weight"),
        ("bias_sd = 0.3\n", "bias_sd = 0.3\nshared = 0.2\n", "effect.hba1c.why.shared is missing"),
        (WHY, "\n[effect.hba1c.why]\n", "effect.hba1c.why"),
    ],
)
def test_a_number_without_its_reason_is_refused(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    assert old in EACH

    with pytest.raises(BadEvidence, match=said.replace(".", r"\.")):
        load(tmp_path, EACH.replace(old, new))


def test_reasons_do_not_change_the_digest(tmp_path: Path) -> None:
    assert load(tmp_path, TEXT).digest == load(tmp_path, EACH).digest
