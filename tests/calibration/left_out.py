"""Reports of studies that were left out of the fit, simulated from the fit to all other studies.

What was simulated of a study is kept in a JSON file in the folder of kept fits, under a digest of
all that it depends on, so that a run that was stopped goes on where it was.
"""

import hashlib
import json
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from calibration.all_but_one import AllButOne
from calibration.kept import digest
from numpy.typing import NDArray

from phase2sim.core.io.atomic_files import write_bytes
from phase2sim.evidence.reported import Evidence, ReportedNumber
from phase2sim.prior.draws import PriorDraws
from phase2sim.prior.models.diagnostics import diagnose
from phase2sim.prior.models.fit import to_prior
from phase2sim.prior.models.unknowns.evidence_arrays import is_cross_correlation
from phase2sim.prior.models.unknowns.settings import Sampler
from phase2sim.prior.replicates.parameters import parameters_of
from phase2sim.prior.replicates.replicate import Quantity, quantities, replicate
from phase2sim.prior.storage import MODEL_VERSION, cache_folder

type Floats = NDArray[np.float64]

REPLICAS = 2000
SHORT = Sampler(chains=4, tune=500, draws=500, target_accept=0.95, kept_draws=REPLICAS)
SEED = 2
BETWEEN_STUDIES = ("level_sd", "slope_sd", "diagnosis_sd", "spread_sd", "share_sd")
PROSE = frozenset(  # fields that no fit reads
    ("file", "number", "source", "as_reported", "place_in_source", "why", "note", "weight_why")
).union(["population", "dose"])


@dataclass(frozen=True, slots=True)
class LeftOut:
    """One reported number of a study that was not fitted, beside simulated reports of it."""

    entry: ReportedNumber
    what: str  # "mean", "count", "SD", "quartile width", "slope", ...
    reported: float
    simulated: Floats  # (replica,)


def studies_of(evidence: Evidence) -> list[str]:
    """Studies with a number to be predicted, where others inform on its endpoint too."""
    read = [entry for entry in evidence.reported if is_predicted(entry)]
    by_endpoint = {(entry.study, name) for entry in read for name in entry.measured}
    shared = {
        study
        for study, endpoint in by_endpoint
        if sum(other == endpoint for _, other in by_endpoint) > 1
    }
    return sorted(shared)


def is_predicted(entry: ReportedNumber) -> bool:
    """True for what a paper reports of measured endpoints, without correlations of two of them."""
    unread = entry.unused or entry.elicited or is_cross_correlation(entry)
    return bool(entry.measured) and not unread


def without(evidence: Evidence, study: str) -> Evidence:
    """The same evidence with a study's numbers unread; correlations of endpoints stay."""
    reported = tuple(
        replace(entry, unused="left out") if entry.study == study and is_predicted(entry) else entry
        for entry in evidence.reported
    )
    return replace(evidence, reported=reported)


def leave_out(
    evidence: Evidence, study: str, compiled: Callable[[], AllButOne], *, again: bool = False
) -> list[LeftOut]:
    """Sample without a study and simulate its report, or read what was kept of that.

    ``compiled`` gives the model of all studies, and is only called where it is needed.
    """
    path = kept_file(evidence, study)
    if again or not path.exists():
        found = _sample_and_simulate(evidence, study, compiled())
        path.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(path, json.dumps(found).encode())
    return read_kept(evidence, study)


def read_kept(evidence: Evidence, study: str) -> list[LeftOut]:
    """Numbers of a study beside their simulated reports; fails if none were kept."""
    found = kept(evidence, study)
    report = own_report(evidence, study, found["endpoints"])
    simulated = np.array(found["simulated"]).T
    return list(_left_out(quantities(report), simulated))


def kept(evidence: Evidence, study: str) -> Mapping[str, Any]:
    """What was kept of a study: seconds, diagnostics, simulated reports, SDs between studies."""
    found: Mapping[str, Any] = json.loads(kept_file(evidence, study).read_bytes())
    return found


def kept_file(evidence: Evidence, study: str) -> Path:
    """File of a study, named by all that the simulated reports depend on."""
    parts = [str(MODEL_VERSION), digest(), repr(SHORT), str(SEED), str(REPLICAS), study]
    parts += [_content(row) for row in (*evidence.arms, *evidence.reported) if row.study == study]
    rest = without(evidence, study)
    parts += [_content(row) for row in (*rest.arms, *rest.reported)]
    name = hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]
    return cache_folder() / "left-out" / f"{name}.json"


def own_report(evidence: Evidence, study: str, endpoints: Iterable[str]) -> Evidence:
    """The numbers of a study on endpoints that the fit to the others has."""
    own = tuple(
        entry
        for entry in evidence.reported
        if entry.study == study and is_predicted(entry) and set(entry.measured) <= set(endpoints)
    )
    return replace(evidence, reported=own)


def _sample_and_simulate(evidence: Evidence, study: str, compiled: AllButOne) -> Mapping[str, Any]:
    started = time.monotonic()
    trace = compiled.sample(lambda e: e.study == study and is_predicted(e), SEED, SHORT)
    posterior = trace["posterior"].to_dataset()
    divergences = int(np.asarray(trace["sample_stats"]["diverging"]).sum())
    prior = to_prior(evidence, posterior, SHORT, {})
    endpoints = known_endpoints(evidence, study)
    return {
        "study": study,
        "model_version": MODEL_VERSION,
        "evidence": evidence.digest,
        "endpoints": endpoints,
        "diagnostics": diagnose(posterior, divergences),
        "simulated": simulate(own_report(evidence, study, endpoints), prior).round(6).tolist(),
        "between_studies": {name: _mean_and_sd(getattr(prior, name)) for name in BETWEEN_STUDIES},
        "seconds": round(time.monotonic() - started),
    }


def known_endpoints(evidence: Evidence, study: str) -> list[str]:
    """Endpoints that other studies inform on."""
    others = (e for e in evidence.reported if e.study != study and is_predicted(e))
    return sorted({name for entry in others for name in entry.measured})


def _mean_and_sd(draws: Floats) -> list[list[float]]:
    return [draws.mean(axis=0).tolist(), draws.std(axis=0).tolist()]


def simulate(report: Evidence, prior: PriorDraws) -> Floats:
    """Simulated reports (replica, quantity) of new studies, one for each draw."""
    rng = np.random.default_rng(SEED)
    draws = range(len(prior.history))
    return np.array([replicate(report, parameters_of(prior, draw), rng) for draw in draws])


def _left_out(reported: Iterable[Quantity], simulated: Floats) -> Iterable[LeftOut]:
    """Pair each quantity with its simulated values; of two quartiles take their distance."""
    lower: tuple[float, Floats] | None = None
    for quantity, values in zip(reported, simulated, strict=True):
        if quantity.what in ("lower quartile", "smallest"):
            lower = quantity.value, values
        elif lower is not None:
            what = "quartile width" if quantity.what == "upper quartile" else "width of the range"
            yield LeftOut(quantity.entry, what, quantity.value - lower[0], values - lower[1])
            lower = None
        else:
            yield LeftOut(quantity.entry, quantity.what, quantity.value, values)


def _content(row: object) -> str:
    """All fields of an arm or number but its prose."""
    named = asdict(row)  # type: ignore[call-overload]  # a dataclass
    return repr({name: value for name, value in named.items() if name not in PROSE})
