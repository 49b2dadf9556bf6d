"""Several doses against one control: each analysis sees its own two arms and nothing else."""

from dataclasses import replace

import numpy as np
import pytest
from support.agreement import assert_agrees
from support.small_trials import Table, assembled, design, one_endpoint, scenario

from phase2sim.analyses.readings import read_endpoint
from phase2sim.core.errors import BadScenario
from phase2sim.operating.simulation import simulate
from phase2sim.trial.engine import analyse_trials, draw_trials

ANCOVA = {"endpoint": "c_peptide", "month": 12, "method": "ancova"}


def _doses(method: str = "permuted_blocks", analysis: Table = ANCOVA, **changes: object) -> Table:
    plan = design(90, [0, 12], arms=["control", "low", "high"], allocation=[1, 1, 1])
    by_age = method == "minimisation"
    over = {"over": ["age"]} if by_age else {}
    population = {"age_years": [5.0, 17.0], "age_strata": [12.0]} if by_age else {}
    plan["randomisation"] = {"method": method, **over}
    return one_endpoint(
        design=plan,
        population=population,
        truth={
            "target": {"c_peptide": {"effect": 0.2, "month": 12, "shape": "linear"}},
            "share_of_effect": {"low": 0.5},
        },
        analysis=[analysis | {"arm": arm} for arm in ("low", "high")],
        **changes,
    )


@pytest.mark.parametrize("method", ["permuted_blocks", "simple", "minimisation"])
def test_each_dose_has_its_share_of_the_effect(method: str) -> None:
    found = simulate(scenario(_doses(method, trials=2000)))

    rows = {(r.name, r.truth, r.analysis): r.measured for r in found.characteristics}
    assert {name for _, _, name in rows} == {"c_peptide_low", "c_peptide_high"}
    for arm in ("c_peptide_low", "c_peptide_high"):
        assert_agrees(rows["bias", "target", arm], 0.0)
        assert_agrees(rows["coverage", "target", arm], 0.95)
        assert_agrees(rows["type_i_error", "null", arm], 0.025)
    known = {b.analysis: b.target for b in found.background}
    assert known == pytest.approx({"c_peptide_low": 0.1, "c_peptide_high": 0.2})


@pytest.mark.parametrize(
    "analysis",
    [
        ANCOVA,
        {"endpoint": "c_peptide", "month": 12, "method": "wilcoxon"},
        {"responder": "c_peptide_preserved", "month": 12, "method": "fisher"},
        ANCOVA | {"method": "multiple_imputation", "imputations": 5},
    ],
    ids=lambda analysis: analysis["method"],
)
@pytest.mark.parametrize("method", ["permuted_blocks", "simple"])
def test_an_analysis_gives_what_it_gives_on_its_two_arms_alone(
    method: str, analysis: Table
) -> None:
    dropout = {"mechanism": "mcar", "share": 0.2, "by_month": 12}
    ready = assembled(_doses(method, analysis, missing={"dropout": dropout}))
    study = ready.study
    trials = draw_trials(study, ready.sources[0].truth(0, 6), 0, 6)

    _, high = analyse_trials(study, trials)

    observed = np.where(trials.seen, trials.value, np.nan)
    whole = read_endpoint(study.plan, trials, observed, "c_peptide")
    for trial in range(6):
        who = whole.arm[trial] != 1
        alone = replace(
            whole,
            arm=(whole.arm[trial : trial + 1, who] == 2).astype(np.int8),
            baseline=whole.baseline[trial : trial + 1, who],
            value=whole.value[trial : trial + 1, :, who],
            age_years=whole.age_years[trial : trial + 1, who],
            stratum=whole.stratum[trial : trial + 1, who],
            first=trial,
        )
        expected = study.analyses[1].estimate(alone)
        assert high.effect[trial] == pytest.approx(expected.effect[0], rel=1e-12)
        assert high.p[trial] == pytest.approx(expected.p[0], rel=1e-9)


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"analysis": [ANCOVA]}, r"analysis\[1\].arm is missing"),
        ({"analysis": [ANCOVA | {"arm": "middle"}]}, "arm is 'middle'"),
        ({"analysis": [ANCOVA | {"arm": "control"}]}, "must be a treated arm"),
    ],
)
def test_an_analysis_must_say_which_dose(changes: Table, part: str) -> None:
    with pytest.raises(BadScenario, match=part):
        assembled(_doses() | changes)


def test_a_share_of_the_effect_belongs_to_a_treated_arm() -> None:
    table = _doses()
    table["truth"]["share_of_effect"] = {"control": 0.5}

    with pytest.raises(BadScenario, match=r"share_of_effect\.control"):
        assembled(table)
