"""All endpoints together: joint moments, what follows from them, and their patients' file."""

from pathlib import Path

import numpy as np
import pytest
from scipy import integrate, stats
from support.agreement import assert_agrees, se_of_share
from support.commands import phase2sim, printed
from support.small_trials import Table, assembled, design, two_endpoints

from phase2sim.core.endpoints import derived_values
from phase2sim.trial.engine import draw_trials

PATIENTS = 200_000
MONTHS = np.array([0.0, 1.5, 6.0, 7.0, 18.0])  # unequal
NAMES = ("hba1c", "c_peptide", "insulin", "glucose")
MEANS, SDS = np.array([7.8, 0.45, 0.6, 2.1]), np.array([1.2, 0.25, 0.3, 0.3])
RHO = 0.3
BETWEEN_VISITS = 0.5 + 0.5 * 0.92 ** np.abs(MONTHS[:, None] - MONTHS)


def _table(**changes: object) -> Table:
    steady = {"share": 0.5, "per_month": 0.92}
    outcome = {
        name: {"control_mean": mean, "sd": sd, "correlation": steady}
        for name, mean, sd in zip(NAMES, MEANS.tolist(), SDS.tolist(), strict=True)
    }
    target = {"effect": -0.1, "month": 18, "shape": "linear"}
    return two_endpoints(
        design=design(PATIENTS // 2, MONTHS.tolist()),
        outcome=outcome,
        endpoint_correlation=RHO,
        truth={"target": dict.fromkeys(NAMES, target)},
        analysis=[{"endpoint": "idaa1c", "month": 18, "method": "ancova"}],
        decision={"kind": "significance", "one_sided_alpha": 0.025},
    ) | changes  # fmt: skip


@pytest.fixture(scope="module")
def value() -> np.ndarray:
    """Values (endpoint, visit, patient) without an effect."""
    ready = assembled(_table())
    two = draw_trials(ready.study, ready.sources[1].truth(0, 2), 0, 2).value
    return np.concatenate(list(two), axis=-1)


def test_means_and_sds_are_as_stated_at_every_visit(value: np.ndarray) -> None:
    assert_agrees(value.mean(axis=2), MEANS[:, None], SDS[:, None] / np.sqrt(PATIENTS))
    assert_agrees(value.std(axis=2), SDS[:, None], SDS[:, None] / np.sqrt(2 * PATIENTS))


def test_all_190_correlations_are_as_stated(value: np.ndarray) -> None:
    exact = np.kron(np.full((4, 4), RHO) + (1 - RHO) * np.eye(4), BETWEEN_VISITS)
    above = np.triu_indices(20, 1)

    found = np.corrcoef(value.reshape(20, -1))[above]

    assert found.size == 190
    assert_agrees(np.arctanh(found), np.arctanh(exact[above]), 1 / np.sqrt(PATIENTS - 3))


def test_the_share_in_remission_is_that_of_the_joint_distribution(value: np.ndarray) -> None:
    idaa1c = derived_values("idaa1c", NAMES, value[None])[0]

    def given(latent: float) -> float:  # HbA1c given the square root of the dose
        mean = 7.8 + RHO * 1.2 * (latent - 0.6) / 0.3
        limit = 9.0 - 4.0 * max(latent, 0.0) ** 2
        return float(stats.norm.cdf((limit - mean) / (1.2 * np.sqrt(1 - RHO**2))))

    exact = integrate.quad(lambda x: given(x) * stats.norm.pdf(x, 0.6, 0.3), -1.5, 2.5)[0]
    assert_agrees((idaa1c <= 9.0).mean(axis=1), exact, se_of_share(exact, PATIENTS))
    nobody = stats.norm.cdf(-0.6 / 0.3)  # a dose of 0
    assert_agrees((value[2] <= 0).mean(axis=1), nobody, se_of_share(nobody, PATIENTS))


COUNTED = {"endpoint": "hypoglycaemia", "month": 18, "method": "negative_binomial"}
EVERYTHING = {
    "recruitment": {"kind": "poisson", "per_month": 4},
    "events": {"hypoglycaemia": {"per_month": 0.5, "dispersion": 0.5}},
    "missing": {
        "dropout": {
            "mechanism": "logistic",
            "lost": [0.05, 0.1, 0.12, 0.2],
            "endpoint": "hba1c",
        },
        "gaps": {"mechanism": "mcar", "share": 0.05},
    },
}


def _toml(value: object) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f'"{k}" = {_toml(v)}' for k, v in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return f'"{value}"' if isinstance(value, str) else str(value)


def _only_what_is_read(table: Table) -> Table:
    """Leave out the endpoints that no analysis of the tests below reads."""
    target, outcome = table["truth"]["target"], table["outcome"]
    read = ("hba1c", "insulin")
    return table | {
        "truth": {"target": {name: target[name] for name in read}},
        "outcome": {name: outcome[name] for name in read},
    }


def test_a_replayed_trial_is_analysed_alike_from_its_file(tmp_path: Path) -> None:
    table = _only_what_is_read(_table(**EVERYTHING))
    table["design"] = design(90, MONTHS.tolist(), arms=["placebo", "low", "high"],
                             allocation=[1, 1, 1], randomisation="simple")  # fmt: skip
    table["analysis"] = [
        one | {"arm": arm} for arm in ("low", "high") for one in (table["analysis"][0], COUNTED)
    ]
    path, out = tmp_path / "all.toml", tmp_path / "patients.csv"
    path.write_text("\n".join(f"{k} = {_toml(v)}" for k, v in table.items()), encoding="utf-8")

    replayed = printed("replay", path, "--trial", 5, "--out", out)
    analysed = printed("analyse", path, out)

    assert analysed["decision"] == replayed["decision"]
    assert len(analysed["findings"]) == 4
    for ours, theirs in zip(analysed["findings"], replayed["findings"], strict=True):
        for key in ("effect", "se", "p_one_sided"):
            assert ours[key] == pytest.approx(theirs[key], rel=1e-6), ours["analysis"]
    head = out.read_text(encoding="utf-8").splitlines()[0]
    assert head.endswith("time,site,enrolled_months")


def test_a_run_of_everything_says_how_long_and_what_is_counted(tmp_path: Path) -> None:
    table = _only_what_is_read(_table(**EVERYTHING))
    table |= {"trials": 60, "design": design(60, MONTHS.tolist())}
    table["analysis"] = [*table["analysis"], COUNTED]
    rescue = {"endpoint": "hba1c", "limit": 9.0, "effect": {"hba1c": -0.5}}
    table["intercurrent"] = {"rescue": rescue | {"strategy": "hypothetical"}}
    path = tmp_path / "all.toml"
    path.write_text("\n".join(f"{k} = {_toml(v)}" for k, v in table.items()), encoding="utf-8")

    shown = phase2sim("run", path, "--assume", "pessimistic")

    assert shown.exit_code == 0, shown.stderr
    for part in ("Months to the last readout", "rescue: hypothetical", "Assumed: pessimistic",
                 "hypoglycaemic episodes"):  # fmt: skip
        assert part in shown.stdout
