"""Evidence to posterior draws: compile, sample, diagnose, thin."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import numpy as np
import nutpie
import xarray as xr
from pytensor.configdefaults import config
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # ships no types

from phase2sim.core.arrays import Floats
from phase2sim.core.endpoints import ENDPOINTS
from phase2sim.core.kernels import lightly_optimised
from phase2sim.core.progress import Report
from phase2sim.evidence.reported import Evidence, Reported
from phase2sim.prior.draws import PriorDraws
from phase2sim.prior.models.densities.quadrature import KNOTS_MONTHS
from phase2sim.prior.models.diagnostics import diagnose
from phase2sim.prior.models.joint import SHARED, flatten_numbers, joint_model, reported_arrays
from phase2sim.prior.models.likelihoods.events import read_events
from phase2sim.prior.models.unknowns.effect import assumptions
from phase2sim.prior.models.unknowns.evidence_arrays import cells, read_entries
from phase2sim.prior.models.unknowns.settings import (
    EVENT_PRIORS,
    PRIORS,
    SAMPLER,
    EndpointPriors,
    EventPriors,
    Sampler,
)

_DERIVED_VARIABLES = frozenset(  # it follows from what is sampled
    ("history", "sd", "age_slope", "endpoint_correlation", "effect", "bias", "class_mean")
).union(["event_rate"])
SECONDS_BETWEEN_LOOKS = 0.25
SECONDS_BETWEEN_REPORTS = 5.0
VERSIONED_PACKAGES = ("pymc", "nutpie", "pytensor", "numpy", "phase2sim")


@dataclass(frozen=True, slots=True)
class CompiledModel:
    """The model of one evidence, compiled; it samples other evidence of the same shape too."""

    model: Any  # nutpie's
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
        # Fast maths rounds a freshly compiled function otherwise than one from the compiler's
        # cache, and chains part ways over a last digit: without it the same evidence gives the
        # same draws.
        with config.change_flags(numba__fastmath=False), lightly_optimised():
            compiled = nutpie.compile_pymc_model(model)
        shapes = {name: array.shape for name, array in reported_arrays(evidence).items()}
        return cls(compiled, shapes, time.monotonic() - started)

    def sample(
        self,
        evidence: Evidence,
        seed: int,
        sampler: Sampler = SAMPLER,
        report: Report = lambda _line: None,
    ) -> xr.DataTree:
        """Sample the posterior of evidence that differs in its reported numbers only.

        Raises ``ValueError`` where the numbers do not fit the arrays that were compiled.
        """
        given = reported_arrays(evidence)
        for name, array in given.items():
            if array.shape != self.shapes.get(name):
                raise ValueError(
                    f"{name} has shape {array.shape}; {self.shapes.get(name)} was compiled"
                )
        # Without a single number, as with patients' own data alone, there is none to exchange.
        own = self.model.with_data(**{SHARED: flatten_numbers(given)}) if given else self.model
        with threadpool_limits(limits=1):  # BLAS threads on such small matrices cost 20 times more
            return _sample(own, seed, report, sampler)


def sample_posterior(
    evidence: Evidence, seed: int, report: Report, sampler: Sampler = SAMPLER
) -> PriorDraws:
    """Sample the joint posterior of the evidence; ``report`` gets lines about progress.

    The draws depend on the evidence, the seed and the sampler's settings only. They are not gated
    here: ``provenance["diagnostics"]`` says how sound they are. Raises ``BadEvidence``.
    """
    started = time.monotonic()
    report("compiling the model (15 s; at its first use over a minute)")
    compiled = CompiledModel.of(evidence)
    trace = compiled.sample(evidence, seed, sampler, report)
    posterior = trace["posterior"].to_dataset()
    divergences = int(np.asarray(trace["sample_stats"]["diverging"]).sum())
    report("checking the draws")
    diagnostics = diagnose(posterior, divergences)
    diagnostics["compile_seconds"] = round(compiled.seconds, 1)
    diagnostics["seconds"] = round(time.monotonic() - started, 1)
    return to_prior(evidence, posterior, sampler, {"seed": seed, "diagnostics": diagnostics})


def _sample(compiled: object, seed: int, report: Report, sampler: Sampler) -> xr.DataTree:
    progress = _Progress(report)
    running = nutpie.sample(
        compiled,
        draws=sampler.draws,
        tune=sampler.tune,
        chains=sampler.chains,
        seed=seed,
        target_accept=sampler.target_accept,
        adaptation=sampler.adaptation,
        save_warmup=False,
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
            else:
                return trace
    except BaseException:
        running.cancel()  # its threads would go on after an interrupt
        raise


class _Progress:
    """Counts draws as the sampler's thread tells, and speaks on the caller's thread."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._started = self._spoken = time.monotonic()
        self._done = self._total = 0

    def note(self, chains: list[nutpie.ChainProgress]) -> None:
        """Take the sampler's counts."""
        self._done = sum(chain.finished_draws for chain in chains)
        self._total = sum(chain.total_draws for chain in chains)

    def speak(self) -> None:
        """Report how far it is, now and then."""
        now = time.monotonic()
        if now - self._spoken < SECONDS_BETWEEN_REPORTS or not self._done:
            return
        self._spoken = now
        left = (now - self._started) * (self._total - self._done) / self._done
        self._report(f"sampling: {self._done} of {self._total} draws, {left:.0f} s left")


def to_prior(
    evidence: Evidence, posterior: xr.Dataset, sampler: Sampler, made: dict[str, object]
) -> PriorDraws:
    """Thin draws of the model's variables, chain and draw first, to a prior; ``made`` says how."""
    endpoints = cells(evidence).endpoints
    kept = {str(name): _thinned(array, sampler.kept) for name, array in posterior.items()}
    draws = len(kept["history"])
    effects = assumptions(evidence, endpoints)
    outcomes = read_events(evidence).outcomes
    none = np.zeros((draws, 0))
    return PriorDraws(
        endpoints=endpoints,
        knots_months=KNOTS_MONTHS.copy(),
        history=kept["history"],
        sd=kept["sd"],
        level_sd=kept["level_sd"],
        slope_sd=kept["slope_sd"],
        patient_share=kept["patient_share"],
        decay=kept["decay"],
        endpoint_correlation=_matrices(kept.get("endpoint_correlation"), len(endpoints), draws),
        effect=_by_endpoint(kept.get("effect"), tuple(effects), endpoints, draws),
        effects=effects,
        provenance={
            "digest": evidence.digest,
            "evidence": list(evidence.names),
            "elicited": _elicited(evidence),
            "versions": {name: version(name) for name in VERSIONED_PACKAGES},
            **made,
        },
        bias=_by_endpoint(kept.get("bias"), tuple(effects), endpoints, draws),
        class_mean=_by_endpoint(kept.get("class_mean"), _classes(evidence), endpoints, draws),
        class_sd=_by_endpoint(kept.get("class_sd"), _classes(evidence), endpoints, draws),
        age_slope=kept["age_slope"],
        event_outcomes=outcomes,
        event_rate=kept.get("event_rate", np.zeros((draws, 0, 2))),
        event_dispersion=kept.get("event_dispersion", none),
        sampled={name: array for name, array in kept.items() if name not in _DERIVED_VARIABLES},
    )


def _elicited(evidence: Evidence) -> list[str]:
    """Say what is our judgement and not published, of all that the draws rest on."""
    said = [_said(entry) for entry in read_entries(evidence) if entry.elicited]
    weighed = {(entry.study, entry.arm) for entry in read_entries(evidence) if entry.by_weight}
    for arm in evidence.arms:
        if arm.weight_kg and (arm.study, arm.arm) in weighed:
            weight = arm.weight_kg
            said.append(f"{arm.study}: typical weight ~ N({weight.mean:g}, {weight.sd:g}) kg")
    for effect in evidence.effects.values():
        if effect.prior:
            prior = effect.prior
            said.append(
                f"effect on {ENDPOINTS[effect.endpoint].label} before the evidence"
                f" ~ N({prior.mean:g}, {prior.sd:g}) {ENDPOINTS[effect.endpoint].model_unit}"
            )
    return said


def _said(entry: Reported) -> str:
    months = " to ".join(f"{month:g}" for month in entry.months)
    when = f"month{'s' * (len(entry.months) > 1)} {months}"
    endpoint = ENDPOINTS[entry.endpoint].label
    return f"{entry.where}: {endpoint}, {when}: {entry.as_reported}"


def _thinned(array: xr.DataArray, kept: int) -> Floats:
    """Evenly thinned draws, chains interleaved, (draw, ...)."""
    values = np.asarray(array.transpose("draw", "chain", ...).values, dtype=np.float64)
    draws_in_order = values.reshape(-1, *values.shape[2:])
    which = (
        np.linspace(0, len(draws_in_order) - 1, min(kept, len(draws_in_order)))
        .round()
        .astype(np.int64)
    )
    return draws_in_order[which]


def _matrices(pairs: Floats | None, endpoints: int, draws: int) -> Floats:
    """Correlation matrices (draw, endpoint, endpoint) from their lower triangles."""
    matrices = np.tile(np.eye(endpoints), (draws, 1, 1))
    if pairs is not None:
        rows, columns = np.tril_indices(endpoints, -1)
        matrices[:, rows, columns] = matrices[:, columns, rows] = pairs
    return matrices


def _classes(evidence: Evidence) -> tuple[str, ...]:
    return tuple(name for name in PRIORS if name in evidence.classes)


def _by_endpoint(
    found: Floats | None, names: tuple[str, ...], endpoints: tuple[str, ...], draws: int
) -> Floats:
    """Draws of some endpoints in the places of all, (draw, endpoint), nan elsewhere."""
    placed = np.full((draws, len(endpoints)), np.nan)
    if found is not None:
        placed[:, [endpoints.index(name) for name in names]] = found
    return placed
