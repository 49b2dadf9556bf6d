"""Who enrols: ages, sites, eligibility by redrawing, strata, and effects that differ by patient."""

import numpy as np
import pytest
from scipy import stats
from support.agreement import assert_agrees
from support.small_trials import Table, assembled, design, one_endpoint, two_endpoints

from phase2sim.core.contracts import Trials
from phase2sim.core.errors import BadScenario
from phase2sim.trial.engine import draw_trials

PATIENTS = 100_000
SD, MEAN = 0.3, 0.5  # of C-peptide in one_endpoint


def _drawn(table: Table, trials: int = 1, source: int = 0) -> Trials:
    ready = assembled(table)
    return draw_trials(ready.study, ready.sources[source].truth(0, trials), 0, trials)


def _large(**changes: object) -> Table:
    return one_endpoint(design=design(PATIENTS, [0, 12]), **changes)


def test_a_normal_age_is_cut_to_its_range() -> None:
    population = {"age_years": [5.0, 17.0], "age_mean": 9.0, "age_sd": 3.0}

    age = _drawn(_large(population=population)).age_years[0]

    exact = stats.truncnorm(-4 / 3, 8 / 3, loc=9.0, scale=3.0)
    assert age.min() >= 5.0
    assert age.max() <= 17.0
    assert_agrees(age.mean(), exact.mean(), exact.std() / np.sqrt(PATIENTS))
    assert stats.kstest(age, exact.cdf).pvalue > 1e-4


def test_what_a_normal_age_explains_is_part_of_the_stated_sd() -> None:
    population = {
        "age_years": [5.0, 17.0],
        "age_mean": 9.0,
        "age_sd": 3.0,
        "per_year_of_age": {"c_peptide": 0.05},
    }

    value = _drawn(_large(population=population), source=1).value[0, 0]

    assert_agrees(value.mean(axis=1), MEAN, SD / np.sqrt(PATIENTS))
    assert_agrees(value.std(axis=1), SD, SD / np.sqrt(2 * PATIENTS))


LIMITS = {"c_peptide": {"at_least": 0.5, "at_most": 1.5}}  # nmol/L


def test_everybody_who_enrols_is_eligible_and_follows_the_cut_distribution() -> None:
    value = _drawn(_large(population={"eligible": LIMITS}), source=1).value[0, 0]

    low, high = np.log1p(0.5), np.log1p(1.5)
    a, b = (low - MEAN) / SD, (high - MEAN) / SD
    exact = stats.truncnorm(a, b, loc=MEAN, scale=SD)
    assert value[0].min() >= low - 1e-12
    assert value[0].max() <= high + 1e-12
    assert stats.kstest(value[0], exact.cdf).pvalue > 1e-4
    # Month 12 given baseline is as in everybody: regression with slope 0.7, whatever the cut.
    later = MEAN + 0.7 * (exact.mean() - MEAN)
    assert_agrees(value[1].mean(), later, SD / np.sqrt(PATIENTS))
    slope = stats.linregress(value[0], value[1])
    assert_agrees(slope.slope, 0.7, slope.stderr)


def test_eligibility_leaves_those_who_were_eligible_as_they_were() -> None:
    everybody, eligible = (
        _drawn(one_endpoint(population=population), trials=20)
        for population in ({}, {"eligible": LIMITS})
    )

    inside = (everybody.value[:, 0, 0] >= np.log1p(0.5)) & (
        everybody.value[:, 0, 0] <= np.log1p(1.5)
    )
    assert 0.2 < inside.mean() < 0.9
    kept = np.broadcast_to(inside[:, None, None], everybody.value.shape)
    assert np.array_equal(everybody.value[kept], eligible.value[kept])
    assert not np.isin(everybody.value[:, 0, 0][~inside], eligible.value[:, 0, 0]).any()


def test_screened_patients_do_not_depend_on_batch_or_number() -> None:
    population = {
        "eligible": LIMITS,
        "age_years": [5.0, 17.0],
        "per_year_of_age": {"c_peptide": 0.02},
    }
    ready = assembled(one_endpoint(population=population))
    more = assembled(one_endpoint(population=population, design=design(80, [0, 12])))

    together = draw_trials(ready.study, ready.sources[0].truth(0, 20), 0, 20)
    alone = draw_trials(ready.study, ready.sources[0].truth(13, 1), 13, 1)
    larger = draw_trials(more.study, more.sources[0].truth(13, 1), 13, 1)

    for name in ("value", "age_years", "arm"):
        assert np.array_equal(getattr(together, name)[13], getattr(alone, name)[0])
        assert np.array_equal(getattr(larger, name)[0][..., :40], getattr(alone, name)[0])


def test_limits_that_hardly_anybody_meets_are_refused() -> None:
    limits = {"c_peptide": {"at_least": 5.5}}

    with pytest.raises(BadScenario, match=r"lets .* % of candidates in"):
        assembled(one_endpoint(population={"eligible": limits}))


def test_sites_differ_by_their_sd_within_the_stated_total() -> None:
    population = {"sites": 20, "site_sd": {"c_peptide": 0.1}}
    ready = assembled(one_endpoint(design=design(400, [0, 12]), population=population))

    trials = draw_trials(ready.study, ready.sources[1].truth(0, 500), 0, 500)

    value, sites = trials.value[:, 0, 0], trials.arrivals.site
    assert_agrees(np.bincount(sites.ravel()) / sites.size, 1 / 20, np.sqrt(0.05 / sites.size))
    # Two patients of one site covary by the site's variance, of different sites not at all.
    one = sites[:, :1] == sites
    product = (value[:, :1] - MEAN) * (value - MEAN)
    one[:, 0] = False
    for same, exact in ((one, 0.01), (~one, 0.0)):
        same[:, 0] = False
        by_trial = (product * same).sum(axis=1) / same.sum(axis=1).mean()
        assert_agrees(by_trial.mean(), exact, by_trial.std() / np.sqrt(500))
    assert_agrees((value - MEAN).var(), SD**2, 2 * SD**2 / np.sqrt(500 * 20))


def test_baseline_strata_cut_where_they_say() -> None:
    population = {
        "age_years": [5.0, 17.0],
        "age_strata": [12.0],
        "baseline_strata": {"c_peptide": [0.4, 0.8]},
    }
    trials = _drawn(_large(population=population))

    baseline = np.expm1(trials.value[0, 0, 0])
    level = (baseline >= 0.4) * 1 + (baseline >= 0.8) * 1
    assert np.array_equal(trials.stratum[0], (trials.age_years[0] >= 12) * 3 + level)


def test_an_effect_differs_by_age_and_baseline_around_its_mean() -> None:
    target = {
        "effect": 0.2,
        "month": 12,
        "shape": "linear",
        "modified_by": {"age": 0.01, "c_peptide": 0.5},
    }
    table = _large(
        population={"age_years": [5.0, 17.0], "eligible": {"c_peptide": {"at_least": 0.3}}},
        truth={"target": {"c_peptide": target}},
    )

    target_trial, null = _drawn(table), _drawn(table, source=1)

    treated = target_trial.arm[0] == 1
    gain = (target_trial.value - null.value)[0, 0, 1][treated]
    age, baseline = (x[treated] for x in (null.age_years[0], null.value[0, 0, 0]))
    exact = 0.01 * (age - 11.0) + 0.5 * baseline
    assert np.ptp(gain - exact) < 1e-12  # but for one constant, the mean
    assert_agrees(gain.mean(), 0.2, gain.std() * np.sqrt(1 / gain.size + 1 / PATIENTS))
    assert np.array_equal(target_trial.value[0, 0, :, ~treated], null.value[0, 0, :, ~treated])


def test_without_an_effect_nothing_modifies_it() -> None:
    modified = {"effect": 0.2, "month": 12, "shape": "linear", "modified_by": {"c_peptide": 0.5}}
    plain = modified | {"modified_by": {}}

    nulls = [
        _drawn(one_endpoint(truth={"target": {"c_peptide": target}}), source=1).value
        for target in (modified, plain)
    ]

    assert np.array_equal(*nulls)


def test_shared_endpoints_and_months_make_designs_share_their_patients() -> None:
    both = two_endpoints()
    c_peptide_alone = both | {
        "design": design(40, [0, 12]),
        "outcome": dict(both["outcome"]),
        "truth": {"target": {"c_peptide": both["truth"]["target"]["c_peptide"]}},
        "analysis": both["analysis"][1:],
        "shared": {"endpoints": ["hba1c"], "months": [3, 6]},
    }
    for name, outcome in c_peptide_alone["outcome"].items():
        c_peptide_alone["outcome"][name] = outcome | {
            "control_mean": {"hba1c": 7.5, "c_peptide": 0.5}[name],
            "sd": {"hba1c": 1.2, "c_peptide": 0.3}[name],
        }
    whole = both | {"outcome": c_peptide_alone["outcome"]}

    alone, together = _drawn(c_peptide_alone, 5), _drawn(whole, 5)

    assert alone.value.shape == (5, 1, 2, 40)
    assert np.array_equal(alone.value[:, 0], together.value[:, 1, [0, 3]])


@pytest.mark.parametrize(
    ("population", "part"),
    [
        ({"eligible": {"c_peptide": {}}}, "is empty"),
        ({"eligible": {"c_peptide": {"at_least": 1.0, "at_most": 0.5}}}, "nobody is between"),
        ({"site_sd": {"c_peptide": 0.5}}, "site_sd.c_peptide is 0.5"),
        ({"months_since_diagnosis": [6.0, 3.0]}, r"months_since_diagnosis is \[6, 3\]; .* Swap"),
        ({"months_since_diagnosis": {"mean": 7.0, "sd": 1.0, "within": [0.0, 6.0]}}, "not within"),
        ({"months_since_diagnosis": {"mean": 3.0, "sd": 3.5, "within": [0.0, 6.0]}}, "below 3"),
        ({"months_since_diagnosis": {"sd": 3.5}}, "mean is missing"),
        ({"months_since_diagnosis": {"mean": 3.5}}, "sd is missing"),
        ({"eligible": {"months_since_diagnosis": {}}}, "is empty"),
        ({"eligible": {"months_since_diagnosis": {"at_least": 9.0}}}, "nobody enters"),
        (
            {"eligible": {"months_since_diagnosis": {"at_most": 2.0, "unit": "weeks"}}},
            "Leave unit out",
        ),
    ],
)
def test_a_population_that_cannot_be_is_refused(population: Table, part: str) -> None:
    with pytest.raises(BadScenario, match=part):
        assembled(one_endpoint(population=population))


def beta_of(mean: float, sd: float, width: float) -> stats.distributions.rv_frozen:
    """Beta distribution over a width, by its moments: Johnson, Kotz and Balakrishnan 1995, 25.4."""
    share = mean / width
    size = share * (1.0 - share) * (width / sd) ** 2 - 1.0
    return stats.beta(share * size, (1.0 - share) * size, 0.0, width)


def test_patients_enter_with_the_stated_mean_and_sd() -> None:
    entry = {"mean": 4.7, "sd": 3.28, "within": [0.0, 12.0]}

    months = _drawn(_large(population={"months_since_diagnosis": entry}), source=1)
    months = months.months_since_diagnosis[0]

    excess = float(beta_of(4.7, 3.28, 12.0).stats("k"))
    assert_agrees(months.mean(), 4.7, 3.28 / np.sqrt(PATIENTS))
    assert_agrees(months.var(), 3.28**2, 3.28**2 * np.sqrt((excess + 2.0) / PATIENTS))
    assert months.min() >= 0.0
    assert months.max() <= 12.0


def test_those_who_enter_too_late_are_not_eligible() -> None:
    entry = {"mean": 4.7, "sd": 3.28, "within": [0.0, 12.0]}
    population = {
        "months_since_diagnosis": entry,
        "eligible": {"months_since_diagnosis": {"at_most": 3.0}},
    }

    months = _drawn(_large(population=population), source=1).months_since_diagnosis[0]

    beta = beta_of(4.7, 3.28, 12.0)
    assert months.max() <= 3.0
    assert stats.kstest(months, lambda m: beta.cdf(m) / beta.cdf(3.0)).pvalue > 1e-4
