"""`phase2sim boundaries`: every scale, what follows by theory, and what is refused."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import norm
from support.commands import phase2sim, printed
from support.looks import sequential, with_looks
from support.readings import rows_of
from support.small_trials import assembled, scenario

from phase2sim.core.errors import BadScenario
from phase2sim.operating.simulation import simulate
from phase2sim.scenario.as_toml import toml_text
from phase2sim.scenario.scenario_file import SCENARIO
from phase2sim.studies.boundary_table import boundary_table, interim_rule
from phase2sim.theory.group_sequential.boundaries import boundaries
from phase2sim.theory.group_sequential.futility import ZLimit
from phase2sim.theory.group_sequential.spending import PocockType
from phase2sim.trial.interim.stopping_rule import StoppingRule

# rpact's design with these looks: O'Brien-Fleming-type spending, beta-spending that does not bind.
CASE = next(
    row["case"]
    for row in rows_of("group_sequential.csv")
    if (row["type"], row["information"], row["futility"], row["binding"])
    == ("asOF", "0.5;1", "bsOF", "FALSE")
)
RPACT = {
    (row["quantity"], int(row["look"])): float(row["value"])
    for row in rows_of("group_sequential.csv")
    if row["case"] == CASE
}
BETA = next(float(row["beta"]) for row in rows_of("group_sequential.csv") if row["case"] == CASE)
HALFWAY = sequential(looks=[{"share": 0.5, "month": 12}])
SPENDING = {
    "efficacy": {"kind": "obrien_fleming_spending"},
    "futility": {"kind": "beta_spending", "beta": BETA, "spending": "obrien_fleming"},
}


def table_of(**changes: object) -> Any:  # noqa: ANN401 - one analysis
    parts = assembled(with_looks(**changes))
    rule = interim_rule(parts)
    assert isinstance(rule, StoppingRule)
    (bounds,) = boundary_table(parts, rule)
    return bounds


def test_bounds_spending_and_inflation_are_those_of_rpact() -> None:
    table = table_of(design=HALFWAY, stopping=SPENDING)

    for look in table.looks:
        assert look.efficacy.z == pytest.approx(RPACT["efficacy_z", look.number], abs=1e-6)
        assert look.alpha_spent == pytest.approx(RPACT["cumulative_alpha", look.number], abs=1e-7)
    assert table.looks[0].futility.z == pytest.approx(RPACT["futility_z", 1], abs=1e-6)
    assert table.inflation == pytest.approx(RPACT["inflation_factor", 1], abs=1e-6)
    assert table.power == 1 - BETA
    null = table.truths[0]
    assert (null.truth, null.drift) == ("null", 0.0)
    assert null.power == pytest.approx(RPACT["type1_n150", 1], abs=1e-6)
    share = RPACT["expected_n_d0_n150", 1] / 150
    assert null.expected_patients == pytest.approx(80 * share, abs=1e-4)


def test_every_scale_says_the_same() -> None:
    table = table_of(design=HALFWAY, stopping=SPENDING)
    look, end = table.looks
    se = table.information.estimate**-0.5

    for bound in (look.efficacy, look.futility):
        assert bound.p == pytest.approx(norm.sf(bound.z))
        assert bound.effect == pytest.approx(bound.z * se / 0.5**0.5)
        trend = (bound.z / 0.5**0.5 - end.efficacy.z) / 0.5**0.5
        assert bound.conditional_power == pytest.approx(norm.cdf(trend))
        flat = (bound.z / 0.5**0.5 - end.efficacy.z) / (0.5 / 0.5) ** 0.5
        assert bound.predictive_power == pytest.approx(norm.cdf(flat))


def test_drift_of_the_target_is_that_of_the_closed_form() -> None:
    table = table_of()
    target = table.truths[-1]
    # Residual SD given the baseline, 40 patients an arm.
    residual = 0.3 * (1 - (0.5 + 0.5 * 0.9**12) ** 2) ** 0.5
    exact = 0.2 / (residual * (2 / 40) ** 0.5)

    assert target.truth == "target"
    # The standard error also carries the baseline's imbalance, about 1 / (2 x 80) of it.
    assert target.drift == pytest.approx(exact, rel=0.02)
    assert table.truths[1].drift == pytest.approx(target.drift / 2)


def test_a_limit_on_the_effect_is_at_that_effect() -> None:
    futility = {"kind": "effect", "at_least": [0.02, 0.05]}
    table = table_of(stopping={"efficacy": {"kind": "none"}, "futility": futility})

    assert [look.futility.effect for look in table.looks[:-1]] == pytest.approx([0.02, 0.05])
    assert [look.efficacy for look in table.looks[:-1]] == [None, None]
    assert table.looks[-1].alpha_spent == pytest.approx(0.025)


def test_looks_by_calendar_have_the_information_that_is_stated() -> None:
    looks = [
        {"calendar_months": 14, "information": 0.2},
        {"calendar_months": 18.5, "information": 0.7},
    ]
    table = table_of(design=sequential(looks=looks))

    assert [look.information for look in table.looks] == [0.2, 0.7, 1.0]
    assert [look.patients for look in table.looks] == [None, None, 80]


OBF = {"kind": "obrien_fleming_spending"}
REFUSED = [
    ({"design": sequential(looks=[])}, "design.looks is empty"),
    ({"design": sequential(looks=[{"share": 0.5}])}, r"design.looks\[1\].month is missing"),
    ({"design": sequential(looks=[{"share": 0.5, "month": 3}])}, r"month is 3; .* one of 6, 12"),
    ({"design": sequential(looks=[{"month": 6}])}, r"looks\[1\] has no time"),
    ({"design": sequential(looks=[{"share": 1.5, "month": 6}])}, r"share is 1.5; it must lie"),
    ({"design": sequential(looks=[{"patients": 80, "month": 6}])}, "fewer than all"),
    ({"design": sequential(looks=[{"calendar_months": 8}])}, r"looks\[1\].information is missing"),
    (
        {"design": sequential(looks=[{"share": 0.5, "month": 12}, {"share": 0.4, "month": 12}])},
        r"design.looks\[2\] is not due after looks\[1\]",
    ),
    (
        {"design": sequential(looks=[
            {"share": 0.5, "month": 6, "information": 0.5},
            {"share": 0.6, "month": 6, "information": 0.4},
        ])},
        "design.looks: the planned information is 0.5, 0.4, 1; it must be above 0 and rise",
    ),
    ({"design": sequential(months_to_decide=-1)}, "design.months_to_decide is -1"),
    ({"stopping": None}, "stopping is missing; design.looks needs a rule"),
    ({"stopping": {"efficacy": {"kind": "pocok"}}}, r"stopping.efficacy.kind .* 'pocock'\?"),
    ({"stopping": {"efficacy": OBF, "futility": {"kind": "z", "at_least": [4.0]}}},
     "stopping.futility: the futility bound of look 1 is z = 4, not below its efficacy bound"),
    ({"stopping": {"efficacy": OBF, "futility": {"kind": "z", "at_least": [0.0, 0.1, 0.2]}}},
     "stopping.futility: futility has 3 limits, but there are 2 interim looks"),
    ({"stopping": {"efficacy": OBF, "futility": {"kind": "beta_spending", "beta": 0.99}}},
     "stopping.futility.beta is 0.99; with one_sided_alpha 0.025 it must be below"),
    ({"stopping": {"efficacy": {"kind": "pocock"}, "futility": {
        "kind": "beta_spending", "beta": 0.2, "binding": True}}},
     "stopping.futility.binding is true: .* needs efficacy that spends"),
    ({"stopping": {"efficacy": {"kind": "haybittle_peto", "z": 1.5}}},
     "stopping.efficacy.z is 1.5; the interim looks then use up"),
    ({"stopping": {"efficacy": {"kind": "pocock"}, "information": "actual"}},
     "stopping.information is 'actual', but the bounds of stopping.efficacy"),
    ({"stopping": {"efficacy": OBF, "information": "actual"}},
     "stopping.maximum_information.c_peptide is missing"),
    ({"stopping": {"efficacy": OBF, "maximum_information": {"hba1c": 3.0}}},
     r"stopping.maximum_information.hba1c is no analysis. .*c_peptide"),
    ({"stopping": {"efficacy": OBF, "verdict": "c_peptid"}}, "stopping.verdict is 'c_peptid'"),
    ({"decision": {"kind": "significance", "one_sided_alpha": 0.0}}, "one_sided_alpha is 0"),
    ({"decision": {"kind": "holm", "one_sided_alpha": 0.025}}, "decision.kind is 'holm'"),
    ({"recruitment": {"kind": "at_once"}}, "recruitment.kind is 'at_once'"),
    ({"design": sequential() | {"kind": "fixed"}}, r"design.looks is not a key of kind = 'fixed'"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "message"), REFUSED, ids=[message[:40] for _, message in REFUSED]
)
def test_what_cannot_be_is_refused_by_its_key(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(BadScenario, match=message):
        assembled(with_looks(**changes))


def test_a_rule_without_looks_is_refused() -> None:
    fixed = {key: value for key, value in sequential().items() if key != "looks"}

    with pytest.raises(
        BadScenario, match=r"stopping is given, but design.kind 'fixed' has no looks"
    ):
        assembled(with_looks(design=fixed | {"kind": "fixed"}))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "looks.toml"
    path.write_text(toml_text(SCENARIO.validate_python(with_looks())), encoding="utf-8")
    return path


def test_the_command_prints_bounds_for_people_and_programs(file: Path) -> None:
    shown = phase2sim("boundaries", file)
    bounds = printed("boundaries", file)

    assert shown.exit_code == 0, shown.stderr
    (analysis,) = bounds["analyses"]
    for look in analysis["looks"]:
        assert f"{look['efficacy']['z']:.4f}" in shown.stdout
    assert [truth["truth"] for truth in analysis["truths"]] == ["null", "half", "target"]
    assert json.loads(json.dumps(bounds)) == bounds


def test_the_command_refuses_a_design_without_looks(tmp_path: Path) -> None:
    table = with_looks(stopping=None)
    table["design"] = {k: v for k, v in sequential().items() if k != "looks"} | {"kind": "fixed"}
    path = tmp_path / "fixed.toml"
    path.write_text(toml_text(SCENARIO.validate_python(table)), encoding="utf-8")

    result = phase2sim("boundaries", path)

    assert result.exit_code == 2
    assert re.search(r"fixed.toml: design.kind 'fixed' has no looks", result.stderr)


def test_theory_stands_beside_the_stops() -> None:
    rule = {"efficacy": {"kind": "pocock_spending"}, "futility": {"kind": "z", "at_least": [0.3]}}
    result = simulate(scenario(with_looks(stopping=rule)), trials=50)

    bounds = boundaries(np.array([30 / 80, 0.75, 1.0]), 0.025, PocockType(), ZLimit((0.3,)))
    exact = bounds.exits(0.0)
    for row in result.characteristics:
        if row.truth == "null" and row.name in {"stop_efficacy", "stop_futility"}:
            assert row.look is not None
            assert row.closed_form is not None
            assert not row.closed_form.is_exact  # z is not quite normal
            reason = ("stop_efficacy", "stop_futility").index(row.name)
            assert row.closed_form.value == pytest.approx(exact[reason, row.look - 1], abs=1e-9)
