"""Evidence files that are shipped: what their sources say, and what the fit reads of them."""

import re
from pathlib import Path

import pytest

from phase2sim.evidence.elicited import NO_REASON, elicited_inputs
from phase2sim.evidence.load import load_evidence
from phase2sim.evidence.reported import Evidence, Normal, ReportedNumber

PRIORS = Path(__file__).parents[2] / "priors"


@pytest.fixture(scope="module")
def shipped() -> Evidence:
    return load_evidence([PRIORS / "gxipc1.toml", PRIORS / "t1d-natural-history.toml"])


def load(folder: Path, text: str, name: str = "small.toml") -> Evidence:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return load_evidence([path])


def of_study(evidence: Evidence, study: str) -> list[ReportedNumber]:
    return [number for number in evidence.reported if number.study == study]


def test_shipped_natural_history_has_eight_or_more_control_studies(shipped: Evidence) -> None:
    controls = {arm.study for arm in shipped.arms if arm.design == "control-arm"}

    read = {
        number.study for number in shipped.reported if not number.unused and not number.elicited
    }
    assert len(controls & read) >= 8


def test_every_window_of_the_shipped_control_arms_is_explained(shipped: Evidence) -> None:
    unexplained = [
        arm.study
        for arm in shipped.arms
        if arm.design == "control-arm"
        and not re.search(r"\b(window|entry|entry and age):", arm.note)
    ]

    assert unexplained == []


def test_children_followed_from_diagnosis_have_the_published_hba1c(shipped: Evidence) -> None:
    course = {
        (number.study, *number.months): number.value
        for number in shipped.reported
        if number.endpoint == "hba1c" and number.clock == "diagnosis" and not number.unused
    }

    # PMC3844085, PMC5397378; PMC7001422, Diabetes 68(S1):1358-P
    pdc = {0.0: 11.4, 3.0: 7.2, 6.0: 7.3, 12.0: 7.8, 36.0: 8.4}
    stanford = {5.0: 7.0, 12.0: 8.0, 18.0: 8.2}
    assert {month: course["PDC NeOn", month] for month in pdc} == pdc
    assert {month: course["Stanford", month] for month in stanford} == stanford


def test_phase_1_counts_and_medians_are_read(shipped: Evidence) -> None:
    read = {
        (number.endpoint, number.months, number.statistic, number.beyond): number
        for number in of_study(shipped, "GXIPC1 phase 1")
        if not number.unused
    }

    assert read["hba1c", (3.0,), "median", ""].value == 7.41
    assert read["hba1c", (6.0,), "median", ""].value == 8.27
    below = read["hba1c", (6.0,), "count", "below"]
    assert (below.value, below.n, below.threshold) == (2.0, 10, 7.5)
    below_baseline = read["hba1c", (6.0,), "count", "below_baseline"]
    assert (below_baseline.value, below_baseline.n) == (3.0, 10)
    assert read["glucose", (0.0,), "median", ""].value == 15.3
    assert read["glucose", (1.0,), "median", ""].value == 5.8
    without = read["insulin", (6.0,), "count", "below"]
    assert (without.value, without.n, without.threshold) == (1.0, 10, 0.0)
    assert "month 6" in without.note
    with_event = read["adverse_events", (0.0, 6.0), "count", ""]
    assert (with_event.value, with_event.n) == (6.0, 10)
    assert read["adverse_events", (0.0, 6.0), "events", ""].value == 8.0
    # No number of C-peptide and none of serious events of every cause is printed.
    assert {endpoint for endpoint, *_ in read} == {"hba1c", "glucose", "insulin", "adverse_events"}
    assert len(read) == 11


def test_words_without_a_number_are_treated_alike(shipped: Evidence) -> None:
    stable = {
        number.endpoint: number
        for number in of_study(shipped, "GXIPC1 phase 1")
        if "remained stable" in number.as_reported and number.endpoint in {"hba1c", "c_peptide"}
    }

    assert set(stable) == {"hba1c", "c_peptide"}
    assert all(number.unused.startswith("words without") for number in stable.values())
    assert not any(number.elicited for number in stable.values())


def test_no_shipped_arm_or_number_is_entered_twice(shipped: Evidence) -> None:
    arms = [(arm.study, arm.arm) for arm in shipped.arms]
    numbers = [
        (n.study, n.arm, n.endpoint, n.clock, n.months, n.statistic, n.beyond, n.as_reported)
        for n in shipped.reported
    ]

    assert len(set(arms)) == len(arms)
    assert len(set(numbers)) == len(numbers)


@pytest.mark.parametrize(
    ("study", "arm", "patients", "window", "age"),
    [
        # PMC2845036: Table 1; at most 3 months
        ("MMF/DZB", "control of MMF and DZB", 42, (0.0, 3.0), 18.8),
        # PMC2699714: 1.7 to 5.7 weeks; Table 1
        ("Etanercept pilot", "placebo", 8, (0.4, 1.3), 12.4),
        # PMC2928344: 12 of the placebo arm completed; within 12 weeks; median age
        ("Calcitriol", "placebo", 12, (0.0, 2.8), 18.0),
    ],
)
def test_control_arms_are_as_their_full_texts_say(
    shipped: Evidence,
    study: str,
    arm: str,
    patients: int,
    window: tuple[float, float],
    age: float,
) -> None:
    (found,) = (one for one in shipped.arms if (one.study, one.arm) == (study, arm))

    assert (found.patients, found.months_since_diagnosis[:2], found.age_years) == (
        patients,
        window,
        age,
    )


def test_phase_1_insulin_rests_on_an_elicited_weight(shipped: Evidence) -> None:
    insulin = [
        number
        for number in of_study(shipped, "GXIPC1 phase 1")
        if number.endpoint == "insulin" and number.statistic == "median"
    ]

    (arm,) = (arm for arm in shipped.arms if arm.study == "GXIPC1 phase 1")
    assert arm.weight_kg == Normal(35.0, 10.0)
    assert [number.value for number in insulin] == pytest.approx([22.5 / 35, 12.5 / 35])
    assert all(number.by_weight and number.unit == "U/kg/day" for number in insulin)
    assert all("elicited weight" in number.as_reported for number in insulin)
    assert "elicited weight" in arm.note


def test_phase_1_effects_are_sceptical_and_elicited(shipped: Evidence) -> None:
    hba1c, c_peptide = shipped.effects["hba1c"], shipped.effects["c_peptide"]

    assert (hba1c.month, hba1c.sceptical_sd, hba1c.bias_sd) == (6.0, 0.5, 0.3)
    assert (c_peptide.month, c_peptide.sceptical_sd, c_peptide.bias_sd) == (12.0, 0.1, 0.05)
    assert hba1c.shape_options == {"half_time_months": 1.5}
    assert c_peptide.shape_options == {"half_time_months": 3.0}
    assert set(hba1c.reasons) == {"half_time_months", "sceptical_sd", "bias_sd", "shared"}


def test_slopes_of_patients_who_are_read_elsewhere_are_set_aside(shipped: Evidence) -> None:
    slopes = [
        number for number in of_study(shipped, "Greenbaum 2012") if number.statistic == "slope"
    ]

    assert [number.n for number in slopes] == [0, 0]
    assert all(number.unused.startswith("the same patients in part") for number in slopes)


def test_study_without_patients_still_gives_a_slope(tmp_path: Path) -> None:
    text = (PRIORS / "t1d-natural-history.toml").read_text(encoding="utf-8")
    read = load(tmp_path, re.sub(r'unused = "the same patients in part.*\n', "", text))

    slopes = [number for number in of_study(read, "Greenbaum 2012") if number.statistic == "slope"]
    assert [(number.n, number.unused) for number in slopes] == [(0, ""), (0, "")]


@pytest.mark.parametrize(
    ("study", "endpoint", "statistic", "why"),
    [
        ("MELD-ATG", "hba1c", "residual_sd", "in none of the texts seen"),
        ("PROTECT", "c_peptide", "residual_sd", "4-hour meal test"),
        ("PROTECT", "c_peptide", "change", "4-hour meal test"),
    ],
)
def test_numbers_that_no_text_or_another_test_gives_are_set_aside(
    shipped: Evidence, study: str, endpoint: str, statistic: str, why: str
) -> None:
    found = [
        number
        for number in of_study(shipped, study)
        if (number.endpoint, number.statistic) == (endpoint, statistic)
    ]

    assert found
    assert all(why in number.unused for number in found)


def test_digest_changes_with_the_assumed_effect(tmp_path: Path) -> None:
    text = (PRIORS / "gxipc1.toml").read_text(encoding="utf-8")
    before = load(tmp_path, text)
    after = load(tmp_path, text.replace("sceptical_sd = 0.5", "sceptical_sd = 0.6"))

    assert before.digest != after.digest


@pytest.mark.parametrize(
    "names",
    [
        ("t1d-natural-history",),
        ("gxipc1", "t1d-natural-history"),
        ("msc-randomised", "t1d-natural-history"),
        ("enthusiastic", "gxipc1", "t1d-natural-history"),
    ],
)
def test_elicited_inputs_have_a_reason(names: tuple[str, ...]) -> None:
    evidence = load_evidence([PRIORS / f"{name}.toml" for name in names])

    inputs = elicited_inputs(evidence)
    assert inputs
    assert all(given.reason.strip() not in {"", NO_REASON} for given in inputs)


def test_no_shipped_reported_number_is_elicited() -> None:
    """What 0.6 and -0.5 were elicited for is computed: the correlations of the five arms."""
    evidence = load_evidence(
        [PRIORS / f"{name}.toml" for name in ("gxipc1", "t1d-natural-history", "msc-randomised")]
    )

    marked = [n.where for n in evidence.reported if n.elicited or n.status == "elicited"]
    assert marked == []


def test_shipped_trials_of_the_class_have_both_arms_read() -> None:
    evidence = load_evidence([PRIORS / "msc-randomised.toml"])

    treated = {(arm.study, arm.arm): arm.treated for arm in evidence.arms}
    read = {
        (number.study, number.endpoint, treated[number.study, number.arm])
        for number in evidence.reported
        if not number.unused
    }
    of_class = {("ASC and vitamin D", "insulin"), ("ASC and vitamin D", "hba1c")}
    of_class |= {("ProTrans-2", "c_peptide")}
    assert read == {(*number, arm) for number in of_class for arm in (True, False)}
    assert set(evidence.classes) == {"insulin", "hba1c", "c_peptide"}


def test_protrans_2_is_a_mean_of_the_meal_test() -> None:
    evidence = load_evidence([PRIORS / "msc-randomised.toml"])

    values = {
        (number.arm, number.months): number.value
        for number in evidence.reported
        if number.study == "ProTrans-2" and not number.unused
    }
    # 96, 85, 48 and 30 nmol/L x 120 min over 120 minutes
    assert values == pytest.approx(
        {
            ("ProTrans", (0.0,)): 0.8,
            ("ProTrans", (12.0,)): 85 / 120,
            ("placebo", (0.0,)): 0.4,
            ("placebo", (12.0,)): 0.25,
        }
    )


def test_shipped_enthusiast_takes_the_place_of_the_sceptic() -> None:
    names = ("enthusiastic", "gxipc1", "t1d-natural-history")
    effects = load_evidence([PRIORS / f"{name}.toml" for name in names]).effects

    assert {name: number.before for name, number in effects.items()} == {
        "hba1c": Normal(-0.5, 0.4),
        "c_peptide": Normal(0.10, 0.08),
        "insulin": Normal(-0.10, 0.08),
        "glucose": Normal(-0.10, 0.12),
    }
    assert {number.shared for number in effects.values()} == {0.0}
