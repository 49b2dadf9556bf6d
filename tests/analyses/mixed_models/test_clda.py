"""The constrained longitudinal analysis against nlme, and where theory says what it equals.

nlme stops near the maximum: its effects and standard errors are good to 1e-5 of a standard error or
to 1e-5 of themselves, its log-likelihood, flat there, to 1e-7.
"""

from dataclasses import replace

import numpy as np
import pytest
from support.mmrm_readings import drawn, published_trial
from support.readings import rows_of

from phase2sim.analyses.mixed_models.clda import Clda
from phase2sim.analyses.mixed_models.mmrm import Mmrm
from phase2sim.core.contracts import EMPTY_ARM, Reading

ROWS = rows_of("clda_fits.csv")
KEYS = sorted({(row["dataset"], row["method"]) for row in ROWS})


def trial_of(dataset: str) -> Reading:
    reading = published_trial(dataset)
    if dataset != "d05":
        return reading
    baseline = reading.baseline.copy()
    baseline[:, ::6] = np.nan
    return replace(reading, baseline=baseline)


def published(dataset: str, method: str, visit: str, quantity: str) -> float:
    wanted = {"dataset": dataset, "method": method, "visit": visit, "quantity": quantity}
    (row,) = [row for row in ROWS if wanted.items() <= row.items()]
    return float(row["value"])


@pytest.mark.parametrize("key", KEYS, ids="-".join)
def test_fit_is_that_of_nlme(key: tuple[str, str]) -> None:
    reading = trial_of(key[0])
    for visit, month in enumerate(reading.visits_months, start=1):
        likelihood = key[1].lower()
        analysis = Clda("hba1c", month, ("stratum",), likelihood, "satterthwaite")  # type: ignore[arg-type]  # one of two

        ours = analysis.fit(reading)

        se = ours.se[0]
        assert ours.log_likelihood[0] == pytest.approx(published(*key, "NA", "loglik"), abs=1e-7)
        assert ours.effect[0] == pytest.approx(published(*key, str(visit), "est"), abs=3e-5 * se)
        if key[1] == "REML":
            assert se == pytest.approx(published(*key, str(visit), "se"), rel=1e-5)


def test_with_every_baseline_and_ml_the_effect_is_that_given_the_baseline() -> None:
    # Liang and Zeger 2000: the baseline's own distribution says nothing of the effect.
    reading = drawn(seed=31, trials=20, patients=40, dropout=0.3)

    together = Clda("hba1c", 12.0, likelihood="ml", df="satterthwaite").fit(reading)
    given = Mmrm("hba1c", 12.0, likelihood="ml").fit(reading)

    np.testing.assert_allclose(together.effect, given.effect, atol=1e-6)


def test_two_visits_without_gaps_are_ancova_with_a_known_standard_error() -> None:
    # The residual variance times 1/n1 + 1/n0: the baselines' difference costs nothing, as it is 0.
    reading = drawn(seed=32, trials=20, patients=30, dropout=0.0)
    reading = replace(reading, value=reading.value[:, 2:], visits_months=(12.0,))

    ours = Clda("hba1c", 12.0, likelihood="ml", df="satterthwaite").fit(reading)

    for trial in range(20):
        columns = [np.ones(30), reading.arm[trial], reading.baseline[trial]]
        x, y = np.stack(columns, axis=1).astype(float), reading.value[trial, 0]
        beta, rss = np.linalg.lstsq(x, y)[:2]
        assert ours.effect[trial] == pytest.approx(beta[1], abs=1e-6)
        assert ours.se[trial] == pytest.approx(np.sqrt(rss[0] / 30 * 2 / 15), rel=1e-6)


def test_a_patient_without_baseline_counts() -> None:
    reading = drawn(seed=33, trials=20, patients=40, dropout=0.2)
    baseline = np.where(np.arange(40) % 5 == 0, np.nan, reading.baseline)

    some = replace(reading, baseline=baseline)

    given, together = Mmrm("hba1c", 12.0).fit(some), Clda("hba1c", 12.0).fit(some)
    assert (together.df > given.df).all()


def test_swapped_arms_flip_the_sign() -> None:
    reading = drawn(seed=34, trials=10, patients=40, dropout=0.2)
    analysis = Clda("hba1c", 12.0, ("age", "stratum"))

    result = analysis.estimate(reading)
    swapped = analysis.estimate(replace(reading, arm=1 - reading.arm))

    np.testing.assert_allclose(swapped.effect, -result.effect, rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(swapped.se, result.se, rtol=1e-6)


def test_kenward_roger_widens_the_standard_error() -> None:
    reading = drawn(seed=35, trials=10, patients=24, dropout=0.3)

    plain = Clda("hba1c", 12.0, df="satterthwaite").fit(reading)
    adjusted = Clda("hba1c", 12.0).fit(reading)

    assert (adjusted.se > plain.se).all()
    np.testing.assert_allclose(adjusted.effect, plain.effect, rtol=1e-11)


def test_a_baseline_of_one_arm_alone_is_a_reason() -> None:
    reading = drawn(seed=36, trials=2, patients=24, dropout=0.0)
    baseline = np.where(reading.arm == 1, np.nan, reading.baseline)

    result = Clda("hba1c", 12.0).estimate(replace(reading, baseline=baseline))

    assert (result.reason == EMPTY_ARM).all()


@pytest.mark.parametrize(
    ("options", "part"),
    [
        ({"covariates": ("baseline",)}, "a covariate is 'baseline'"),
        ({"likelihood": "pl"}, "likelihood is 'pl'"),
        ({"likelihood": "ml", "df": "kenward_roger"}, "it needs likelihood 'reml'"),
    ],
)
def test_an_option_that_does_not_fit_is_named(options: dict[str, object], part: str) -> None:
    with pytest.raises(ValueError, match=part):
        Clda("hba1c", 12.0, **options)  # type: ignore[arg-type]  # options by name
