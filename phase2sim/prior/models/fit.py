"""From evidence to posterior draws: compile, sample, diagnose and thin."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, TypedDict

import numpy as np
import nutpie
import xarray as xr
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # ships no types

from phase2sim.core.arrays import Floats
from phase2sim.core.errors import BadEvidence
from phase2sim.core.history_priors import PRIORS, EndpointPriors
from phase2sim.core.kernels import lightly_optimised, rare_garbage_collections
from phase2sim.core.progress import Report
from phase2sim.evidence.assumed_effects import assumptions
from phase2sim.evidence.elicited import elicited_inputs
from phase2sim.evidence.reported import Evidence
from phase2sim.prior.draws import PriorDraws
from phase2sim.prior.entry import LEARNED, learned_provenance
from phase2sim.prior.models.compiled_graph import graphs_compiled_once
from phase2sim.prior.models.densities.quadrature import KNOTS_MONTHS
from phase2sim.prior.models.diagnostics import diagnose
from phase2sim.prior.models.joint import SHARED, flatten_numbers, joint_model, reported_arrays
from phase2sim.prior.models.kernels_ahead import compiled_ahead
from phase2sim.prior.models.likelihoods.events import read_events
from phase2sim.prior.models.unknowns.care import care_effects
from phase2sim.prior.models.unknowns.evidence_arrays import Cells, cells
from phase2sim.prior.models.unknowns.settings import EVENT_PRIORS, SAMPLER, EventPriors, Sampler

_DERIVED_VARIABLES = frozenset(  # functions of the sampled variables
    ("history", "sd", "age_slope", "endpoint_correlation", "effect", "bias", "class_mean")
).union(
    ["level_sd", "slope_sd", "diagnosis_sd", "spread_sd", "share_sd", "event_rate", "care_effect"]
)
SECONDS_BETWEEN_LOOKS = 0.25
_DRAWS_TO_FIND_A_STEP, _STUCK_BELOW = 100, 1e-6  # a chain that moves has steps near 0.1
_MOST_STARTS = 5
SECONDS_BETWEEN_REPORTS = 5.0
VERSIONED_PACKAGES = ("pymc", "nutpie", "pytensor", "numpy", "phase2sim")


@dataclass(frozen=True, slots=True)
class CompiledModel:
    """A compiled model; it can sample any evidence whose arrays have the same shapes."""

    model: Any  # compiled by nutpie
    shapes: Mapping[str, tuple[int, ...]]  # of the arrays of reported numbers
    seconds: float

    @classmethod
    def of(
        cls,
        evidence: Evidence,
        priors: Mapping[str, EndpointPriors] = PRIORS,
        event_priors: EventPriors = EVENT_PRIORS,
    ) -> "CompiledModel":
        """Build and compile the model; raises ``BadEvidence``."""
        started = time.monotonic()
        model = joint_model(evidence, priors, event_priors)
        with (
            compiled_ahead(model.potentials),
            lightly_optimised(),
            rare_garbage_collections(),
            graphs_compiled_once(),
        ):
            compiled = nutpie.compile_pymc_model(model)
        shapes = {name: array.shape for name, array in reported_arrays(evidence).items()}
        return cls(compiled, shapes, time.monotonic() - started)

    def _with_numbers(self, arrays: Mapping[str, Floats]) -> object:
        """Model of these reported numbers; evidence with only individual data has none."""
        return self.model.with_data(**{SHARED: flatten_numbers(arrays)}) if arrays else self.model

    def sample(
        self,
        evidence: Evidence,
        seed: int,
        sampler: Sampler = SAMPLER,
        report: Report = lambda _line: None,
    ) -> xr.DataTree:
        """Sample the posterior of evidence that differs only in its reported numbers.

        Raises ``ValueError`` if the arrays of numbers do not have the compiled shapes.
        """
        arrays = reported_arrays(evidence)
        for name, array in arrays.items():
            if array.shape != self.shapes.get(name):
                raise ValueError(
                    f"{name} has shape {array.shape}; {self.shapes.get(name)} was compiled"
                )
        model = self._with_numbers(arrays)
        with threadpool_limits(limits=1):  # BLAS threads make these small matrices 20 times slower
            for start in range(_MOST_STARTS):
                trace = _sample(model, (seed + start) % 2**64, report, sampler)
                if trace is not None:
                    return trace
                report("a chain does not move; all start again from other points")
        raise BadEvidence(
            f"{', '.join(evidence.names)}: in {_MOST_STARTS} starts a chain did not move. Two of"
            " its numbers may contradict each other: phase2sim evidence show lists them all."
        )


def sample_posterior(
    evidence: Evidence, seed: int, report: Report, sampler: Sampler = SAMPLER
) -> PriorDraws:
    """Sample the joint posterior of the evidence; ``report`` receives lines about progress.

    The draws depend only on the evidence, the seed and the sampler's settings. The gate is applied
    later, to ``provenance["diagnostics"]``. Raises ``BadEvidence``.
    """
    started = time.monotonic()
    report("compiling the model (10 s; at its first use up to two minutes)")
    compiled = CompiledModel.of(evidence)
    trace = compiled.sample(evidence, seed, sampler, report)
    posterior = trace["posterior"].to_dataset()
    divergences = int(np.asarray(trace["sample_stats"]["diverging"]).sum())
    report("checking the draws")
    diagnostics = diagnose(posterior, divergences)
    diagnostics["compile_seconds"] = round(compiled.seconds, 1)
    diagnostics["seconds"] = round(time.monotonic() - started, 1)
    return to_prior(evidence, posterior, sampler, {"seed": seed, "diagnostics": diagnostics})


def _sample(compiled: object, seed: int, report: Report, sampler: Sampler) -> xr.DataTree | None:
    """Sample all chains; None as soon as one of them does not move.

    A start may throw a chain so far off that the mass matrix, and with it every later step,
    collapses. Looks while it runs only save time: the steps of all tuning draws decide.
    """
    progress = _Progress(report)
    running = nutpie.sample(
        compiled,
        draws=sampler.draws,
        tune=sampler.tune,
        chains=sampler.chains,
        seed=seed,
        target_accept=sampler.target_accept,
        adaptation=sampler.adaptation,
        maxdepth=sampler.most_doublings,
        mass_matrix_eigval_cutoff=sampler.eigenvalue_cutoff,
        mass_matrix_gamma=sampler.regularisation,
        save_warmup=True,
        progress_bar=False,
        progress_callback=progress.note,
        blocking=False,
    )
    try:
        while True:
            try:
                trace: xr.DataTree = running.wait(timeout=SECONDS_BETWEEN_LOOKS)
            except TimeoutError:
                progress.speak()
                if progress.is_stuck:
                    running.cancel()
                    return None
            else:
                return None if _was_stuck(trace) else trace
    except BaseException:
        running.cancel()  # else its threads continue after an interrupt
        raise


def _was_stuck(trace: xr.DataTree) -> bool:
    """True if the steps of a chain collapsed after its first draws."""
    steps = np.asarray(trace["warmup_sample_stats"].to_dataset()["step_size"])
    return bool(np.any(steps[:, _DRAWS_TO_FIND_A_STEP - 1 :] < _STUCK_BELOW))


class _Progress:
    """Progress of a sampler: counts come from its thread, reports are made on the caller's."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._started = self._spoken = time.monotonic()
        self._done = self._total = 0
        self.is_stuck = False

    def note(self, chains: list[nutpie.ChainProgress]) -> None:
        """Store the sampler's counts."""
        self._done = sum(chain.finished_draws for chain in chains)
        self._total = sum(chain.total_draws for chain in chains)
        self.is_stuck = any(
            chain.finished_draws >= _DRAWS_TO_FIND_A_STEP and chain.step_size < _STUCK_BELOW
            for chain in chains
        )

    def speak(self) -> None:
        """Report the progress, at most every ``SECONDS_BETWEEN_REPORTS``."""
        now = time.monotonic()
        if now - self._spoken < SECONDS_BETWEEN_REPORTS or not self._done:
            return
        self._spoken = now
        seconds_left = (now - self._started) * (self._total - self._done) / self._done
        self._report(f"sampling: {self._done} of {self._total} draws, {seconds_left:.0f} s left")


def to_prior(
    evidence: Evidence, posterior: xr.Dataset, sampler: Sampler, provenance: dict[str, object]
) -> PriorDraws:
    """Thin the posterior draws to a prior.

    ``provenance`` holds seed and diagnostics, to be kept with the draws.
    """
    layout = cells(evidence)
    endpoints = layout.endpoints
    arrays = {str(name): _thin(array, sampler.kept_draws) for name, array in posterior.items()}
    draws = len(arrays["history"])
    effects = assumptions(evidence, endpoints)
    classes = _class_endpoints(evidence)
    return PriorDraws(
        endpoints=endpoints,
        knots_months=KNOTS_MONTHS.copy(),
        history=arrays["history"],
        sd=arrays["sd"],
        level_sd=arrays["level_sd"],
        slope_sd=arrays["slope_sd"],
        patient_share=arrays["patient_share"],
        decay=arrays["decay"],
        endpoint_correlation=_correlation_matrices(arrays, len(endpoints)),
        effect=_place_by_endpoint(arrays.get("effect"), tuple(effects), endpoints, draws),
        effects=effects,
        provenance=_origin(evidence, layout) | provenance,
        bias=_place_by_endpoint(arrays.get("bias"), tuple(effects), endpoints, draws),
        class_mean=_place_by_endpoint(arrays.get("class_mean"), classes, endpoints, draws),
        class_sd=_place_by_endpoint(arrays.get("class_sd"), classes, endpoints, draws),
        age_slope=arrays["age_slope"],
        diagnosis_sd=arrays["diagnosis_sd"],
        spread_sd=arrays["spread_sd"],
        share_sd=arrays["share_sd"],
        **_care_draws(evidence, arrays.get("care_effect"), endpoints, draws),
        event_outcomes=read_events(evidence).outcomes,
        event_rate=arrays.get("event_rate", np.zeros((draws, 0, 2))),
        event_dispersion=arrays.get("event_dispersion", np.zeros((draws, 0))),
        sampled={name: array for name, array in arrays.items() if name not in _DERIVED_VARIABLES},
    )


def _origin(evidence: Evidence, layout: Cells) -> dict[str, object]:
    return {
        "digest": evidence.digest,
        "evidence": list(evidence.names),
        "elicited": [f"{given.key}: {given.value}" for given in elicited_inputs(evidence)],
        LEARNED: learned_provenance(evidence),
        "study_age": list(layout.unknown_age),  # of each column of that variable
        "reference_age": evidence.reference_age,
        "clock": evidence.clock,
        "versions": {name: version(name) for name in VERSIONED_PACKAGES},
    }


def _thin(array: xr.DataArray, draws: int) -> Floats:
    """Draws (draw, ...) of evenly spaced iterations of every chain, chains interleaved."""
    values = np.asarray(array.transpose("draw", "chain", ...).values, dtype=np.float64)
    iterations, chains = values.shape[:2]
    kept = min(max(draws // chains, 1), iterations)
    spaced = np.linspace(0, iterations - 1, kept).round().astype(np.int64)
    return values[spaced].reshape(kept * chains, *values.shape[2:])


def _correlation_matrices(arrays: Mapping[str, Floats], endpoints: int) -> Floats:
    """Correlation matrices (draw, endpoint, endpoint) from their lower triangles."""
    matrices = np.tile(np.eye(endpoints), (len(arrays["history"]), 1, 1))
    if (pairs := arrays.get("endpoint_correlation")) is not None:
        rows, columns = np.tril_indices(endpoints, -1)
        matrices[:, rows, columns] = matrices[:, columns, rows] = pairs
    return matrices


def _class_endpoints(evidence: Evidence) -> tuple[str, ...]:
    return tuple(name for name in PRIORS if name in evidence.classes)


class _CareDraws(TypedDict):
    care_covariates: tuple[str, ...]
    care_effect: Floats


def _care_draws(
    evidence: Evidence, values: Floats | None, endpoints: tuple[str, ...], draws: int
) -> _CareDraws:
    """Effects of care (draw, covariate, endpoint), 0 where none is assumed, and the covariates."""
    names = tuple(evidence.care)
    placed = np.zeros((draws, len(names), len(endpoints)))
    for column, (name, endpoint) in enumerate(care_effects(evidence, endpoints)):
        if values is not None:
            placed[:, names.index(name), endpoints.index(endpoint)] = values[:, column]
    return {"care_covariates": names, "care_effect": placed}


def _place_by_endpoint(
    values: Floats | None, names: tuple[str, ...], endpoints: tuple[str, ...], draws: int
) -> Floats:
    """Draws of the named endpoints among all, (draw, endpoint); nan for the others."""
    placed = np.full((draws, len(endpoints)), np.nan)
    if values is not None:
        placed[:, [endpoints.index(name) for name in names]] = values
    return placed
