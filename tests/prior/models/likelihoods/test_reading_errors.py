"""A number read off a figure has the reading error added to its sampling error, independently."""

from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from support.evidence_text import CONTROL, load
from support.evidence_text import entry as table
from support.known_patients import MEAN, SD, evaluated, kept, known
from support.reports import assert_mean, entry, evidence, replicas, truth

from phase2sim.core.errors import BadEvidence
from phase2sim.evidence.reported import Evidence
from phase2sim.prior.models.likelihoods.means_and_medians import joint_locations

READING, N = 0.3, 10
VISIT = 'endpoint = "hba1c"\nmonth = 6\nunit = "%"\n'


def density(of: Evidence) -> float:
    at = known(of)
    joint = joint_locations(at.tables.locations, at.layout, at.at, at.history)
    return float(evaluated(joint.density))


def test_errors_of_two_visits_are_independent_and_those_of_their_patients_are_not() -> None:
    off = np.array([0.5, -0.2])
    read = [
        entry("mean", month, MEAN["hba1c"] + d, reading_sd=READING)
        for month, d in zip((3.0, 6.0), off, strict=True)
    ]

    rho = kept(3.0, 6.0)
    sampling = SD["hba1c"] ** 2 / N * np.array([[1.0, rho], [rho, 1.0]])
    expected = stats.multivariate_normal.logpdf(off, cov=sampling + READING**2 * np.eye(2))
    assert density(evidence(*read)) == pytest.approx(expected)


def test_a_reported_standard_error_and_the_reading_error_add_up() -> None:
    read = entry("mean", 6.0, MEAN["hba1c"] + 0.5, se=0.4, reading_sd=READING)

    assert density(evidence(read)) == pytest.approx(stats.norm.logpdf(0.5, 0.0, np.hypot(0.4, 0.3)))


def test_the_error_of_a_mean_of_logarithms_is_converted(tmp_path: Path) -> None:
    keys = 'endpoint = "c_peptide"\nmonth = 6\nunit = "nmol/L"\ngeometric_mean = 0.6\n'

    (number,) = load(tmp_path, CONTROL + table(keys + "reading_sd = 0.05")).reported

    assert number.reading_sd == pytest.approx(0.05 / 1.6)  # the derivative of ln(x + 1)
    assert number.as_reported == "0.6 nmol/L read to ± 0.05"


def test_the_error_of_a_median_is_converted_where_it_is_read() -> None:
    read = entry("median", 6.0, 0.49, endpoint="insulin", reading_sd=0.07)

    locations = known(evidence(read)).tables.locations

    assert locations.value == pytest.approx([0.7])
    assert locations.reading == pytest.approx([0.07 * 0.5 / 0.7])  # the derivative of the root


def test_a_count_beside_a_median_with_an_error_is_read_on_its_own() -> None:
    count = entry("count", 6.0, 4, threshold=8.0, beyond="below")

    exact, rough = (
        known(evidence(entry("median", 6.0, 8.1, **error), count)).tables
        for error in ({}, {"reading_sd": READING})
    )

    assert (len(exact.counts_beside.entry), len(exact.counts.entry)) == (1, 0)
    assert (len(rough.counts_beside.entry), len(rough.counts.entry)) == (0, 1)


def test_replicated_means_have_the_reading_error_too() -> None:
    numbers = replicas(evidence(entry("mean", reading_sd=READING)), truth())[:, 0]

    square = (numbers - 8.0) ** 2
    assert_mean(square, 1.2**2 / N + READING**2)


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ("sd = 1.1\nreading_sd = 0.1", "does not belong"),
        ("mean = 8\nreading_sd = 0", "above 0"),
        ("mean = 8\nreading_sd = 40", "at most"),
    ],
)
def test_an_impossible_reading_error_is_refused(tmp_path: Path, keys: str, said: str) -> None:
    with pytest.raises(BadEvidence, match=said):
        load(tmp_path, CONTROL + table(VISIT + keys))


def test_files_without_reading_errors_keep_their_digest(tmp_path: Path) -> None:
    plain, read = (
        load(tmp_path, CONTROL + table(VISIT + "mean = 8\n" + more)).digest
        for more in ("", "reading_sd = 0.1")
    )

    assert plain != read
