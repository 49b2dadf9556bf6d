"""Counted outcomes have the probabilities of negative binomial patients, counted one by one."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache

import numpy as np
import pymc as pm
import pytensor
import pytest
from numpy.typing import NDArray
from scipy import stats
from support.known_patients import UNCOMPILED
from support.reports import arm, entry, evidence

from phase2sim.evidence.reported import Evidence, ReportedNumber
from phase2sim.prior.models.densities.pytensor_names import Tensor, function, pt
from phase2sim.prior.models.likelihoods.events import event_densities, log_terms, read_events
from phase2sim.prior.models.unknowns.settings import EVENT_PRIORS

type Floats = NDArray[np.float64]

MONTHS = 3.0
RATE, RATIO, DISPERSION = 0.15, 1.4, 0.7
MEAN = RATE * MONTHS  # events of one untreated patient
MOST = 40  # more events than ever happen at this rate, to 1e-9
SIZES = (3, 4, 7, 10)
MEASURED = entry("mean", 0.0, 11.0)  # the model does not read events alone


def happened(statistic: str, value: float, n: int = 10, **more: object) -> ReportedNumber:
    return entry(statistic, (0.0, MONTHS), value, endpoint="adverse_events", n=n, **more)


def declared(of: Evidence) -> tuple[pm.Model, tuple[Tensor, Tensor]]:
    with pm.Model() as model:
        outputs = event_densities(read_events(replace(of, reported=(*of.reported, MEASURED))))
    return model, outputs


def log_densities(
    of: Evidence, dispersion: float = DISPERSION, study: Sequence[float] = (0.0,)
) -> tuple[Floats, Floats]:
    """Log densities of counts and of rates; ``study`` is each study's log rate beyond the mean."""
    model, outputs = declared(of)
    evaluate = function(model.free_RVs, outputs, mode=UNCOMPILED, on_unused_input="ignore")
    counts, rates = evaluate(*point(model, dispersion, study))
    return np.asarray(counts), np.asarray(rates)


def point(model: pm.Model, dispersion: float, study: Sequence[float]) -> list[Floats]:
    """Give the unknowns that the rates of this file follow from."""
    centre, spread = EVENT_PRIORS.log_rate
    values = {
        "event_base_raw": np.array([(np.log(RATE) - centre) / spread]),
        "event_ratio_raw": np.array([np.log(RATIO) / EVENT_PRIORS.log_ratio_sd]),
        "event_study_sd": np.array(1.0),
        "event_study_raw": np.array(study),
        "event_dispersion": np.array([dispersion]),
    }
    return [values[variable.name] for variable in model.free_RVs]


def counted(chance_of_events: Floats, n: int) -> Floats:
    """Chances (patients with an event, total) in n patients, adding patients one by one."""
    chances = np.zeros((n + 1, MOST + 1))
    chances[0, 0] = 1.0
    for _ in range(n):
        more = chance_of_events[0] * chances
        for events in range(1, MOST + 1):
            more[1:, events:] += chance_of_events[events] * chances[:-1, : MOST + 1 - events]
        chances = more
    return chances


@cache
def modelled(dispersion: float) -> dict[int, Floats]:
    """Chances (patients with an event, total) by number of patients; every pair is an arm."""
    pairs = [
        (n, k, total)
        for n in SIZES
        for k in range(n + 1)
        for total in range(k, MOST + 1)
        if k or not total
    ]
    arms = tuple(arm(f"{n} {k} {total}") for n, k, total in pairs)
    entries = [
        happened(statistic, value, n, arm=f"{n} {k} {total}")
        for n, k, total in pairs
        for statistic, value in (("count", k), ("events", total))
    ]
    result = log_densities(evidence(*entries, arms=arms), dispersion)[0]
    chances = {n: np.zeros((n + 1, MOST + 1)) for n in SIZES}
    for (n, k, total), log_chance in zip(pairs, result, strict=True):
        chances[n][k, total] = np.exp(log_chance)
    return chances


def negative_binomial(dispersion: float) -> Floats:
    r = 1.0 / dispersion
    return np.asarray(stats.nbinom.pmf(np.arange(MOST + 1), r, r / (r + MEAN)))


@pytest.mark.parametrize("n", SIZES)
def test_patients_with_an_event_and_their_total_are_counted_together(n: int) -> None:
    chances = modelled(DISPERSION)[n]

    np.testing.assert_allclose(
        chances, counted(negative_binomial(DISPERSION), n), rtol=1e-8, atol=1e-15
    )
    assert chances.sum() == pytest.approx(1.0, abs=1e-8)


@pytest.mark.parametrize("n", SIZES)
def test_without_dispersion_patients_are_poisson(n: int) -> None:
    chances = modelled(1e-6)[n]

    poisson = np.asarray(stats.poisson.pmf(np.arange(MOST + 1), MEAN))
    likely = counted(poisson, n) > 1e-12
    np.testing.assert_allclose(chances[likely], counted(poisson, n)[likely], rtol=1e-3)


def test_patients_with_an_event_alone_are_binomial() -> None:
    arms = tuple(arm(str(k)) for k in range(11))
    entries = [happened("count", k, arm=str(k)) for k in range(11)]

    result = log_densities(evidence(*entries, arms=arms))[0]

    some = 1.0 - stats.nbinom.pmf(0, 1 / DISPERSION, 1 / (1 + DISPERSION * MEAN))
    np.testing.assert_allclose(result, stats.binom.logpmf(range(11), 10, some), rtol=1e-10)


def test_a_total_alone_is_negative_binomial() -> None:
    arms = tuple(arm(str(total)) for total in range(30))
    entries = [happened("events", total, arm=str(total)) for total in range(30)]

    result = log_densities(evidence(*entries, arms=arms))[0]

    r = 10 / DISPERSION  # the sum of ten patients' events
    expected = stats.nbinom.logpmf(range(30), r, 1 / (1 + DISPERSION * MEAN))
    np.testing.assert_allclose(result, expected, rtol=1e-10)


def test_treatment_and_study_multiply_the_rate() -> None:
    arms = (arm(), arm("cells", treated=True), arm("cells", "B", treated=True))
    entries = [
        happened("events", 9, arm=study_arm.arm, study=study_arm.study) for study_arm in arms
    ]

    result = log_densities(evidence(*entries, arms=arms), study=(0.0, 0.3))[0]

    means = 10 * MEAN * np.array([1.0, RATIO, RATIO * np.exp(0.3)])
    r = 10 / DISPERSION
    np.testing.assert_allclose(result, stats.nbinom.logpmf(9, r, r / (r + means)), rtol=1e-10)


def test_a_rate_is_normal_on_the_log() -> None:
    reported = happened("rate", 0.3, se=0.06, study="B", arm="cells")
    other = happened("rate", 0.1, se=0.05)

    result = log_densities(
        evidence(other, reported, arms=(arm(), arm("cells", "B", treated=True))), study=(0.0, 0.3)
    )[1]

    means = np.log([RATE, RATE * RATIO * np.exp(0.3)])
    errors = [0.5, 0.2]  # by the delta method: of the log, the share of the rate
    np.testing.assert_allclose(result, stats.norm.logpdf(np.log([0.1, 0.3]), means, errors))


def test_patients_alone_beside_a_total_alone_leave_a_gradient() -> None:
    arms = tuple(arm(name) for name in "abc")
    of = evidence(
        happened("count", 3, arm="a"),
        happened("events", 4, arm="b"),
        happened("count", 2, arm="c"),
        happened("events", 5, arm="c"),
        arms=arms,
    )
    model, (counts, _) = declared(of)
    total, dispersion = pt.sum(counts), model["event_dispersion"]
    evaluate = function(
        model.free_RVs,
        [total, pytensor.grad(total, dispersion)],
        mode=UNCOMPILED,
        on_unused_input="ignore",
    )

    slope = evaluate(*point(model, DISPERSION, (0.0,)))[1]

    above, below = (evaluate(*point(model, DISPERSION + h, (0.0,)))[0] for h in (1e-5, -1e-5))
    np.testing.assert_allclose(slope, (above - below) / 2e-5, rtol=1e-6)


@pytest.mark.parametrize("r", [0.3, 1.0, 4.5])
@pytest.mark.parametrize(("patients", "total"), [(1, 1), (2, 5), (3, 3), (4, 9), (0, 0)])
def test_terms_are_the_coefficients_of_the_generating_function(
    patients: int, total: int, r: float
) -> None:
    terms = log_terms(patients, total, 12)

    # ((1 - z)^-r - 1)^patients, multiplied out; the binomial series gives (1 - z)^-r
    coefficients = np.cumprod([1.0, *((r + j) / (j + 1) for j in range(total))])
    coefficients[0] = 0.0
    product = np.array([1.0])
    for _ in range(patients):
        product = np.convolve(product, coefficients)
    assert np.exp(terms) @ r ** np.arange(13) == pytest.approx(product[total], rel=1e-12)


@pytest.mark.parametrize(("patients", "total"), [(0, 3), (3, 0), (4, 2)])
def test_what_cannot_happen_has_no_terms(patients: int, total: int) -> None:
    assert np.all(np.isneginf(log_terms(patients, total, 12)))
