"""Type I error of designs with looks, 200,000 trials under no effect."""

from pathlib import Path

import pytest
from support.agreement import STANDARD_ERRORS, se_of_share
from support.dropped_arms import multi_arm, with_arms
from support.kept_prior import keep
from support.looks import sequential, with_looks
from support.small_trials import Table, assembled

from phase2sim.core.contracts import GO
from phase2sim.operating.simulation import prepare_scenario
from phase2sim.scenario.assembly.assemble import AssembledScenario
from phase2sim.scenario.scenario_file import load_scenario
from phase2sim.trial.engine import simulate_batch

SCENARIOS = Path(__file__).parents[2] / "scenarios"
TRIALS, ALPHA = 200_000, 0.025
SPENDING: Table = {"efficacy": {"kind": "obrien_fleming_spending"}}
PLANNED = {"c_peptide": 1_700.0}  # near what the 400 patients below come to
RULES: dict[str, Table] = {
    "O'Brien-Fleming-type": SPENDING,
    "Pocock": {"efficacy": {"kind": "pocock"}},
    "Haybittle-Peto": {"efficacy": {"kind": "haybittle_peto"}},
    "binding beta-spending": SPENDING
    | {"futility": {"kind": "beta_spending", "beta": 0.1, "binding": True}},
    "binding conditional power": SPENDING
    | {"futility": {"kind": "conditional_power", "at_least": [0.1], "binding": True}},
    "actual information": SPENDING | {"information": "actual", "maximum_information": PLANNED},
}

RESIZED: dict[str, Table] = {
    "blinded variance": {
        "kind": "blinded_variance", "effect": 0.14, "power": 0.9, "most_patients": 240,
    },
    "promising zone": {
        "kind": "promising_zone", "from_power": 0.3, "power": 0.9, "most_patients": 240,
    },
}  # fmt: skip


DROPPING: dict[str, Table] = {
    "O'Brien-Fleming, arms dropped": {
        "efficacy": {"kind": "obrien_fleming"},
        "futility": {"kind": "z", "at_least": [0.0]},
    },
    "O'Brien-Fleming, nobody dropped": {"efficacy": {"kind": "obrien_fleming"}},
    "binding triangular": {
        "efficacy": {"kind": "triangular"},
        "futility": {"kind": "triangular", "binding": True},
    },
    "Pocock-type spending, the best arm kept": {
        "efficacy": {"kind": "pocock_spending"},
        "keep_best": [1, 1],
    },
}


def error_of(made: AssembledScenario) -> float:
    (null,) = (source for source in made.sources if source.label == "null")
    shown = 0
    for first in range(0, TRIALS, made.study.batch):
        size = min(made.study.batch, TRIALS - first)
        shown += int((simulate_batch(made.study, null, first, size).verdict[:, -1] == GO).sum())
    return shown / TRIALS


def allowed() -> float:
    return ALPHA + STANDARD_ERRORS * float(se_of_share(ALPHA, TRIALS))


@pytest.mark.calibration
@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("gxipc1-futility", ()),
        ("gxipc1-futility", ("stopping.futility.at_least=[0.001]",)),
        ("doses-dropped", ()),
        ("doses-dropped", ("stopping.futility.at_least=[-9]",)),
    ],
)
def test_shipped_design_keeps_the_level_also_where_its_futility_is_overruled(
    name: str, settings: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(tmp_path)
    monkeypatch.setenv("PHASE2SIM_CACHE", str(tmp_path))

    path = SCENARIOS / f"{name}.toml"
    error = error_of(prepare_scenario(load_scenario(path, settings), print).assembled)

    assert error <= allowed()
    if settings:  # nobody stops: all of the level is used
        assert error >= 2 * ALPHA - allowed()


@pytest.mark.calibration
@pytest.mark.parametrize("name", RULES)
def test_every_kind_of_bound_keeps_the_level(name: str) -> None:
    # Many patients: t statistics of a trial's looks are a little less alike than z, and a standard
    # error that is estimated goes with p; docs/methods/group-sequential.md says how much it is.
    looks = [{"share": 0.4, "month": 12}, {"share": 0.7, "month": 12}]
    made = assembled(
        with_looks(
            stopping=RULES[name],
            design=sequential(patients=400, looks=looks),
            recruitment={"kind": "steady", "per_month": 50},
            missing={"dropout": {"mechanism": "mcar", "share": 0.1, "by_month": 12}},
        )
    )

    error = error_of(made)

    assert error <= allowed()


@pytest.mark.calibration
@pytest.mark.parametrize("name", DROPPING)
def test_several_arms_keep_the_familywise_error(name: str) -> None:
    """With no effect in any arm, which is the worst null."""
    looks = [{"share": 0.4, "month": 6}, {"share": 0.7, "month": 6}]
    made = assembled(
        with_arms(
            "t_test",
            stopping=DROPPING[name],
            design=multi_arm(patients=300, visits_months=[0, 6], looks=looks),
            recruitment={"kind": "steady", "per_month": 50},
            missing={"dropout": {"mechanism": "mcar", "share": 0.1, "by_month": 6}},
        )
    )

    error = error_of(made)

    assert error <= allowed()
    if name.endswith("nobody dropped"):  # all of the level is used
        assert error >= 2 * ALPHA - allowed()


@pytest.mark.calibration
@pytest.mark.parametrize("name", RESIZED)
def test_re_estimated_sizes_keep_the_level(name: str) -> None:
    looks = [{"share": 0.5, "month": 12}]
    made = assembled(
        with_looks(
            stopping={"efficacy": {"kind": "none"}},
            design=sequential(patients=120, looks=looks, reestimation=RESIZED[name]),
            missing={"dropout": {"mechanism": "mcar", "share": 0.1, "by_month": 12}},
        )
    )

    assert error_of(made) <= allowed()
