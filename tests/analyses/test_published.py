"""The continuous analyses against R on shared data sets."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from support.analysis_parts import numbers
from support.readings import published_reading, random_reading, rows_of

from phase2sim.analyses.means.ancova import Ancova
from phase2sim.analyses.means.anhecova import Anhecova
from phase2sim.analyses.means.student_t import TTest
from phase2sim.analyses.means.welch import Welch
from phase2sim.analyses.ranks.rank_ancova import RankAncova
from phase2sim.analyses.ranks.van_elteren import VanElteren
from phase2sim.analyses.ranks.wilcoxon import Wilcoxon
from phase2sim.analyses.responders.cmh import Cmh
from phase2sim.analyses.responders.fisher import Fisher
from phase2sim.analyses.responders.logistic_standardised import LogisticStandardised
from phase2sim.analyses.responders.miettinen_nurminen import MiettinenNurminen
from phase2sim.analyses.responders.responders import Responder
from phase2sim.core.analysis import Analysis
from phase2sim.core.contracts import Reading

BOTH = ("baseline", "stratum")
BELOW = Responder(below=7.5)
ANALYSIS_OF: dict[str, Analysis] = {
    "ancova y~base+arm": Ancova("hba1c", 12.0),
    "ancova y~base+arm HC3": Ancova("hba1c", 12.0, standard_error="hc3"),
    "ancova y~base+stratum+arm": Ancova("hba1c", 12.0, BOTH),
    "ancova y~base+stratum+arm HC3": Ancova("hba1c", 12.0, BOTH, "hc3"),
    "ancova y~base+stratum+site+arm": Ancova("hba1c", 12.0, BOTH, factors=("site",)),
    "ancova y~base+stratum+site+arm HC3": Ancova("hba1c", 12.0, BOTH, "hc3", factors=("site",)),
    "anhecova y~base": Anhecova("hba1c", 12.0),
    "anhecova y~base+stratum": Anhecova("hba1c", 12.0, BOTH),
    "fisher y<7.5": Fisher("hba1c", 12.0, BELOW),
    "miettinen_nurminen RD y<7.5": MiettinenNurminen("hba1c", 12.0, BELOW),
    "chisq y<7.5 uncorrected": MiettinenNurminen(
        "hba1c", 12.0, BELOW, variance="farrington_manning"
    ),
    "cmh y<7.5 by stratum uncorrected": Cmh("hba1c", 12.0, BELOW),
    "cmh y<7.5 by stratum": Cmh("hba1c", 12.0, BELOW),
    "logistic y<7.5 base": LogisticStandardised("hba1c", 12.0, BELOW),
    "logistic y<7.5 base+stratum": LogisticStandardised("hba1c", 12.0, BELOW, covariates=BOTH),
    "welch y": Welch("hba1c", 12.0),
    "pooled t change": TTest("hba1c", 12.0, "change"),
    "wilcoxon change exact=TRUE correct=FALSE": Wilcoxon("hba1c", 12.0, "change"),
    "wilcoxon change exact=FALSE correct=TRUE": Wilcoxon(
        "hba1c", 12.0, "change", "normal_continuity"
    ),
    "wilcoxon change exact=FALSE correct=FALSE": Wilcoxon("hba1c", 12.0, "change", "normal"),
    "wilcoxon change exact": Wilcoxon("hba1c", 12.0, "change"),
    "hodges_lehmann change": Wilcoxon("hba1c", 12.0, "change"),
    "rank_ancova base": RankAncova("hba1c", 12.0),
    "rank_ancova base by stratum": RankAncova("hba1c", 12.0, BOTH),
    "van_elteren change": VanElteren("hba1c", 12.0, "change"),
}
FILES = ("analysis.csv", "analysis_more.csv")
ROWS = [row for name in FILES for row in rows_of(name) if row["method"] in ANALYSIS_OF]


def test_every_kind_of_published_row_is_compared() -> None:
    elsewhere = {"wilcoxon y tied exact"}  # test_rank_analyses
    elsewhere |= {f"{name} log rate ratio" for name in ("poisson", "negative_binomial")}

    methods = {row["method"] for name in FILES for row in rows_of(name)}

    assert methods - elsewhere == set(ANALYSIS_OF)


@pytest.mark.parametrize(
    "row", ROWS, ids=lambda row: "-".join((row["dataset"], row["method"], row["quantity"]))
)
def test_agrees_with_r(row: dict[str, str]) -> None:
    analysis = ANALYSIS_OF[row["method"]]

    if row["quantity"] == "se_ge":
        analysis = replace(analysis, standard_error="ge")

    ours = numbers(analysis, analysis.estimate(published_reading(row["dataset"])))

    # R took control minus treatment for the pooled t test.
    sign = -1.0 if (row["method"], row["quantity"]) == ("pooled t change", "t") else 1.0
    assert sign * ours[row["quantity"]] == pytest.approx(float(row["value"]), rel=digits(row))


def digits(row: dict[str, str]) -> float:
    # ratesci stops its search at 1e-7; its estimate is off by that from the quotient of counts.
    return 1e-6 if row["tool"].startswith("ratesci") else 1e-8


@pytest.mark.parametrize(
    ("endpoint", "tail"), [("hba1c", "less"), ("c_peptide", "greater")], ids=str
)
@pytest.mark.parametrize("equal_variance", [True, False], ids=["pooled", "welch"])
def test_p_is_that_of_scipy_in_the_direction_of_benefit(
    endpoint: str, tail: str, *, equal_variance: bool
) -> None:
    reading = random_reading(seed=11, trials=20, patients=23, missing=0.1)
    analysis: Analysis = (TTest if equal_variance else Welch)(endpoint, 12.0)

    p = analysis.estimate(reading).p

    for trial in range(20):
        treated, control = _arms(reading, trial)
        kind = {"equal_var": equal_variance, "alternative": tail, "nan_policy": "omit"}
        expected = stats.ttest_ind(treated, control, **kind)
        assert p[trial] == pytest.approx(expected.pvalue, rel=1e-9)


@pytest.mark.parametrize("covariates", [(), ("baseline",), ("age", "stratum", "baseline")], ids=str)
def test_effect_and_se_are_those_of_lapack(covariates: tuple[str, ...]) -> None:
    reading = random_reading(seed=12, trials=20, patients=31, missing=0.2)

    result = Ancova("hba1c", 12.0, covariates).estimate(reading)

    for trial in range(20):
        effect, se, df = _lapack(reading, covariates, trial)
        assert result.effect[trial] == pytest.approx(effect, rel=1e-9)
        assert result.se[trial] == pytest.approx(se, rel=1e-9)
        assert result.df[trial] == df


def test_anhecova_is_the_regression_with_every_covariate_by_arm() -> None:
    reading = random_reading(seed=14, trials=20, patients=40, missing=0.1)

    result = Anhecova("hba1c", 12.0, ("baseline", "age")).estimate(reading)

    for trial in range(20):
        y, arm = reading.value[trial, 1], reading.arm[trial].astype(float)
        seen = ~np.isnan(y)
        x = np.stack([reading.baseline[trial], reading.age_years[trial]], axis=1)[seen]
        x = x - x.mean(axis=0)
        by_arm = x * arm[seen, None]
        columns = np.column_stack([np.ones(seen.sum()), arm[seen], x, by_arm])
        beta = np.linalg.lstsq(columns, y[seen])[0]
        assert result.effect[trial] == pytest.approx(beta[1], rel=1e-9)
        assert result.df[trial] == seen.sum() - 6


def test_a_factor_within_another_changes_nothing() -> None:
    reading = random_reading(seed=15, trials=1, patients=40)
    copied = replace(reading, factors={"site": 5 - reading.stratum})

    plain = Ancova("hba1c", 12.0, BOTH, "hc3").estimate(reading)
    doubled = Ancova("hba1c", 12.0, BOTH, "hc3", factors=("site",)).estimate(copied)

    for field in ("effect", "se", "df", "p"):
        np.testing.assert_allclose(getattr(doubled, field), getattr(plain, field), rtol=1e-9)


def test_null_effect_moves_the_hypothesis_and_nothing_else() -> None:
    reading = random_reading(seed=13, trials=50, patients=40)

    against_zero = Ancova("hba1c", 12.0).estimate(reading)
    margin = Ancova("hba1c", 12.0, null_effect=0.3).estimate(reading)

    np.testing.assert_array_equal(against_zero.effect, margin.effect)
    t = (against_zero.effect - 0.3) / against_zero.se
    np.testing.assert_allclose(margin.p, stats.t.cdf(t, against_zero.df), rtol=1e-9)


def _arms(reading: Reading, trial: int) -> tuple[np.ndarray, np.ndarray]:
    value, arm = reading.value[trial, 1], reading.arm[trial]
    return value[arm == 1], value[arm == 0]


def _lapack(
    reading: Reading, covariates: tuple[str, ...], trial: int
) -> tuple[float, float, float]:
    columns = [np.ones(reading.arm.shape[1]), reading.arm[trial].astype(float)]
    if "baseline" in covariates:
        columns.append(reading.baseline[trial])
    if "age" in covariates:
        columns.append(reading.age_years[trial])
    if "stratum" in covariates:
        columns += [(reading.stratum[trial] == level).astype(float) for level in (1, 2)]
    y, x = reading.value[trial, 1], np.stack(columns, axis=1)
    x, y = x[~np.isnan(y)], y[~np.isnan(y)]
    beta, rss, rank, _ = np.linalg.lstsq(x, y)
    df = y.size - rank
    return beta[1], np.sqrt(rss[0] / df * np.linalg.inv(x.T @ x)[1, 1]), df
