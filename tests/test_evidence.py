"""Evidence files: what is shipped, units that become the endpoint's own, what a fit reads."""

import re
from math import log
from pathlib import Path

import pytest

from phase2sim.errors import BadEvidence
from phase2sim.evidence import STATISTICS, find_evidence, load_evidence
from phase2sim.knowledge import Evidence, Normal, Reported

PRIORS = Path(__file__).parents[1] / "priors"
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


def only(folder: Path, keys: str) -> Reported:
    (reported,) = load(folder, f"{STUDY}\n[[reported]]\n{keys}\n").reported
    return reported


def of_study(evidence: Evidence, study: str) -> list[Reported]:
    return [one for one in evidence.reported if one.study == study]


def test_shipped_natural_history_has_eight_or_more_control_studies(shipped: Evidence) -> None:
    controls = {arm.study for arm in shipped.arms if arm.design == "control-arm"}

    read = {one.study for one in shipped.reported if not one.unused and not one.elicited}
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
        one.months: one.value
        for one in shipped.reported
        if one.endpoint == "hba1c" and one.clock == "diagnosis" and one.n > 100
    }

    # PMC3844085, PMC7001422 and PMC5397378
    assert course == {
        (0.0,): 11.4,
        (3.0,): 7.2,
        (6.0,): 7.3,
        (12.0,): 7.8,
        (18.0,): 8.2,
        (36.0,): 8.4,
    }


def test_phase_1_counts_and_medians_are_read(shipped: Evidence) -> None:
    read = {
        (one.endpoint, one.months, one.statistic, one.beyond): one
        for one in of_study(shipped, "GXIPC1 phase 1")
        if not one.unused
    }

    assert read["hba1c", (3.0,), "median", ""].value == 7.41
    assert read["hba1c", (6.0,), "median", ""].value == 8.27
    below = read["hba1c", (6.0,), "count", "below"]
    assert (below.value, below.n, below.threshold) == (2.0, 10, 7.5)
    own = read["hba1c", (6.0,), "count", "below_baseline"]
    assert (own.value, own.n) == (3.0, 10)
    stable = read["c_peptide", (0.0, 6.0), "change", ""]
    assert (stable.elicited, stable.status) == (Normal(0.0, 0.15), "elicited")
    assert stable.on_model_scale
    assert len(read) == 5


def test_phase_1_insulin_is_unused_because_no_weight_is_reported(shipped: Evidence) -> None:
    insulin = [
        one
        for one in of_study(shipped, "GXIPC1 phase 1")
        if one.endpoint == "insulin" and one.statistic == "median"
    ]

    assert [one.value for one in insulin] == [22.5, 12.5]
    assert all("weight" in one.unused for one in insulin)


def test_phase_1_effects_are_sceptical_and_elicited(shipped: Evidence) -> None:
    hba1c, c_peptide = shipped.effects["hba1c"], shipped.effects["c_peptide"]

    assert (hba1c.month, hba1c.sceptical_sd, hba1c.bias_sd) == (6.0, 0.5, 0.3)
    assert (c_peptide.month, c_peptide.sceptical_sd, c_peptide.bias_sd) == (12.0, 0.1, 0.05)
    assert hba1c.shape_options == {"half_time_months": 1.5}
    assert c_peptide.shape_options == {"half_time_months": 3.0}
    assert hba1c.why.startswith("elicited")


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
def test_means_and_sds_become_the_endpoints_own_unit(  # noqa: PLR0913
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
        ('endpoint = "insulin"\nmonth = 3\nmean = 0.4\nunit = "U/kg/day"', "insulin is not"),
        ('endpoint = "glucose"\nmonth = 3\nmedian = 100\nunit = "mg/dL"', "glucose is not"),
        ('endpoint = "insulin"\nmonth = 3\nmean = 22\nunit = "IU/day"', "weight"),
        ('endpoint = "adverse_events"\nmonths = [0, 6]\nevents = 8', "adverse events"),
        ('endpoint = "hba1c"\nmonth = 3\nquartiles = [7, 8]\nunit = "%"', "quartiles"),
        ('endpoint = "hba1c"\nmonth = 3\nrange = [6, 9]\nunit = "%"', "ranges"),
        ('endpoint = "hba1c"\nmonth = 3\nsd = 1.1\nunit = "%"', "without its mean"),
        ('endpoint = "hba1c"\nmonths = [0, 24]\nmean = 7.2\nunit = "%"', "averages"),
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
        (
            'endpoint = "hba1c"\nmonth = 6\ncorrelation = 0.3\nwith_endpoint = "insulin"',
            "insulin is not",
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
    slopes = [one for one in of_study(shipped, "Greenbaum 2012") if one.statistic == "slope"]

    assert [(one.n, one.unused) for one in slopes] == [(0, ""), (0, "")]


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


def test_name_is_found_in_the_priors_beside_the_scenarios(tmp_path: Path) -> None:
    scenario = tmp_path / "scenarios" / "mine.toml"
    wanted = tmp_path / "priors" / "mine.toml"
    wanted.parent.mkdir()
    wanted.touch()

    assert find_evidence("mine", scenario) == wanted


def test_name_is_found_in_the_scenarios_own_folder(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").touch()

    assert find_evidence("mine", tmp_path / "scenario.toml") == tmp_path / "mine.toml"


def test_name_is_found_below_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "priors").mkdir()
    (tmp_path / "priors" / "mine.toml").touch()
    monkeypatch.chdir(tmp_path)

    assert find_evidence("mine", None) == Path("priors/mine.toml")


def test_path_is_used_as_it_is_or_from_the_scenarios_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "there").mkdir()
    (tmp_path / "here" / "a.toml").touch()
    (tmp_path / "there" / "b.toml").touch()
    monkeypatch.chdir(tmp_path / "here")

    assert find_evidence("a.toml", None) == Path("a.toml")
    beside = tmp_path / "there" / "scenario.toml"
    assert find_evidence("b.toml", beside) == tmp_path / "there" / "b.toml"


def test_missing_name_says_where_it_looked_and_what_there_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "priors").mkdir()
    (tmp_path / "priors" / "gxipc1.toml").touch()
    (tmp_path / "priors" / "zzz.toml").touch()

    with pytest.raises(BadEvidence, match="priors") as near:
        find_evidence("gxipc", tmp_path / "scenarios" / "mine.toml")
    with pytest.raises(BadEvidence, match="There are: gxipc1, zzz") as far:
        find_evidence("q", tmp_path / "scenarios" / "mine.toml")

    assert "Did you mean 'gxipc1'?" in str(near.value)
    assert "zzz" in str(near.value)
    assert "'q' was not found" in str(far.value)


def test_missing_path_says_where_it_looked(tmp_path: Path) -> None:
    with pytest.raises(BadEvidence, match=r"lost\.toml"):
        find_evidence("lost.toml", tmp_path / "scenario.toml")


def test_elicited_numbers_have_a_reason(shipped: Evidence) -> None:
    elicited = [one for one in shipped.reported if one.elicited]

    assert len(elicited) == 3
    assert all(one.why and one.status == "elicited" for one in elicited)


def test_examples_of_the_guide_are_a_sound_file(tmp_path: Path) -> None:
    guide = PRIORS.parent / "docs" / "guide" / "evidence.md"
    blocks = re.findall(r"```toml\n(.*?)```", guide.read_text(encoding="utf-8"), re.DOTALL)
    c_peptide = blocks[-1].replace("effect.hba1c", "effect.c_peptide")

    evidence = load(tmp_path, "\n".join([*blocks, c_peptide]))

    assert len(evidence.reported) == 6
    assert set(evidence.effects) == {"hba1c", "c_peptide"}
