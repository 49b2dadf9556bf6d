"""Changes, differences between arms and percentages have the spread of simulated patients."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats
from support.agreement import assert_agrees
from support.known_patients import KNOTS, MEAN, SD, Known, evaluated, kept, known
from support.reports import arm, entry, evidence

from phase2sim.core.endpoints import ENDPOINTS
from phase2sim.evidence.reported import Evidence, Normal, ReportedNumber
from phase2sim.prior.models.likelihoods.changes import difference_density, ratio_density
from phase2sim.prior.models.likelihoods.spreads import change_spread_density

type Floats = NDArray[np.float64]

NAN = float("nan")
MONTHS = 6.0
RHO = float(kept(0.0, MONTHS))
N = 10
LOG_ROOT_TWO_PI = 0.5 * np.log(2 * np.pi)
DRIFT = {"hba1c": -1.1, "c_peptide": -0.12, "insulin": 0.08, "glucose": -0.25}  # in six months
YEARS, PER_YEAR = 4.0, 0.05  # an older arm


def curves(name: str, of: Evidence, shrink: float = 1.0) -> Known:
    """Patients whose mean drifts evenly over the first six months, all SDs shrunk."""
    knots = np.array([0.0, 3.0, 6.0, 12.0, 24.0, 36.0])
    mean = MEAN[name] + DRIFT[name] * np.minimum(knots, MONTHS) / MONTHS
    sd = np.full((1, KNOTS), SD[name] * shrink)
    return known(of, mean=mean[None], sd=sd, age_slope=[PER_YEAR])


def patients(name: str, samples: int, shrink: float = 1.0, n: int = N) -> tuple[Floats, Floats]:
    """Model scale values (sample, patient) at months 0 and 6."""
    rng = np.random.default_rng(20261124)
    kept, before, after = rng.standard_normal((3, samples, n))
    sd = SD[name] * shrink
    first = MEAN[name] + sd * (np.sqrt(RHO) * kept + np.sqrt(1 - RHO) * before)
    second = MEAN[name] + DRIFT[name] + sd * (np.sqrt(RHO) * kept + np.sqrt(1 - RHO) * after)
    return first, second


def raw(name: str, values: Floats) -> Floats:
    """Reported values of model scale ones, written out."""
    written = {
        "identity": lambda x: x,
        "log": np.exp,
        "log1p": np.expm1,
        "root": np.square,
    }
    return np.asarray(written[ENDPOINTS[name].scale.name](values))


def distance(of: Known, se: float, *, on_raw: bool) -> float:
    """How far the reported difference lies from the modelled one, off its normal density."""
    table = of.tables.raw_differences if on_raw else of.tables.differences
    density = float(evaluated(difference_density(table, of.at, raw=on_raw))[0])
    deficit = -np.log(se) - LOG_ROOT_TWO_PI - density
    return float(se * np.sqrt(2 * max(deficit, 0.0)))


def change(name: str, statistic: str, value: float, **more: object) -> ReportedNumber:
    return entry(statistic, (0.0, MONTHS), value, endpoint=name, **more)


@pytest.mark.parametrize("name", ENDPOINTS)
def test_a_mean_change_is_that_of_simulated_patients(name: str) -> None:
    first, second = patients(name, 20_000)
    changes = (raw(name, second) - raw(name, first)).ravel()
    error = float(changes.std() / np.sqrt(changes.size))

    of = evidence(change(name, "change", float(changes.mean()), se=error))

    assert_agrees(distance(curves(name, of), error, on_raw=name != "hba1c"), 0.0, error)


@pytest.mark.parametrize("name", ENDPOINTS)
def test_a_slope_is_the_change_a_month_on_the_model_scale(name: str) -> None:
    slope = change(name, "slope", DRIFT[name] / MONTHS + 0.03, se=0.02, on_model_scale=True)

    of = curves(name, evidence(slope))

    assert distance(of, 0.02, on_raw=False) == pytest.approx(0.03, rel=1e-6)


def test_a_change_with_an_sd_varies_as_its_patients_and_the_sd_as_their_chi_square() -> None:
    reported = change("hba1c", "change", DRIFT["hba1c"] + 0.4, sd=1.5)

    of = curves("hba1c", evidence(reported))

    sd = SD["hba1c"] * np.sqrt(2 * (1 - RHO))
    result = evaluated(difference_density(of.tables.differences, of.at, raw=False))
    assert result == pytest.approx(stats.norm.logpdf(0.4, 0.0, sd / np.sqrt(N)))
    of_sd = evaluated(change_spread_density(of.tables.change_spreads, of.at))
    square = (N - 1) * 1.5**2 / sd**2
    expected = stats.chi2.logpdf(square, N - 1) + np.log(2 * (N - 1) * 1.5 / sd**2)
    assert of_sd == pytest.approx(expected)


@pytest.mark.parametrize("name", ENDPOINTS)
def test_a_difference_between_arms_is_that_of_simulated_patients(name: str) -> None:
    _, second = patients(name, 20_000)
    others = second[::-1]  # other patients
    older = raw(name, others + YEARS * PER_YEAR) - raw(name, second)
    error = float(older.std() / np.sqrt(older.size))
    compared = entry(
        "difference",
        MONTHS,
        float(older.mean()),
        endpoint=name,
        se=error,
        arm="older",
        versus="control",
    )

    arms = (arm(age_years=12.0), arm("older", age_years=12.0 + YEARS))
    of = curves(name, evidence(compared, arms=arms))

    assert_agrees(distance(of, error, on_raw=name != "hba1c"), 0.0, error)


@pytest.mark.parametrize("on_model_scale", [True, False])
@pytest.mark.parametrize("name", ENDPOINTS)
def test_an_elicited_change_varies_by_its_own_sd_and_the_samples(
    name: str,
    on_model_scale: bool,  # noqa: FBT001  # pytest names it
) -> None:
    stated = 0.1
    first, second = patients(name, 20_000)
    if not on_model_scale:
        first, second = raw(name, first), raw(name, second)
    changes = (second - first).mean(axis=1)
    elicited = Normal(float(changes.mean()), stated)
    statement = change(
        name, "change", NAN, elicited=elicited, on_model_scale=on_model_scale, status="elicited"
    )

    of = curves(name, evidence(statement))

    on_raw = name != "hba1c" and not on_model_scale
    table = of.tables.raw_differences if on_raw else of.tables.differences
    density = float(evaluated(difference_density(table, of.at, raw=on_raw))[0])
    sd = np.exp(-density - LOG_ROOT_TWO_PI)  # at its centre, to a few parts in 20,000
    squares = (changes - changes.mean()) ** 2
    error = squares.std() / np.sqrt(squares.size)
    assert_agrees(sd**2 - stated**2, squares.mean(), error + 1e-4 * stated**2)


@pytest.mark.parametrize("name", ENDPOINTS)
def test_a_percentage_change_of_medians_varies_as_simulated(name: str) -> None:
    shrink = 0.2  # where the delta method is exact
    first, second = patients(name, 40_000, shrink)
    ratio = np.log(np.median(raw(name, second), axis=1) / np.median(raw(name, first), axis=1))
    true = raw(name, np.array([MEAN[name], MEAN[name] + DRIFT[name]]))
    percent = 100.0 * (true[1] / true[0] - 1.0)

    of = curves(name, evidence(change(name, "percent_change", float(percent))), shrink)

    sd = np.exp(-float(evaluated(ratio_density(of.tables.ratios, of.at))[0]) - LOG_ROOT_TWO_PI)
    assert_agrees(sd, ratio.std(), ratio.std() / np.sqrt(2 * ratio.size))
    assert_agrees(np.log(true[1] / true[0]), ratio.mean(), ratio.std() / np.sqrt(ratio.size))


def test_a_reported_error_in_percent_is_taken_to_the_log() -> None:
    before, after = MEAN["hba1c"], MEAN["hba1c"] + DRIFT["hba1c"]
    percent = 100.0 * (after / before - 1.0)
    reported = change("hba1c", "percent_change", percent + 2.0, se=3.0)

    of = curves("hba1c", evidence(reported))

    share = 1.0 + (percent + 2.0) / 100.0
    expected = stats.norm.logpdf(np.log(share), np.log(after / before), 0.03 / share)
    assert evaluated(ratio_density(of.tables.ratios, of.at)) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("name", ["c_peptide", "insulin"])
def test_a_ratio_between_arms_is_that_of_simulated_patients(name: str) -> None:
    samples, n = 4_000, 401
    _, younger = patients(name, samples, n=n)
    older = patients(name, samples, n=n)[0] + DRIFT[name] + YEARS * PER_YEAR  # other patients
    older_medians, medians = (np.median(raw(name, values), axis=1) for values in (older, younger))
    logs = np.log(older_medians / medians)
    error = float(logs.std())
    reported = entry(
        "ratio", MONTHS, float(np.exp(logs.mean())), endpoint=name, se=error / np.sqrt(samples),
        arm="older", versus="control",
    )  # fmt: skip

    arms = (arm(age_years=12.0), arm("older", age_years=12.0 + YEARS))
    of = curves(name, evidence(reported, arms=arms))

    (density,) = evaluated(ratio_density(of.tables.ratios, of.at))
    off = -np.log(error / np.sqrt(samples)) - LOG_ROOT_TWO_PI - density  # half the squared z
    assert_agrees(float(np.sqrt(2 * max(off, 0.0))), 0.0, 1.0)
