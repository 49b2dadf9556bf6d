"""Evidence files: units that become the endpoint's own, what a fit reads."""

from math import log
from pathlib import Path

import pytest

from phase2sim.evidence.load import STATISTICS, load_evidence
from phase2sim.evidence.reported import Evidence, ReportedNumber

PRIORS = Path(__file__).parents[2] / "priors"
STUDY = """
[study]
name = "Small"
design = "control-arm"
patients = 40
months_since_diagnosis = [0, 3]
source = "made up"
"""
ENTRY = '[[reported]]\nendpoint = "hba1c"\nmonth = 6\nmean = 7.3\nsd = 1.3\nunit = "%"\n'


def load(folder: Path, text: str, name: str = "small.toml") -> Evidence:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return load_evidence([path])


def only(folder: Path, keys: str) -> ReportedNumber:
    (reported,) = load(folder, f"{STUDY}\n[[reported]]\n{keys}\n").reported
    return reported


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
