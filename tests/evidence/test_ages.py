"""Mean ages of arms: printed, elicited, or the default; and how they are listed."""

from pathlib import Path

from support.evidence_text import entry, load

from phase2sim.evidence.ages import age_distribution, age_words, arms_of_unknown_age
from phase2sim.evidence.elicited import elicited_inputs
from phase2sim.evidence.reported import Normal

VISIT = 'endpoint = "hba1c"\nmonth = 6\nunit = "%"\nmean = 8\nsd = 1\n'
CONTROLS = """
[[study]]
name = "A"
design = "control-arm"
patients = 40
months_since_diagnosis = [0, 3]
source = "made up"

[[study]]
name = "B"
design = "control-arm"
patients = 40
months_since_diagnosis = [0, 3]
source = "made up"
AGES
"""
ELICITED = 'age_years = { normal = [17, 2.5] }\nage_why = "10 to 30 years"'


def controls(ages: str) -> str:
    entries = "".join(entry(f'study = "{study}"\n{VISIT}') for study in "AB")
    return CONTROLS.replace("AGES", ages) + entries


def test_an_arm_without_a_printed_age_has_the_default_distribution(tmp_path: Path) -> None:
    of = load(tmp_path, controls("age_years = 9.1"))

    assert [age_distribution(arm) for arm in of.arms] == [Normal(12.0, 3.0), Normal(9.1, 0.0)]
    assert [arm.study for arm in arms_of_unknown_age(of)] == ["A"]
    assert [given.key for given in elicited_inputs(of)] == ["mean ages"]


def test_an_elicited_age_is_listed_with_its_reason(tmp_path: Path) -> None:
    of = load(tmp_path, controls(ELICITED))

    own, default = elicited_inputs(of)
    assert (own.value, own.reason) == ("N(17, 2.5) years", "10 to 30 years")
    assert default.value == "N(12, 3) years"
    assert age_words(of.arms[1]) == "elicited mean age N(17, 2.5) years"
    assert of.arms[1].note == "elicited age: 10 to 30 years"


def test_a_reason_does_not_change_the_digest_and_an_age_does(tmp_path: Path) -> None:
    given, reason, age = (
        load(tmp_path, controls(text)).digest
        for text in (ELICITED, ELICITED.replace("30", "29"), ELICITED.replace("17", "18"))
    )

    assert given == reason != age
