"""Type I error by simulation against what theory says of each test, at three sample sizes."""

from collections.abc import Callable
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from support.agreement import assert_agrees, se_of_share

from phase2sim.analyses import ANALYSES

ALPHA, TRIALS = 0.025, 20_000
PATH = Path(__file__).parents[2] / "benchmarks" / "type_i_error.py"
SPEC = spec_from_file_location("type_i_error", PATH)
assert SPEC is not None
assert SPEC.loader is not None
NULL = module_from_spec(SPEC)
SPEC.loader.exec_module(NULL)

CASES = dict(NULL.cases())
pytestmark = pytest.mark.calibration


def share(name: str, patients: int, dropout: float = 0.0) -> tuple[float, int]:
    significant, answered = NULL.rejected(CASES[name], TRIALS, patients, dropout)
    return significant / answered, answered


@pytest.mark.parametrize("dropout", [0.0, NULL.DROPOUT])
@pytest.mark.parametrize("patients", NULL.SIZES)
@pytest.mark.parametrize(
    "name",
    ["ancova", "ancova, stratum", "anhecova", "clda", "mmrm", "qr_ancova", "t_test", "welch"],
)
def test_of_an_exact_test_is_alpha(name: str, patients: int, dropout: float) -> None:
    # The t tests are exact for normal outcomes; the others are within 4 errors of it here.
    found, answered = share(name, patients, dropout)

    assert_agrees(found, ALPHA, se_of_share(ALPHA, answered))


@pytest.mark.parametrize("dropout", [0.0, NULL.DROPOUT])
@pytest.mark.parametrize(
    "name",
    [
        "cmh",
        "conditional_mean_imputation, analytic",
        "logistic_standardised",
        "miettinen_nurminen_stratified",
        "multiple_imputation",
        "negative_binomial",
        "poisson",
        "rank_ancova",
        "rank_ancova, stratum",
        "tobit",
        "tobit, likelihood",
        "van_elteren",
    ],
)
def test_of_a_large_sample_test_is_alpha_in_a_large_sample(name: str, dropout: float) -> None:
    found, answered = share(name, 400, dropout)

    # Room for what 400 patients still leave of the approximation: 0.002.
    gap = np.sqrt(se_of_share(ALPHA, answered) ** 2 + 0.0005**2)
    assert_agrees(found, ALPHA, gap)


@pytest.mark.parametrize("patients", NULL.SIZES)
def test_of_bayes_without_a_prior_is_that_of_a_z_test_with_an_estimated_sd(patients: int) -> None:
    found, answered = share("bayes_normal", patients)

    exact = float(stats.t.sf(stats.norm.isf(ALPHA), patients - 2))
    assert_agrees(found, exact, se_of_share(exact, answered))


def rank_sum_counts(n: int) -> np.ndarray:
    """Chance of each number of pairs with the treated above, of n against n, without ties."""
    counts = [1] + [0] * n**2
    for i in range(1, n + 1):
        for k in range(n**2, n + i - 1, -1):
            counts[k] -= counts[k - n - i]
        for k in range(i, n**2 + 1):
            counts[k] += counts[k - i]
    total = sum(counts)
    return np.array([count / total for count in counts])


def normal_tail(pairs: np.ndarray, n: int, half: float) -> np.ndarray:
    return stats.norm.cdf((pairs - n**2 / 2 + half) / np.sqrt(n**2 * (2 * n + 1) / 12))


@pytest.mark.parametrize("patients", [24, 60])
@pytest.mark.parametrize(
    ("name", "tail"),
    [
        ("wilcoxon", lambda chance, _n: np.cumsum(chance)),
        ("wilcoxon, normal", lambda chance, n: normal_tail(np.arange(chance.size), n, 0.0)),
        (
            "wilcoxon, normal_continuity",
            lambda chance, n: normal_tail(np.arange(chance.size), n, 0.5),
        ),
    ],
)
def test_of_the_rank_sum_test_is_counted(
    name: str, tail: Callable[[np.ndarray, int], np.ndarray], patients: int
) -> None:
    chance = rank_sum_counts(patients // 2)
    exact = float(chance[tail(chance, patients // 2) <= ALPHA].sum())

    found, answered = share(name, patients)

    assert_agrees(found, exact, se_of_share(exact, answered))


def fisher_p(x1: int, x0: int, n: int) -> float:
    return float(stats.hypergeom.sf(x1 - 1, 2 * n, x1 + x0, n))


def pooled_p(x1: int, x0: int, n: int, factor: float) -> float:
    rate = (x1 + x0) / (2 * n)
    variance = rate * (1 - rate) * 2 / n * factor
    return float(stats.norm.sf((x1 - x0) / n / np.sqrt(variance)))


@pytest.mark.parametrize("patients", NULL.SIZES)
@pytest.mark.parametrize(
    ("name", "p"),
    [
        ("fisher", fisher_p),
        ("miettinen_nurminen", lambda x1, x0, n: pooled_p(x1, x0, n, 2 * n / (2 * n - 1))),
        ("miettinen_nurminen, farrington_manning", lambda x1, x0, n: pooled_p(x1, x0, n, 1.0)),
    ],
)
def test_of_a_test_of_two_rates_is_summed_over_tables(
    name: str, p: Callable[[int, int, int], float], patients: int
) -> None:
    # Half of the patients respond, each on their own.
    n = patients // 2
    chance = stats.binom.pmf(np.arange(n + 1), n, 0.5)
    tables = [(a, b) for a in range(n + 1) for b in range(n + 1) if 0 < a + b < 2 * n]
    exact = sum(chance[a] * chance[b] for a, b in tables if p(a, b, n) <= ALPHA)

    found, answered = share(name, patients)

    assert_agrees(found, exact, se_of_share(exact, answered))


def test_every_analysis_is_in_the_table_and_every_page() -> None:
    page = (PATH.parents[1] / "docs" / "methods" / "type-i-error.md").read_text(encoding="utf-8")

    assert set(ANALYSES) <= set(CASES)
    for name in CASES:
        assert f"| {name} |" in page
