"""How well a trial goes: dropout, SD, heterogeneity and adherence shifted together."""

import re
from pathlib import Path

import numpy as np
import pytest
from support.kept_prior import draws_for, shipped_evidence
from support.small_trials import Table, assembled, one_endpoint, scenario

from phase2sim.operating.simulation import simulate
from phase2sim.scenario.assembly.assemble import assemble, build_scenario
from phase2sim.scenario.assumptions import ASSUMPTIONS

PAGE = Path(__file__).parents[2] / "docs" / "methods" / "assume.md"
MCAR = {"mechanism": "mcar", "share": 0.1, "by_month": 12}


def _table(assume: str, **changes: object) -> Table:
    return one_endpoint(assume=assume, missing={"dropout": MCAR}, trials=2000, **changes)


@pytest.mark.parametrize("name", ASSUMPTIONS)
def test_the_page_holds_the_table_of_the_program(name: str) -> None:
    row = re.search(rf"^\| `{name}` \|(.*)\|$", PAGE.read_text("utf-8"), re.MULTILINE)
    assert row

    numbers = [float(cell) for cell in row.group(1).split("|")]
    assumed = ASSUMPTIONS[name]
    assert numbers == [assumed.dropout, assumed.sd, assumed.heterogeneity, assumed.adherence]


def test_planned_is_the_scenario_as_it_stands() -> None:
    plain = one_endpoint(missing={"dropout": MCAR}, trials=100)

    assert (
        simulate(scenario(plain)).power == simulate(scenario(plain | {"assume": "planned"})).power
    )


@pytest.mark.parametrize("name", ["optimistic", "pessimistic"])
def test_sd_dropout_and_effect_are_multiplied(name: str) -> None:
    assumed = ASSUMPTIONS[name]

    planned, shifted = (assembled(_table(which)) for which in ("planned", name))

    assert np.allclose(shifted.control.sd, planned.control.sd * assumed.sd)
    effects = [ready.sources[0].truth(0, 1).effect for ready in (planned, shifted)]
    assert np.allclose(effects[1], effects[0] * assumed.adherence)
    hazards = [ready.built.dropout.hazard for ready in (planned, shifted)]
    assert hazards[1] == pytest.approx(hazards[0] * assumed.dropout)


def test_heterogeneity_is_multiplied_in_draws_from_a_prior() -> None:
    prior = draws_for(shipped_evidence())
    table = one_endpoint(
        evidence=["gxipc1"],
        outcome={},
        truth={"prior": {"robust_weight": 0.8}},
    )

    sources = [
        assemble(build_scenario(scenario(table | {"assume": name})), prior).sources[1]
        for name in ("planned", "pessimistic")
    ]

    times = ASSUMPTIONS["pessimistic"].heterogeneity
    assert np.allclose(sources[1].level_sd, sources[0].level_sd * times)
    assert np.allclose(sources[1].slope_sd, sources[0].slope_sd * times)


def test_a_trial_that_goes_badly_has_less_power() -> None:
    power = [
        simulate(scenario(_table(name))).power["c_peptide"].estimate
        for name in ("pessimistic", "planned", "optimistic")
    ]

    assert power == sorted(power)
    assert power[2] - power[0] > 0.2
