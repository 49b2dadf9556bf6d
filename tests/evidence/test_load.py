"""Evidence files: what is shipped, units that become the endpoint's own, what a fit reads."""

from math import log
from pathlib import Path

import pytest

from phase2sim.evidence.load import STATISTICS, load_evidence
from phase2sim.evidence.reported import Evidence, Normal, ReportedNumber

PRIORS = Path(__file__).parents[2] / "priors"
STUDY = """
[study]
name = "Small"
design = "control-arm"
patients = 40
months_since_diagnosis = [0, 3]
source = "made up"
"""


@pytest.fixture(scope="module")
def shipped() -> Evidence:
    return load_evidence([PRIORS / "gxipc1.toml", PRIORS / "t1d-natural-history.toml"])


def load(folder: Path, text: str, name: str = "small.toml") -> Evidence:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return load_evidence([path])


def only(folder: Path, keys: str) -> ReportedNumber:
    (reported,) = load(folder, f"{STUDY}\n[[reported]]\n{keys}\n").reported
    return reported


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
        if arm.design == "control-arm" and "window:" not in arm.note
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
        # PMC2845036: Table 1; mean of 76 days from diagnosis to enrolment, at most 3 months
        ("MMF/DZB", "control of MMF and DZB", 42, (2.0, 3.0), 18.8),
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
    (found,) = (one for one in shipped.arms if one.study == study)

    assert found.arm == arm
    assert (found.patients, found.months_since_diagnosis, found.age_years) == (
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


@pytest.mark.parametrize(
    ("endpoint", "unit", "mean", "sd", "own_mean", "own_sd"),
    [
        ("c_peptide", "pmol/L", 747, 468, 0.747, 0.468),
        ("c_peptide", "pmol/mL", 0.71, 0.34, 0.71, 0.34),
        ("c_peptide", "ng/mL", 2.0, 1.0, 0.6622, 0.3311),
        ("c_peptide", "nmol/L x 120 min", 72.0, 36.0, 0.6, 0.3),
        ("hba1c", "%", 7.8, 1.5, 7.8, 1.5),
        # 10.929 (7.15 - 2.15) = 54.645 and an SD of 1 % is 10.929: the offset must not enter it
        ("hba1c", "mmol/mol", 54.645, 10.929, 7.15, 1.0),
    ],
)
def test_means_and_sds_become_the_endpoints_own_unit(
    tmp_path: Path,
    endpoint: str,
    unit: str,
    mean: float,
    sd: float,
    own_mean: float,
    own_sd: float,
) -> None:
    reported = only(
        tmp_path, f'endpoint = "{endpoint}"\nmonth = 0\nmean = {mean}\nsd = {sd}\nunit = "{unit}"'
    )

    assert reported.value == pytest.approx(own_mean, rel=1e-12)
    assert reported.sd == pytest.approx(own_sd, rel=1e-12)
    assert not reported.on_model_scale


def test_model_unit_is_flagged_and_left_alone(tmp_path: Path) -> None:
    reported = only(
        tmp_path, 'endpoint = "c_peptide"\nmonth = 12\nmean = 0.411\nunit = "ln(nmol/L + 1)"'
    )

    assert (reported.value, reported.on_model_scale) == (0.411, True)


def test_interval_becomes_a_standard_error(tmp_path: Path) -> None:
    reported = only(
        tmp_path,
        'endpoint = "c_peptide"\nmonths = [0, 12]\nslope = -24.5\nci95 = [-27.1, -21.5]\n'
        'unit = "pmol/L"',
    )

    assert reported.value == pytest.approx(-0.0245)
    assert reported.se == pytest.approx((0.0271 - 0.0215) / (2 * 1.96), rel=1e-4)  # 1.95996...


def test_geometric_mean_becomes_a_mean_on_the_model_scale(tmp_path: Path) -> None:
    reported = only(
        tmp_path,
        'endpoint = "c_peptide"\nmonth = 24\ngeometric_mean = 0.27\nci95 = [0.18, 0.37]\n'
        'unit = "pmol/mL"',
    )

    assert reported.value == pytest.approx(log(1.27))
    assert reported.se == pytest.approx((log(1.37) - log(1.18)) / (2 * 1.96), rel=1e-4)
    assert reported.on_model_scale
    assert not reported.unused


def test_threshold_of_a_count_is_converted(tmp_path: Path) -> None:
    reported = only(
        tmp_path,
        'endpoint = "hba1c"\nmonth = 6\ncount = 4\nof = 12\nbelow = 54.645\nunit = "mmol/mol"',
    )

    assert reported.threshold == pytest.approx(7.15)
    assert (reported.value, reported.n, reported.beyond) == (4.0, 12, "below")


def test_elicited_change_with_one_month_counts_from_entry(tmp_path: Path) -> None:
    reported = only(
        tmp_path,
        'endpoint = "c_peptide"\nmonth = 6\nstatement = "stable"\nwhy = "ours"\n'
        "elicited = { change = { normal = [0, 0.15] } }",
    )

    assert reported.months == (0.0, 6.0)
    assert reported.status == "elicited"
    assert "stable" in reported.as_reported
    assert "elicited" in reported.as_reported


@pytest.mark.parametrize(
    ("keys", "reason"),
    [
        ('endpoint = "insulin"\nmonth = 3\nmean = 22\nunit = "IU/day"', "weight"),
        ('endpoint = "vital_signs_and_laboratory"\nstatement = "stable"', "vital signs"),
        ('endpoint = "hba1c"\nmonths = [0, 24]\nmean = 7.2\nunit = "%"', "average"),
        ('endpoint = "insulin"\nmonth = 6\ngeometric_mean = 0.4\nunit = "U/kg/day"', "geometric"),
        (
            'endpoint = "adverse_events"\nmonths = [0, 6]\nrate = 0.1\nunit = "per patient-month"',
            "a rate without",
        ),
        ('endpoint = "hba1c"\nmonths = [0, 6]\nchange = -0.1\nunit = "%"', "weighed"),
        ('endpoint = "hba1c"\nmonths = [0, 6]\nslope = -0.1\nunit = "%"', "weighed"),
        ('endpoint = "hba1c"\nmonth = 6\ngeometric_mean = 7\nunit = "%"', "geometric mean"),
        ('endpoint = "hba1c"\nmonths = [0, 6]\npercent_change = -9', "percent"),
        ('endpoint = "hba1c"\nmonth = 6\nstatement = "stable"', "words"),
        ('endpoint = "hba1c"\nmonth = 6\nmean = 7\nunit = "%"\nunused = "my reason"', "my reason"),
        ('endpoint = "c_peptide"\nmonth = 6\nmean = 4\nunit = "ng/h"\nunused = "odd"', "odd"),
        (
            'endpoint = "c_peptide"\nmonths = [0, 6]\ncorrelation = 0.8\nunit = "nmol/L"',
            "correlation is modelled on ln",
        ),
        (
            'endpoint = "c_peptide"\nmonths = [0, 6]\nresidual_sd = 0.2\nunit = "nmol/L"',
            "residual sd is modelled on ln",
        ),
    ],
)
def test_what_no_likelihood_reads_is_listed_with_the_reason(
    tmp_path: Path, keys: str, reason: str
) -> None:
    assert reason in only(tmp_path, keys).unused


@pytest.mark.parametrize(
    "keys",
    [
        'endpoint = "insulin"\nmonth = 3\nmean = 0.4\nunit = "U/kg/day"',
        'endpoint = "glucose"\nmonth = 3\nmedian = 100\nunit = "mg/dL"',
        'endpoint = "glucose"\nmonth = 3\ngeometric_mean = 7\nunit = "mmol/L"',
        'endpoint = "hba1c"\nmonth = 3\nquartiles = [7, 8]\nunit = "%"',
        'endpoint = "hba1c"\nmonth = 3\nrange = [6, 9]\nunit = "%"',
        'endpoint = "hba1c"\nmonth = 3\nsd = 1.1\nunit = "%"',
        'endpoint = "glucose"\nmonths = [0, 6]\npercent_change = -9',
        'endpoint = "adverse_events"\nmonths = [0, 6]\nevents = 8',
        'endpoint = "hba1c"\nmonth = 6\ncorrelation = 0.3\nwith_endpoint = "insulin"',
        'endpoint = "hba1c"\nmonth = 6\nmean = 7.3\nunit = "%"',
        'endpoint = "hba1c"\nmonth = 6\nmean = 7.3\nsd = 1.3\nunit = "%"',
        'endpoint = "hba1c"\nmonth = 6\nmean = 7.3\nse = 0.2\nunit = "%"',
        'endpoint = "hba1c"\nmonth = 6\nmean = 7.3\nci95 = [7.0, 7.6]\nunit = "%"',
        'endpoint = "c_peptide"\nmonth = 6\nmedian = 0.4\nunit = "nmol/L"',
        'endpoint = "c_peptide"\nmonth = 6\ngeometric_mean = 0.4\nunit = "nmol/L"',
        'endpoint = "hba1c"\nmonth = 6\ncount = 3\nof = 10\nabove = 9\nunit = "%"',
        'endpoint = "hba1c"\nmonth = 6\ncount = 3\nof = 10\nbelow_baseline = true',
        'endpoint = "hba1c"\nmonths = [0, 6]\nslope = 0.1\nse = 0.05\nunit = "%"',
        'endpoint = "hba1c"\nmonths = [0, 6]\nchange = -0.1\nsd = 1.4\nunit = "%"',
        'endpoint = "hba1c"\nmonths = [0, 6]\nchange = -0.1\nci95 = [-0.5, 0.3]\nunit = "%"',
        'endpoint = "c_peptide"\nmonths = [0, 6]\ncorrelation = 0.8',
        'endpoint = "hba1c"\nmonth = 6\ncorrelation = -0.5\nwith_endpoint = "c_peptide"',
        'endpoint = "hba1c"\nmonths = [0, 6]\nresidual_sd = 1.2\nunit = "%"',
        'endpoint = "c_peptide"\nmonths = [0, 6]\nresidual_sd = 0.2\nunit = "ln(nmol/L + 1)"',
        'endpoint = "hba1c"\nmonths = [0, 6]\nwhy = "us"\nelicited.correlation.normal = [0.6, 0.1]',
    ],
)
def test_what_a_likelihood_reads_is_not_set_aside(tmp_path: Path, keys: str) -> None:
    assert only(tmp_path, keys).unused == ""


def test_every_statistic_says_what_it_is() -> None:
    assert all(statistic.says for statistic in STATISTICS.values())


def test_study_without_patients_still_gives_a_slope(shipped: Evidence) -> None:
    slopes = [
        number for number in of_study(shipped, "Greenbaum 2012") if number.statistic == "slope"
    ]

    assert [(number.n, number.unused) for number in slopes] == [(0, ""), (0, "")]


ENTRY = '[[reported]]\nendpoint = "hba1c"\nmonth = 6\nmean = 7.3\nsd = 1.3\nunit = "%"\n'


def test_digest_ignores_comments_layout_and_key_order(tmp_path: Path) -> None:
    turned = '# a comment\n[[reported]]\nunit="%"\nsd =   1.30 # another\nmean=7.3\nmonth=6.0\n'
    turned += 'endpoint = "hba1c"\nplace = "page 3"\n'

    first = load(tmp_path, STUDY + ENTRY)
    second = load(tmp_path, turned + STUDY, "other-name.toml")

    assert first.digest == second.digest


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("mean = 7.3", "mean = 7.4"),
        ("sd = 1.3", "sd = 1.4"),
        ("month = 6", "month = 7"),
        ("patients = 40", "patients = 41"),
        ("[0, 3]", "[0, 4]"),
        ('unit = "%"', 'unit = "%"\nn = 39'),
        ('unit = "%"', 'unit = "%"\nclock = "diagnosis"'),
        ('unit = "%"', 'unit = "%"\nunused = "set aside"'),
        ("sd = 1.3", "se = 1.3"),
        ("month = 6\nmean = 7.3\nsd = 1.3", "months = [0, 6]\nresidual_sd = 1.3"),
    ],
)
def test_digest_changes_with_all_that_a_fit_reads(tmp_path: Path, old: str, new: str) -> None:
    before = load(tmp_path, STUDY + ENTRY)
    after = load(tmp_path, (STUDY + ENTRY).replace(old, new))

    assert before.digest != after.digest


def test_digest_changes_with_the_assumed_effect(tmp_path: Path) -> None:
    text = (PRIORS / "gxipc1.toml").read_text(encoding="utf-8")
    before = load(tmp_path, text)
    after = load(tmp_path, text.replace("sceptical_sd = 0.5", "sceptical_sd = 0.6"))

    assert before.digest != after.digest


def test_elicited_numbers_have_a_reason(shipped: Evidence) -> None:
    elicited = [number for number in shipped.reported if number.elicited]

    assert len(elicited) == 2
    assert all(number.why and number.status == "elicited" for number in elicited)


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
