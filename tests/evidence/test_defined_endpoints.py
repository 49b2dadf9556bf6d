"""Evidence on endpoints that its file defines."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from phase2sim.core.catalogue import Catalogue
from phase2sim.core.entry_times import EntryTime
from phase2sim.core.errors import BadEvidence
from phase2sim.core.history_priors import PRIORS, EndpointPriors
from phase2sim.evidence.load import digest_of, load_evidence
from phase2sim.evidence.reported import Normal
from phase2sim.prior.models.joint import joint_model
from phase2sim.prior.models.unknowns.evidence_arrays import cells

LIKE_HBA1C = """
[endpoint.glycation]
label = "glycation"
unit = "%"
units = { "mmol/mol" = { divide_by = 10.929, add = 2.15 } }
benefit = "lower"
plausible = [3, 20]
"""
STUDY = """
[study]
name = "A"
design = "control-arm"
patients = 40
months_since_diagnosis = [0, 3]
source = "made up"
"""
NUMBERS = """
[[reported]]
endpoint = "{name}"
month = 0
mean = 75
sd = 15
unit = "mmol/mol"

[[reported]]
endpoint = "{name}"
month = 6
median = 7.4
unit = "%"

[[reported]]
endpoint = "{name}"
month = 6
count = 15
of = 38
below = 7.0
unit = "%"
"""


def history(name: str) -> str:
    """The priors of a shipped endpoint, as a table of a file."""
    priors = PRIORS[name]
    rows = [f"{key} = {value}" for key, value in vars_of(priors).items()]
    return "\n[endpoint.glycation.history]\n" + "\n".join(rows) + "\n"


def vars_of(priors: object) -> dict[str, object]:
    fields = type(priors).__dataclass_fields__  # type: ignore[attr-defined]  # a dataclass
    return {
        key: list(value) if isinstance(value := getattr(priors, key), tuple) else value
        for key in fields
    }


def written(folder: Path, text: str, name: str = "own.toml") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def log_density(path: Path) -> float:
    model = joint_model(load_evidence([path]))
    return float(model.compile_logp()(model.initial_point()))


def test_a_defined_endpoint_is_read_as_a_shipped_one(tmp_path: Path) -> None:
    own = LIKE_HBA1C + history("hba1c") + STUDY + NUMBERS.format(name="glycation")
    shipped = STUDY + NUMBERS.format(name="hba1c")

    first = load_evidence([written(tmp_path, own)])
    second = load_evidence([written(tmp_path, shipped, "shipped.toml")])

    assert [number.value for number in first.reported] == pytest.approx(
        [number.value for number in second.reported]
    )
    assert log_density(tmp_path / "own.toml") == pytest.approx(
        log_density(tmp_path / "shipped.toml"), abs=1e-9
    )


def test_the_priors_of_a_course_are_part_of_the_digest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = LIKE_HBA1C + history("hba1c") + STUDY + NUMBERS.format(name="glycation")
    evidence = load_evidence([written(tmp_path, own)])
    other: Catalogue[EndpointPriors] = Catalogue("priors of a test", {})
    other.add("glycation", replace(PRIORS["glycation"], level_scale=1.0), "a test")

    monkeypatch.setattr("phase2sim.evidence.load.PRIORS", other)

    assert digest_of(evidence) != evidence.digest


def test_clock_of_entry_needs_no_months_since_diagnosis(tmp_path: Path) -> None:
    by_entry = STUDY.replace("months_since_diagnosis = [0, 3]", 'clock = "entry"')
    text = LIKE_HBA1C + history("hba1c") + by_entry + NUMBERS.format(name="glycation")

    (arm,) = load_evidence([written(tmp_path, text)]).arms

    assert arm.months_since_diagnosis == EntryTime(0.0, 0.0)


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("", "write clock = 'entry'"),
        ('clock = "diagnosis"', "months_since_diagnosis is missing"),
        ('clock = "entry"\nmonths_since_diagnosis = [0, 3]', "does not belong beside clock"),
        ('clock = "age"', "clock"),
    ],
)
def test_a_study_says_from_when_its_months_count(tmp_path: Path, line: str, word: str) -> None:
    study = STUDY.replace("months_since_diagnosis = [0, 3]", line)
    text = study + NUMBERS.format(name="hba1c")

    with pytest.raises(BadEvidence, match="own") as caught:
        load_evidence([written(tmp_path, text)])

    assert word in str(caught.value)


def test_an_unknown_endpoint_is_refused_with_what_can_be_done(tmp_path: Path) -> None:
    text = STUDY + NUMBERS.format(name="glycatoin")

    with pytest.raises(BadEvidence, match=r"reported\[1\]\.endpoint is 'glycatoin'"):
        load_evidence([written(tmp_path, text)])


def test_numbers_outside_the_plausible_values_are_refused(tmp_path: Path) -> None:
    text = LIKE_HBA1C + history("hba1c") + STUDY + NUMBERS.format(name="glycation")

    with pytest.raises(BadEvidence, match="median is 74 %; plausible is 3 to 20"):
        load_evidence([written(tmp_path, text.replace("median = 7.4", "median = 74"))])


def test_priors_that_are_not_stated_are_wide(tmp_path: Path) -> None:
    text = LIKE_HBA1C.replace("glycation]", "marker]") + STUDY + NUMBERS.format(name="marker")

    load_evidence([written(tmp_path, text)])

    priors = PRIORS["marker"]
    assert priors.first_mean == pytest.approx((11.5, 4.25))
    assert np.exp(priors.first_log_sd[0]) == pytest.approx(17.0 / 8.0)


TWO_STUDIES = """
[[study]]
name = "A"
design = "control-arm"
patients = 30
clock = "entry"
age_years = 50
source = "made up"

[[study]]
name = "B"
design = "control-arm"
patients = 10
clock = "entry"
age_years = { normal = [70, 2] }
age_why = "made up"
source = "made up"

[[study]]
name = "C"
design = "control-arm"
patients = 200
clock = "entry"
source = "made up"
"""
OF_STUDY = (
    '[[reported]]\nstudy = "{0}"\nendpoint = "{1}"\nmonth = 0\nmean = 7\nsd = 1\nunit = "%"\n'
)


def test_curves_are_those_of_the_age_that_the_arms_have(tmp_path: Path) -> None:
    numbers = "".join(OF_STUDY.format(study, "glycation") for study in "ABC")

    evidence = load_evidence([written(tmp_path, LIKE_HBA1C + TWO_STUDIES + numbers)])

    assert evidence.reference_age == pytest.approx((30 * 50 + 10 * 70) / 40)
    assert evidence.arms[2].age_years == Normal(55.0, 0.0)
    assert cells(evidence).years.tolist() == pytest.approx([-5.0, 15.0, 0.0])


def test_curves_of_shipped_endpoints_are_those_of_children(tmp_path: Path) -> None:
    numbers = "".join(OF_STUDY.format(study, "hba1c") for study in "ABC")

    evidence = load_evidence([written(tmp_path, TWO_STUDIES + numbers)])

    assert evidence.reference_age == 12.0
    assert evidence.arms[2].age_years is None
