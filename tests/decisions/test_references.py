"""Rules by posterior probabilities and reference values, and the ledger of how trials end."""

from dataclasses import replace
from itertools import pairwise, product
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats
from support.agreement import assert_agrees
from support.readings import rows_of

from phase2sim.core.arrays import Floats
from phase2sim.core.contracts import CONSIDER, GO, STOP, UNDECIDED, Estimates
from phase2sim.core.decision import AnalysisResults, Hypothesis
from phase2sim.decisions.dual_criterion import DualCriterion
from phase2sim.decisions.posterior import Posterior
from phase2sim.decisions.references import chance_beyond, with_overall
from phase2sim.operating.measures import (
    TrialSums,
    by_class,
    missed_target,
    share_ending_in_class,
    tally,
    true_given_go,
)
from phase2sim.theory.mixtures import AnalysisMixture

NAN = float("nan")
QUANTILES = {"post_q025": 0.025, "post_q50": 0.5, "post_q975": 0.975}
HIGHER, LOWER = Hypothesis("c_peptide", largest_effect=1e6), Hypothesis("hba1c", benefit_sign=-1)


def seen(
    effect: object, se: object, df: float = np.inf, *hypotheses: Hypothesis
) -> AnalysisResults:
    """Estimates (trial, analysis); p is what no rule here reads."""
    effects = np.asarray(effect, dtype=np.float64)
    effects = effects[:, None] if effects.ndim == 1 else effects
    errors = np.broadcast_to(np.asarray(se, dtype=np.float64), effects.shape)
    unread = np.full(effects.shape, NAN)
    return AnalysisResults(
        effects, errors, np.full(effects.shape, df), unread, hypotheses or (HIGHER,)
    )


def numbers(text: str) -> tuple[float, ...]:
    return tuple(float(part) for part in text.split(";"))


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(
    "row",
    [r for r in rows_of("norm_mix.csv") if r["quantity"] in QUANTILES and r["tool"] == "R 4.2.2"],
    ids=lambda row: f"{row['case_id']}-{row['quantity']}" if isinstance(row, dict) else str(row),
)
def test_a_posterior_probability_is_that_of_r(row: dict[str, str], sign: int) -> None:
    columns = [numbers(row[f"prior_{name}"]) for name in ("w", "mean", "sd")]
    robust: dict[str, Any] = {}
    if row["robust_weight"]:
        robust = {
            f"robust_{name}": float(row[f"robust_{name}"]) for name in ("weight", "mean", "sd")
        }
    prior = AnalysisMixture(*columns, **robust)
    hypothesis = Hypothesis("effect", benefit_sign=sign)
    found = seen([float(row["obs_mean"])], [float(row["obs_se"])], np.inf, hypothesis)

    chance = chance_beyond(found, [float(row["value"])], {"effect": prior})

    below = QUANTILES[row["quantity"]]
    assert chance[0, 0] == pytest.approx(1 - below if sign > 0 else below, abs=1e-8)


@pytest.mark.parametrize("df", [3.0, 57.0, np.inf])
def test_without_a_prior_the_posterior_is_the_t_distribution(df: float) -> None:
    found = seen([[0.3, -0.7], [0.1, 0.2]], [[0.2, 0.4], [0.3, 0.1]], df, HIGHER, LOWER)

    chance = chance_beyond(found, [0.05, -0.1], {})

    t = np.array([[0.25 / 0.2, 0.6 / 0.4], [0.05 / 0.3, -0.3 / 0.1]])
    assert chance == pytest.approx(stats.t.cdf(t, df), rel=1e-10)


def test_a_posterior_rule_goes_where_the_estimate_is_far_enough() -> None:
    rule = Posterior(0.9, beyond={"hba1c": -0.2})
    least = -0.2 - 0.1 * stats.t.ppf(0.9, 20)
    found = seen([least - 1e-6, least + 1e-6, NAN], 0.1, 20.0, LOWER)

    assert rule.decide(found).ravel().tolist() == [GO, STOP, UNDECIDED]
    assert rule.alone(0, LOWER) == (-0.2, pytest.approx(0.1))


@pytest.mark.parametrize(
    ("stop_when", "ends"),
    [
        ("neither", [STOP, CONSIDER, CONSIDER, GO, UNDECIDED]),
        ("target", [STOP, STOP, CONSIDER, GO, UNDECIDED]),
    ],
)
def test_two_criteria_give_three_ends(stop_when: Any, ends: list[int]) -> None:  # noqa: ANN401 - a literal
    # One standard error is 1: the reference 0 needs 1.645, the target 2 needs an estimate of 2;
    # with standard error 2 an estimate of 2.1 is enough for the target alone.
    rule = DualCriterion({"c_peptide": 0.0}, {"c_peptide": 2.0}, 0.95, stop_when=stop_when)
    found = seen([1.64, 1.65, 2.1, 2.1, NAN], [[1.0], [1.0], [2.0], [1.0], [NAN]])

    assert rule.decide(found).ravel().tolist() == ends


@pytest.mark.parametrize("together", ["all", "any"])
def test_the_verdict_on_several_counts_a_failure_only_where_it_matters(together: Any) -> None:  # noqa: ANN401 - a literal
    worse_first = [STOP, CONSIDER, GO] if together == "all" else [GO, CONSIDER, STOP]
    alone = np.array(list(product([GO, CONSIDER, STOP, UNDECIDED], repeat=3)), dtype=np.int8)

    overall = with_overall(alone, together)[:, -1]

    for verdicts, found in zip(alone.tolist(), overall.tolist(), strict=True):
        could = {
            min(filled, key=worse_first.index)
            for filled in product(*([v] if v != UNDECIDED else worse_first for v in verdicts))
        }
        assert found == (could.pop() if len(could) == 1 else UNDECIDED), verdicts


def drawn(trials: int, mean: float, sd: float, se: float) -> tuple[Floats, AnalysisResults]:
    """True effects from a normal prior, and their estimates."""
    rng = np.random.default_rng(20261125)
    true = rng.normal(mean, sd, trials)
    return true, seen(rng.normal(true, se), se)


def test_the_ledger_agrees_with_the_joint_normal_distribution() -> None:
    mean, sd, se, reference, target = 0.06, 0.06, 0.04, 0.02, 0.08
    rule = DualCriterion({"c_peptide": reference}, {"c_peptide": target}, 0.9, 0.6)
    true, found = drawn(40_000, mean, sd, se)

    verdict, classes = rule.decide(found), rule.classes(true[:, None], (HIGHER,))
    sums = _sums(verdict, classes)

    # Estimates above both limits go, below both stop; with the truth they are jointly normal.
    limits = reference + se * stats.norm.ppf(0.9), target + se * stats.norm.ppf(0.6)
    both = stats.multivariate_normal([mean, mean], [[sd**2, sd**2], [sd**2, sd**2 + se**2]])

    def below(truth: float, estimate: float) -> float:
        return float(both.cdf([truth, estimate]))

    truths, far = (-9.0, reference, target, 9.0), 9.0
    in_class = [stats.norm.cdf(b, mean, sd) - stats.norm.cdf(a, mean, sd)
                for a, b in pairwise(truths)]  # fmt: skip
    for place, (a, b) in enumerate(pairwise(truths)):
        stop = below(b, min(limits)) - below(a, min(limits))
        go = in_class[place] - below(b, max(limits)) + below(a, max(limits))
        consider = below(b, far) - below(a, far) - stop - go
        for end, exact in (("go", go), ("consider", consider), ("stop", stop)):
            assert_agrees(share_ending_in_class(sums, end, 0, place, 40_000), exact)  # type: ignore[arg-type]  # a literal
            given = share_ending_in_class(sums, end, 0, place, 40_000, conditional=True)  # type: ignore[arg-type]  # a literal
            assert_agrees(given, exact / in_class[place])
    at_target = in_class[2] - below(9.0, max(limits)) + below(target, max(limits))
    assert_agrees(missed_target(sums, 0, 40_000), 1 - at_target / in_class[2])
    go_false = in_class[0] - below(reference, max(limits)) + below(-9.0, max(limits))
    go_any = 1 - stats.norm.cdf(max(limits), mean, np.hypot(sd, se))
    assert_agrees(true_given_go(sums, 0, 40_000), 1 - go_false / go_any)


def _sums(verdict: NDArray[np.int8], classes: NDArray[np.int8]) -> TrialSums:
    """Sums of trials whose estimates nobody asks for."""
    unread = np.zeros(len(verdict))
    estimates = Estimates(unread, unread, unread, unread, np.zeros(len(verdict), np.int8))
    sums = tally((estimates,), unread[None], unread[None], verdict)
    return replace(sums, by_class=by_class(verdict, classes))


def test_failed_trials_are_counted_apart_in_every_class() -> None:
    verdict = np.array([[GO], [UNDECIDED], [STOP], [UNDECIDED]], dtype=np.int8)
    rule = Posterior(0.9, beyond={"c_peptide": 0.1})
    classes = rule.classes(np.array([[0.1], [0.0], [0.2], [NAN]]), (HIGHER,))

    sums = _sums(verdict, classes)

    # At the limit is not beyond it. The truth of the last trial is not known: it has no class.
    false_go = share_ending_in_class(sums, "go", 0, 0, 4, conditional=True)
    assert (false_go.estimate, false_go.used, false_go.failed) == (0.5, 2, 1)
    assert (false_go.low, false_go.high) == (0.5, 1.0)
    assert missed_target(sums, 0, 4).estimate == 1.0


@pytest.mark.parametrize(
    ("options", "part"),
    [
        ({"lower_reference": {"hba1c": 0.0}}, r"^lower_reference\.c_peptide is missing"),
        (
            {"target": {"hba1c": 0.4, "c_peptide": 0.1}},
            r"^target\.hba1c is 0.4; benefit lies",
        ),
        ({"target": {"hba1c": -0.4, "glucose": 0.1}}, r"^target\.glucose names no analysis"),
        ({"prior": {"insulin": AnalysisMixture((1.0,), (0.0,), (1.0,))}}, r"^prior\.insulin names"),
        ({"lower_reference_confidence": 1.0}, r"^lower_reference_confidence is 1; it must lie"),
        ({"target": {"hba1c": -40.0, "c_peptide": 0.1}}, r"^target\.hba1c is -40; on the"),
    ],
)
def test_values_that_do_not_fit_the_analyses_are_refused(
    options: dict[str, Any], part: str
) -> None:
    fitting = {
        "lower_reference": {"hba1c": -0.2, "c_peptide": 0.0},
        "target": {"hba1c": -0.4, "c_peptide": 0.1},
        "lower_reference_confidence": 0.9,
    }
    hypotheses = (Hypothesis("hba1c", 0.0, -1, largest_effect=5.0), HIGHER)

    with pytest.raises(ValueError, match=part):
        DualCriterion(**{**fitting, **options}).check(hypotheses)


def test_an_analysis_with_a_prior_of_its_own_is_refused() -> None:
    with pytest.raises(ValueError, match="'hba1c' has its own"):
        Posterior(0.95).check((Hypothesis("hba1c", has_prior=True),))


def test_without_a_standard_error_the_flat_posterior_at_the_null_effect_is_1_less_p() -> None:
    # No event of treatment, nobody responds in either arm, a failed analysis.
    effect, se = np.array([[-np.inf], [0.0], [np.nan]]), np.array([[np.inf], [0.0], [np.nan]])
    p, df = np.array([[0.5**9], [0.5], [np.nan]]), np.full((3, 1), np.inf)
    results = AnalysisResults(effect, se, df, p, (Hypothesis("events", benefit_sign=-1),))

    verdicts = Posterior(0.975).decide(results)[:, 0]
    elsewhere = Posterior(0.975, beyond={"events": -0.1}).decide(results)[:, 0]

    assert verdicts.tolist() == [GO, STOP, UNDECIDED]
    assert elsewhere.tolist() == [UNDECIDED, STOP, UNDECIDED]
