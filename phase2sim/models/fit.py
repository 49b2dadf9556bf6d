"""Evidence to posterior draws: compile, sample, diagnose, thin."""

import time
from collections.abc import Callable
from importlib.metadata import version

import numpy as np
import nutpie
import xarray as xr
from pytensor.configdefaults import config
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # ships no types

from phase2sim.contracts import Floats
from phase2sim.endpoints import ENDPOINTS
from phase2sim.knowledge import Evidence, PriorDraws, Reported
from phase2sim.models.diagnostics import diagnose
from phase2sim.models.joint import joint_model
from phase2sim.models.settings import SAMPLER, Sampler
from phase2sim.models.summaries import KNOTS_MONTHS
from phase2sim.models.tables import modelled, read_entries

type Report = Callable[[str], None]

SECONDS_BETWEEN_LOOKS = 0.25
SECONDS_BETWEEN_REPORTS = 5.0
VERSIONED = ("pymc", "nutpie", "pytensor", "numpy", "phase2sim")


def fit(evidence: Evidence, seed: int, report: Report, sampler: Sampler = SAMPLER) -> PriorDraws:
    """Sample the joint posterior of the evidence; ``report`` gets lines about progress.

    The draws depend on the evidence, the seed and the sampler's settings only. They are not gated
    here: ``provenance["diagnostics"]`` says how sound they are. Raises ``BadEvidence``.
    """
    started = time.monotonic()
    report("compiling the model (a quarter of a minute; at first use about one)")
    model = joint_model(evidence)
    # Fast maths rounds a freshly compiled function otherwise than one from the compiler's cache,
    # and chains part ways over a last digit: without it the same evidence gives the same draws.
    with config.change_flags(numba__fastmath=False):
        compiled = nutpie.compile_pymc_model(model)
    compile_seconds = time.monotonic() - started
    with threadpool_limits(limits=1):  # BLAS threads on matrices this small cost 20 times as much
        trace = _sample(compiled, seed, report, sampler)
    posterior = trace["posterior"].to_dataset()
    divergences = int(np.asarray(trace["sample_stats"]["diverging"]).sum())
    report("checking the draws")
    diagnostics = diagnose(posterior, divergences)
    diagnostics["compile_seconds"] = round(compile_seconds, 1)
    diagnostics["seconds"] = round(time.monotonic() - started, 1)
    return _draws(evidence, posterior, sampler, {"seed": seed, "diagnostics": diagnostics})


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


def _draws(
    evidence: Evidence, posterior: xr.Dataset, sampler: Sampler, made: dict[str, object]
) -> PriorDraws:
    endpoints = modelled(read_entries(evidence))
    kept = {str(name): _thinned(array, sampler.kept) for name, array in posterior.items()}
    draws = kept["history"].shape[0]
    effects = {name: evidence.effects[name] for name in endpoints if name in evidence.effects}
    return PriorDraws(
        endpoints=endpoints,
        knots_months=KNOTS_MONTHS.copy(),
        history=kept["history"],
        sd=kept["sd"],
        level_sd=kept["level_sd"],
        slope_sd=kept["slope_sd"],
        patient_share=kept["patient_share"],
        decay=kept["decay"],
        endpoint_correlation=_correlation_matrices(kept.get("cross_correlation"), draws),
        effect=_effects(kept.get("effect"), endpoints, tuple(effects), draws),
        effects=effects,
        provenance={
            "digest": evidence.digest,
            "evidence": list(evidence.names),
            "elicited": [_said(entry) for entry in read_entries(evidence) if entry.elicited],
            "versions": {name: version(name) for name in VERSIONED},
            **made,
        },
    )


def _said(entry: Reported) -> str:
    months = " to ".join(f"{month:g}" for month in entry.months)
    when = f"month{'s' * (len(entry.months) > 1)} {months}"
    endpoint = ENDPOINTS[entry.endpoint].label
    return f"{entry.where}: {endpoint}, {when}: {entry.as_reported}"


def _thinned(array: xr.DataArray, kept: int) -> Floats:
    """Evenly thinned draws, chains interleaved, (draw, ...)."""
    values = np.asarray(array.transpose("draw", "chain", ...).values, dtype=np.float64)
    flat = values.reshape(-1, *values.shape[2:])
    which = np.linspace(0, len(flat) - 1, min(kept, len(flat))).round().astype(np.int64)
    return flat[which]


def _correlation_matrices(cross: Floats | None, draws: int) -> Floats:
    if cross is None:
        return np.ones((draws, 1, 1))
    matrices = np.tile(np.eye(2), (draws, 1, 1))
    matrices[:, 0, 1] = matrices[:, 1, 0] = cross
    return matrices


def _effects(
    effect: Floats | None, endpoints: tuple[str, ...], assumed: tuple[str, ...], draws: int
) -> Floats:
    found = np.full((draws, len(endpoints)), np.nan)
    for position, name in enumerate(assumed):
        if effect is not None:
            found[:, endpoints.index(name)] = effect[:, position]
    return found
