"""Individual patients enter by their exact density, and agree with their own summaries."""

from typing import NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats
from support.known_patients import MEAN, SD, evaluated, kept, known
from support.reports import arm, entry, evidence

from phase2sim.evidence.reported import Evidence, IndividualData
from phase2sim.prior.draws import PriorDraws
from phase2sim.prior.models.fit import sample_posterior
from phase2sim.prior.models.likelihoods.individual_data import individual_density
from phase2sim.prior.models.unknowns.settings import Sampler

type Floats = NDArray[np.float64]

CROSS = -0.4
COLUMNS = (("c_peptide", 6.0), ("hba1c", 0.0), ("hba1c", 6.0))
VISITS = (("hba1c", 0.0), ("hba1c", 6.0))
PATIENTS = 40
SHORT = Sampler(tune=500, draws=1000)


class Both(NamedTuple):
    """The same patients, fitted one by one and from their summaries."""

    own: PriorDraws
    summaries: PriorDraws


def individuals(value: Floats, columns: tuple[tuple[str, float], ...] = COLUMNS) -> IndividualData:
    return IndividualData("own.csv", 1, "A", "control", columns, value, "made up")


def truth(columns: tuple[tuple[str, float], ...]) -> tuple[Floats, Floats]:
    """Mean and covariance of a patient: a deviation that stays and one that fades."""
    names, months = zip(*columns, strict=True)
    alone = kept(np.array(months)[:, None], months)
    alike = np.where(np.equal.outer(names, names), 1.0, CROSS)
    sd = np.array([SD[name] for name in names])
    covariance = np.outer(sd, sd) * alike * alone
    return np.array([MEAN[name] for name in names]), covariance


def log_density(value: Floats) -> float:
    patients = known(
        evidence(individuals=(individuals(value),)), driver=[[1.0, CROSS], [CROSS, 1.0]]
    )
    of = evidence(individuals=(individuals(value),))
    return float(evaluated(individual_density(of, patients.layout, patients.at)))


def test_patients_have_the_normal_density_of_what_was_seen_of_them() -> None:
    mean, covariance = truth(COLUMNS)
    rng = np.random.default_rng(11)
    value = rng.multivariate_normal(mean, covariance, 30)
    value[rng.random(value.shape) < 0.4] = np.nan
    value[0] = np.nan  # nothing seen of the first patient

    result = log_density(value)

    expected = 0.0
    for patient in value:
        seen = ~np.isnan(patient)
        if seen.any():
            normal = stats.multivariate_normal(mean[seen], covariance[np.ix_(seen, seen)])
            expected += float(normal.logpdf(patient[seen]))
    assert result == pytest.approx(expected, rel=1e-10)
    assert len(np.unique(np.isnan(value), axis=0)) > 5  # every pattern was there


def test_one_patient_has_a_density() -> None:
    mean, covariance = truth(COLUMNS)
    value = mean + np.array([0.1, -1.0, 0.4])

    result = log_density(value[None])

    assert result == pytest.approx(stats.multivariate_normal(mean, covariance).logpdf(value))


def patients() -> Floats:
    mean, covariance = truth(VISITS)
    drift = [3.0, 0.0]  # high at diagnosis
    return np.random.default_rng(12).multivariate_normal(mean + drift, covariance, PATIENTS)


def summaries(value: Floats) -> Evidence:
    """Means and SDs at both visits, and their correlation."""
    numbers = [
        entry("mean", month, float(column.mean()), sd=float(column.std(ddof=1)), n=PATIENTS)
        for (_, month), column in zip(VISITS, value.T, strict=True)
    ]
    together = float(np.corrcoef(value.T)[0, 1])
    return evidence(*numbers, entry("correlation", (0.0, 6.0), together, n=PATIENTS))


@pytest.fixture(scope="session")
def both_fits() -> Both:
    value = patients()
    own = evidence(individuals=(individuals(value, VISITS),), arms=(arm(patients=PATIENTS),))
    return Both(
        sample_posterior(own, 3, lambda _line: None, SHORT),
        sample_posterior(summaries(value), 3, lambda _line: None, SHORT),
    )


def error_of_mean(draws: PriorDraws, values: Floats) -> float:
    size = draws.provenance["diagnostics"]["ess_bulk"]  # type: ignore[index]  # of the worst one
    return float(values.std() / np.sqrt(min(size, values.size)))


@pytest.mark.parametrize("knot", [0, 2], ids=["month 0", "month 6"])
def test_patients_and_their_summaries_tell_the_same_history(both_fits: Both, knot: int) -> None:
    own, told = (draws.history[:, 0, knot] for draws in both_fits)

    # Of a normal sample, means, SDs and correlation are all there is to know. What differs is that
    # the SDs and the correlation are read as independent of each other, and the correlation by
    # Fisher's approximation: that hardly moves a mean, and a tenth of its posterior SD bounds it.
    error = np.hypot(error_of_mean(both_fits.own, own), error_of_mean(both_fits.summaries, told))
    assert abs(own.mean() - told.mean()) < 4 * error + 0.1 * own.std()
    assert told.std() == pytest.approx(own.std(), rel=0.15)


def test_patients_and_their_summaries_tell_the_same_spread(both_fits: Both) -> None:
    own, told = (draws.sd[:, 0, 0] for draws in both_fits)

    error = np.hypot(error_of_mean(both_fits.own, own), error_of_mean(both_fits.summaries, told))
    # The visits' SDs, read as independent, say a little more than they know: a third of an SD.
    assert abs(own.mean() - told.mean()) < 4 * error + own.std() / 3
