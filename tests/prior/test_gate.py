"""A fit that fails its gate: exit code 1, draws put aside, and advice."""

from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest
from support.commands import phase2sim
from support.kept_prior import NAMES, draws_for, shipped_evidence

from phase2sim.core.errors import BadEvidence, PriorNotTrusted
from phase2sim.evidence.reported import Evidence
from phase2sim.prior.draws import PriorDraws
from phase2sim.prior.fitting import load_or_fit, refusal
from phase2sim.prior.models.diagnostics import DIAGNOSTIC_NAMES
from phase2sim.prior.models.unknowns.settings import SAMPLER, Gate, Sampler
from phase2sim.prior.storage import DamagedPrior, load
from phase2sim.prior.untreated import check_untreated

ONE_MEAN = """
[study]
name = "One arm"
design = "control-arm"
patients = 40
months_since_diagnosis = [0, 0]
source = "made up for a test"

[[reported]]
endpoint = "hba1c"
month = 6
mean = 7.3
sd = 1.3
unit = "%"
"""
SCENARIO = """
title = "A trial on one mean"
evidence = ["one"]
seed = 1
trials = 100

[design]
kind = "fixed"
arms = ["control", "treated"]
patients = 40
visits_months = [0, 6]

[truth.target]
hba1c = { effect = -0.5, month = 6, shape = "immediate" }

[[analysis]]
endpoint = "hba1c"
month = 6
method = "ancova"

[decision]
kind = "significance"
one_sided_alpha = 0.025
"""


def test_a_failed_gate_exits_1_and_nothing_can_use_its_draws(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PHASE2SIM_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(
        "phase2sim.prior.models.unknowns.settings.SAMPLER", Sampler(tune=100, draws=50)
    )
    # No sampler has an R-hat below 1, so this gate refuses any fit.
    monkeypatch.setattr("phase2sim.prior.models.unknowns.settings.GATE", Gate(largest_rhat=0.5))
    (tmp_path / "one.toml").write_text(ONE_MEAN)
    (tmp_path / "trial.toml").write_text(SCENARIO)

    load_or_fit = phase2sim("fit", tmp_path / "one.toml")
    shown = phase2sim("prior", "show", tmp_path / "one.toml")
    run = phase2sim("run", tmp_path / "trial.toml", "--trials", 10)

    assert load_or_fit.exit_code == run.exit_code == 1
    assert shown.exit_code == 2
    (aside,) = (tmp_path / "cache").iterdir()
    assert aside.suffix == ".untrusted"
    assert str(aside) in load_or_fit.stderr
    assert "What to try" in load_or_fit.stderr
    assert "Traceback" not in load_or_fit.stderr + run.stderr
    with pytest.raises(DamagedPrior, match="gate"):
        load(aside)


FEW, ONCE_MORE = (SAMPLER.draws, 0.92), (SAMPLER.draws, 0.99)
MANY, MANY_OF_SHORTER_STEPS = (3 * SAMPLER.draws, 0.92), (3 * SAMPLER.draws, 0.99)


@pytest.mark.parametrize(
    ("divergences", "attempts", "trusted"),
    [
        ([0, 0], [FEW, MANY], True),
        ([3, 0, 0], [FEW, ONCE_MORE, MANY_OF_SHORTER_STEPS], True),
        ([3, 1], [FEW, ONCE_MORE], False),
        ([10_000], [FEW], False),
    ],
    ids=["too few draws", "steps too long", "a part not reached", "most not reached"],
)
def test_a_fit_is_sampled_again_where_that_may_help(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    divergences: list[int],
    attempts: list[tuple[int, float]],
    trusted: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    monkeypatch.setenv("PHASE2SIM_CACHE", str(tmp_path))
    asked: list[tuple[int, float]] = []
    lines: list[str] = []

    def fit(evidence: Evidence, seed: int, _report: object, sampler: Sampler) -> PriorDraws:
        diverged = divergences[len(asked)]
        asked.append((sampler.draws, sampler.target_accept))
        rhat = 1.0 + 22.0 / sampler.draws
        diagnostics = {"divergences": diverged, "rhat": rhat, "ess_bulk": 1e4, "ess_tail": 1e4}
        of = {f"{name}_of": "decay[1]" for name in DIAGNOSTIC_NAMES}
        provenance = {"digest": evidence.digest, "seed": seed, "diagnostics": diagnostics | of}
        return replace(draws_for(evidence), provenance=provenance)

    monkeypatch.setattr("phase2sim.prior.models.fit.sample_posterior", fit)
    with nullcontext() if trusted else pytest.raises(PriorNotTrusted, match="divergent"):
        load_or_fit(shipped_evidence(), report=lines.append)

    assert asked == attempts
    assert any("3 times as many" in line for line in lines) == trusted


@pytest.mark.parametrize(
    ("complaint", "about"),
    [
        ("R-hat of 'decay[1]' is 1.02, above 1.01", "numbers of C-peptide that"),
        ("bulk ESS of 'history[0, 5]' is 300, below 400", "numbers of HbA1c that"),
        ("tail ESS of 'endpoint_correlation[1]' is 3, below 400", "numbers that"),
        ("7 divergent transitions, more than 0", "numbers that"),
    ],
)
def test_advice_names_the_endpoint_that_is_complained_of(complaint: str, about: str) -> None:
    message = refusal(
        shipped_evidence(), [complaint], ("hba1c", "c_peptide"), Path("aside.untrusted")
    )

    assert complaint in message
    assert about in message
    assert ".py" not in message  # nobody is sent to the source
    assert "phase2sim evidence show gxipc1 t1d-natural-history" in message


def test_a_single_arm_alone_is_refused_before_it_is_sampled_with_what_to_type(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PHASE2SIM_CACHE", str(tmp_path))

    alone = phase2sim("fit", "gxipc1")

    assert alone.exit_code == 2
    assert "phase2sim fit gxipc1 t1d-natural-history" in alone.stderr
    assert 'evidence = ["gxipc1", "t1d-natural-history"]' in alone.stderr
    assert "sampling" not in alone.stderr
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("names", [("t1d-natural-history",), ("msc-randomised",), NAMES], ids=str)
def test_evidence_with_untreated_patients_is_not_refused(names: tuple[str, ...]) -> None:
    check_untreated(shipped_evidence(names))


def test_without_such_a_file_the_refusal_says_what_it_must_hold(tmp_path: Path) -> None:
    (tmp_path / "broken.toml").write_text("a = 1")

    with pytest.raises(BadEvidence, match="Name a file with untreated patients"):
        check_untreated(shipped_evidence(("gxipc1",)), tmp_path)
