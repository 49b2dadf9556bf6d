"""A small fit agrees with the textbook; the parts around sampling do what they say."""

from dataclasses import fields, replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr
from scipy import integrate, stats

from phase2sim.core.entry_times import EntryTime
from phase2sim.core.errors import BadEvidence
from phase2sim.core.history_priors import PRIORS
from phase2sim.evidence.reported import Evidence, ReportedNumber, StudyArm
from phase2sim.prior import storage as prior_files
from phase2sim.prior.draws import PriorDraws
from phase2sim.prior.fitting import load_or_fit
from phase2sim.prior.models import fit
from phase2sim.prior.models.densities.pytensor_names import Tensor, pt
from phase2sim.prior.models.diagnostics import complaints
from phase2sim.prior.models.fit import sample_posterior
from phase2sim.prior.models.joint import joint_model
from phase2sim.prior.models.likelihoods.counts import counts_beside_median
from phase2sim.prior.models.likelihoods.means_and_medians import covariance, locations
from phase2sim.prior.models.unknowns.evidence_arrays import Cells, cells
from phase2sim.prior.models.unknowns.natural_history import Moments, NaturalHistory
from phase2sim.prior.models.unknowns.settings import GATE, Sampler

REPORTED_MEAN, REPORTED_SE = 9.0, 1.0


def entry(
    month: float, value: float, statistic: str = "mean", n: int = 10, **more: object
) -> ReportedNumber:
    return ReportedNumber(
        file="priors/small.toml",
        number=1,
        study="A",
        arm="control",
        endpoint="hba1c",
        statistic=statistic,
        value=value,
        n=n,
        months=(month,),
        clock="entry",
        status="published",
        source="made up",
        as_reported=f"{value} %",
        **more,  # type: ignore[arg-type]  # named fields of the dataclass
    )


def evidence(*entries: ReportedNumber) -> Evidence:
    arm = StudyArm("A", "control", "control-arm", 10, EntryTime(), "made up")
    return Evidence(("small",), (arm,), entries, {}, "5" * 64)


@pytest.fixture(scope="session")
def small_fit() -> tuple[PriorDraws, list[str]]:
    lines: list[str] = []
    one_mean = evidence(entry(0.0, REPORTED_MEAN, se=REPORTED_SE))
    return sample_posterior(one_mean, 7, lines.append, Sampler(tune=800, draws=2000)), lines


def textbook() -> tuple[float, float]:
    """Mean and SD at diagnosis: conjugate given the SDs between studies, averaged over these."""
    prior = PRIORS["hba1c"]
    mean, sd = prior.first_mean

    def given(level: float, start: float) -> tuple[float, float, float]:
        error = REPORTED_SE**2 + level**2 + start**2
        weight = stats.norm.pdf(REPORTED_MEAN, mean, np.sqrt(sd**2 + error))
        weight *= stats.halfnorm.pdf(level, scale=prior.level_scale)
        weight *= stats.halfnorm.pdf(start, scale=prior.diagnosis_scale)
        variance = 1 / (1 / sd**2 + 1 / error)
        return weight, variance * (mean / sd**2 + REPORTED_MEAN / error), variance

    def moment(power: int) -> float:
        def part(level: float, start: float) -> float:
            weight, centre, variance = given(level, start)
            return float(weight * (1.0, centre, centre**2 + variance)[power])

        return float(integrate.dblquad(part, 0, 5, 0, 3)[0])

    centre = moment(1) / moment(0)
    return centre, float(np.sqrt(moment(2) / moment(0) - centre**2))


def test_one_mean_gives_the_conjugate_posterior(small_fit: tuple[PriorDraws, list[str]]) -> None:
    draws, _ = small_fit
    at_diagnosis = draws.history[:, 0, 0]
    centre, sd = textbook()

    size = draws.provenance["diagnostics"]["ess_bulk"]  # type: ignore[index]  # of the worst one
    error = sd / np.sqrt(min(size, 4000))
    assert abs(at_diagnosis.mean() - centre) < 4 * error
    assert abs(at_diagnosis.std() - sd) < 4 * error  # the SD's own error is smaller: / sqrt(2)


def test_a_fit_passes_its_gate_and_says_how_far_it_is(
    small_fit: tuple[PriorDraws, list[str]],
) -> None:
    draws, lines = small_fit

    assert complaints(draws.provenance["diagnostics"], GATE) == ()  # type: ignore[arg-type]
    assert "compiling" in lines[0]


def test_evidence_of_one_endpoint_without_treatment_has_no_effect(
    small_fit: tuple[PriorDraws, list[str]],
) -> None:
    draws, _ = small_fit

    assert draws.endpoints == ("hba1c",)
    assert draws.endpoint_correlation.shape == (4000, 1, 1)
    assert np.isnan(draws.effect).all()
    assert draws.effects == {}


def known(layout: Cells, rho: float) -> tuple[Moments, NaturalHistory]:
    """Patients with SD 1, a visit correlation of ``rho`` and no differences between studies."""
    ones = pt.ones(layout.months.size)
    within = pt.as_tensor(np.where(layout.first == layout.second, 1.0, rho))
    zero: Tensor = pt.zeros(1)
    history = NaturalHistory(*[zero] * len(fields(NaturalHistory)))
    at = Moments(
        mean=0 * ones,
        shift=0 * ones,
        sd=ones,
        covariance=within,
        correlation=within,
        raw_mean=0 * ones,
        raw_slope=ones,
        raw_covariance=within,
    )
    return at, history


@pytest.mark.parametrize(
    ("statistic", "expected"),
    [
        ("mean", [[0.1, 0.06], [0.06, 0.1]]),
        ("median", [[0.1383, 0.0642], [0.0642, 0.1383]]),  # docs/methods: simulated, n = 10
    ],
)
def test_visits_of_the_same_patients_are_not_independent(
    statistic: str, expected: list[list[float]]
) -> None:
    both = evidence(entry(3.0, 7.5, statistic), entry(6.0, 8.0, statistic))
    layout = cells(both)
    table = locations(both, layout)
    at, history = known(layout, 0.6)

    result = covariance(table, layout, at, history).eval()

    np.testing.assert_allclose(result, expected, atol=2e-4)
    of_average = result.sum() / 4
    assert of_average > 1.2 * np.trace(result) / 4  # what independence would claim


def test_a_reported_standard_error_keeps_the_correlation() -> None:
    both = evidence(entry(3.0, 7.5, se=0.5), entry(6.0, 8.0, se=0.2))
    layout = cells(both)
    at, history = known(layout, 0.6)

    result = covariance(locations(both, layout), layout, at, history).eval()

    np.testing.assert_allclose(result, [[0.25, 0.06], [0.06, 0.04]], rtol=1e-9)


@pytest.mark.parametrize(
    ("count", "below"), [(6, 7.5), (4, 8.5)], ids=["too many below", "too few below"]
)
def test_a_count_that_contradicts_its_median_is_refused(count: int, below: float) -> None:
    contradictory = evidence(
        entry(6.0, 8.0, "median"),
        entry(6.0, count, "count", threshold=below, beyond="below"),
    )
    layout = cells(contradictory)

    with pytest.raises(BadEvidence, match="contradicts the median"):
        counts_beside_median(contradictory, layout, locations(contradictory, layout))


def test_an_unused_entry_is_not_read() -> None:
    layout = cells(evidence(entry(3.0, 7.5), entry(6.0, 8.0, unused="says the same")))

    assert list(layout.months) == [3.0]


def test_a_single_arm_needs_a_stated_effect() -> None:
    arm = StudyArm("A", "control", "single-arm", 10, EntryTime(0.0, 12.0), "made up", treated=True)

    with pytest.raises(BadEvidence, match=r"effect\.hba1c is missing"):
        joint_model(Evidence(("small",), (arm,), (entry(3.0, 7.5),), {}, "5" * 64))


@pytest.mark.parametrize(
    ("bad", "word"),
    [
        ({"rhat": 1.02}, "R-hat of 'sd'"),
        ({"rhat": float("nan")}, "R-hat"),
        ({"ess_tail": 399.0}, "tail ESS"),
        ({"divergences": 1}, "divergent"),
    ],
)
def test_the_gate_says_what_failed(bad: dict[str, float], word: str) -> None:
    sound = {"rhat": 1.001, "ess_bulk": 500.0, "ess_tail": 500.0, "divergences": 0}
    places = {"rhat_of": "sd", "ess_bulk_of": "sd", "ess_tail_of": "sd"}

    assert complaints(sound | places, GATE) == ()
    lines = complaints(sound | places | bad, GATE)
    assert len(lines) == 1
    assert word in lines[0]


def test_a_cached_prior_is_used(
    small_fit: tuple[PriorDraws, list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PHASE2SIM_CACHE", str(tmp_path))
    draws, _ = small_fit
    asked = evidence(entry(0.0, REPORTED_MEAN, se=REPORTED_SE))
    provenance = {**draws.provenance, "model_version": prior_files.MODEL_VERSION}
    prior_files.save(replace(draws, provenance=provenance), prior_files.cached_path(asked.digest))
    lines: list[str] = []

    result = load_or_fit(asked, report=lines.append)

    np.testing.assert_array_equal(result.history, draws.history)
    assert lines == []  # nothing was compiled or sampled


def test_an_sd_given_baseline_has_the_chi_square_of_its_degrees_of_freedom() -> None:
    reported_sd, n = 1.2, 30
    given = replace(entry(0.0, reported_sd, "residual_sd", n), months=(0.0, 12.0))
    model = joint_model(evidence(given))
    names = ["sd", "patient_share", "decay"]

    inputs = model.value_vars
    outputs = model.replace_rvs_by_values(
        [model["residual_spreads"], *(model[name] for name in names)]
    )
    compiled = model.compile_fn(outputs, inputs=inputs, on_unused_input="ignore")
    values = compiled(model.initial_point())

    density, (sd,), (share,), (decay,) = values
    at_diagnosis_and_a_year = share + (1 - share) * decay ** np.log2(12.5 / 0.5)
    residual = sd[4] * np.sqrt(1 - at_diagnosis_and_a_year**2)  # the fifth knot is at month 12
    freedom = n - 3  # intercept, arm and baseline
    square = freedom * reported_sd**2 / residual**2
    jacobian = np.log(2 * freedom * reported_sd / residual**2)
    assert density == pytest.approx(stats.chi2.logpdf(square, freedom) + jacobian, rel=1e-9)


def test_all_chains_start_again_where_one_does_not_move(monkeypatch: pytest.MonkeyPatch) -> None:
    one_mean = evidence(entry(0.0, REPORTED_MEAN, se=REPORTED_SE))
    compiled = fit.CompiledModel(None, {"locations.value": (1,)}, 0.0)
    monkeypatch.setattr(fit.CompiledModel, "_with_numbers", lambda *_: None)
    seeds: list[int] = []
    moved = xr.DataTree()

    def sample(_model: object, seed: int, *_: object) -> xr.DataTree | None:
        seeds.append(seed)
        return moved if len(seeds) == 3 else None

    monkeypatch.setattr(fit, "_sample", sample)

    assert compiled.sample(one_mean, 7) is moved
    assert seeds == [7, 8, 9]
    monkeypatch.setattr(fit, "_sample", lambda *_: None)
    with pytest.raises(BadEvidence, match="in 5 starts a chain did not move"):
        compiled.sample(one_mean, 7)


@pytest.mark.parametrize(
    ("draws", "step", "stuck"), [(120, 2e-12, True), (120, 0.1, False), (20, 2e-12, False)]
)
def test_a_chain_is_stuck_whose_steps_have_collapsed(draws: int, step: float, stuck: bool) -> None:  # noqa: FBT001
    chains = [
        SimpleNamespace(finished_draws=n, total_draws=3000, step_size=size)
        for n, size in ((400, 0.08), (draws, step))
    ]
    progress = fit._Progress(lambda _line: None)  # noqa: SLF001

    progress.note(chains)  # type: ignore[arg-type]  # as the sampler's

    assert progress.is_stuck is stuck


@pytest.mark.parametrize(("draw", "stuck"), [(20, False), (99, True), (250, True)])
def test_steps_of_all_tuning_draws_decide_whether_a_chain_was_stuck(
    draw: int,
    stuck: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    steps = np.full((4, 400), 0.1)
    steps[2, draw] = 2e-12  # it may recover, and no look may have seen it
    recorded = xr.Dataset({"step_size": (("chain", "draw"), steps)})
    trace = xr.DataTree.from_dict({"warmup_sample_stats": recorded})

    assert fit._was_stuck(trace) is stuck  # noqa: SLF001
