"""Rate ratios of counted events against R, and where counts vary no more than Poisson's."""

import numpy as np
import pytest
from scipy import optimize, stats
from support.readings import rows_of

from phase2sim.analyses.events.event_rates import negative_binomial, poisson
from phase2sim.core.contracts import EMPTY_ARM, NO_VARIATION

ROWS = [row for row in rows_of("analysis.csv") if row["dataset"].startswith("c")]


def counts(dataset: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rows = rows_of(f"analysis/{dataset}.csv")
    events, months, arm = (np.array([[float(r[k]) for r in rows]]) for k in COLUMNS)
    return events.astype(np.int64), months, arm.astype(np.int8)


COLUMNS = ("events", "months", "arm")


@pytest.mark.parametrize(
    "row", ROWS, ids=lambda row: "-".join((row["dataset"], row["method"], row["quantity"]))
)
def test_agrees_with_r(row: dict[str, str]) -> None:
    data = counts(row["dataset"])
    if row["method"].startswith("poisson"):
        (effect, se, _), shape = poisson(*data), np.array([np.nan])
        # R's glm stops when the deviance is settled and takes its last step's weights: its standard
        # error is off by up to 5e-5 from the closed form sqrt(1 / x1 + 1 / x0).
        tolerance = 5e-4 if row["quantity"] == "p" else 1e-4  # p moves by z^2 times as much
    else:
        effect, se, shape, _ = negative_binomial(*data)
        tolerance = 1e-8  # MASS's own search
    p = 2 * stats.norm.sf(abs(effect[0] / se[0]))
    ours = {"est": effect[0], "se": se[0], "p": p, "theta": shape[0]}

    assert ours[row["quantity"]] == pytest.approx(float(row["value"]), rel=tolerance)


def test_poisson_is_the_closed_form() -> None:
    events, time = np.array([[3, 1, 0, 7, 2]]), np.array([[1.0, 2.0, 0.5, 3.0, 1.5]])
    arm = np.array([[0, 0, 0, 1, 1]], np.int8)

    effect, se, reason = poisson(events, time, arm)

    assert reason[0] == 0
    assert effect[0] == pytest.approx(np.log((9 / 4.5) / (4 / 3.5)), rel=1e-12)
    assert se[0] == pytest.approx(np.sqrt(1 / 9 + 1 / 4), rel=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_negative_binomial_is_at_the_top_of_its_likelihood(seed: int) -> None:
    rng = np.random.default_rng(seed)
    time, arm = rng.uniform(0.5, 6.0, (1, 80)), rng.integers(0, 2, (1, 80)).astype(np.int8)
    events = rng.poisson(time * rng.gamma(1.5, 0.5, (1, 80)))

    def unlikely(parameters: np.ndarray) -> float:
        mean = np.exp(parameters[0] + parameters[1] * arm[0]) * time[0]
        shape = np.exp(parameters[2])
        return -float(stats.nbinom.logpmf(events[0], shape, shape / (shape + mean)).sum())

    effect, _, shape, reason = negative_binomial(events, time, arm)
    best = optimize.minimize(unlikely, [0.0, 0.0, 0.0], method="BFGS", options={"gtol": 1e-8})

    assert reason[0] == 0
    assert effect[0] == pytest.approx(best.x[1], abs=1e-5)
    assert np.log(shape[0]) == pytest.approx(best.x[2], abs=1e-4)


def test_counts_that_vary_less_than_poisson_s_are_poisson_s() -> None:
    events = np.array([[1, 2, 1, 2, 3, 2, 3, 2]])
    time, arm = np.ones((1, 8)), np.array([[0, 0, 0, 0, 1, 1, 1, 1]], np.int8)

    effect, se, shape, _ = negative_binomial(events, time, arm)

    assert np.isinf(shape[0])
    assert effect[0] == pytest.approx(poisson(events, time, arm)[0][0], rel=1e-12)
    assert se[0] == pytest.approx(poisson(events, time, arm)[1][0], rel=1e-12)


@pytest.mark.parametrize("fit", [poisson, negative_binomial])
def test_says_why_there_is_no_ratio(fit: object) -> None:
    events = np.array([[1, 2, 0, 0], [1, 2, 1, 1], [2, 1, 3, 0]])
    time = np.array([[1.0, 1.0, 1.0, 1.0], [1.0, 1.0, 0.0, 0.0], [1.0, 0.0, 1.0, 2.0]])
    arm = np.tile(np.array([0, 0, 1, 1], np.int8), (3, 1))

    found = fit(events, time, arm)

    assert found[-1].tolist() == [NO_VARIATION, EMPTY_ARM, 0]
    assert np.isnan(found[0][:2]).all()
    assert np.isfinite([found[0][2], found[1][2]]).all()
