"""The evidence that could be read before a trial was published, and the fit of it."""

import hashlib
import sys
from dataclasses import dataclass, replace
from pathlib import Path

from forecast_tables import Dated

from phase2sim.evidence.load import digest_of, load_evidence
from phase2sim.evidence.reported import LOCATIONS, Evidence, ReportedNumber
from phase2sim.prior import storage
from phase2sim.prior.draws import PriorDraws
from phase2sim.prior.models.fit import sample_posterior
from phase2sim.prior.models.unknowns.settings import Sampler

ROOT = Path(__file__).parents[2]
NATURAL_HISTORY = ROOT / "priors" / "t1d-natural-history.toml"
SHORT = Sampler(chains=4, tune=700, draws=500, kept_draws=1000)
SEED = 1


@dataclass(frozen=True, slots=True)
class EvidenceBefore:
    """What was published before a trial, without its own patients."""

    evidence: Evidence
    studies: tuple[str, ...]  # that are read
    measured: frozenset[str]  # endpoints of which they report a level or a change


def shipped_evidence() -> Evidence:
    """All that the natural history file holds today."""
    return load_evidence([NATURAL_HISTORY])


def evidence_before(evidence: Evidence, trial: Dated, dates: tuple[Dated, ...]) -> EvidenceBefore:
    """Set aside what was published in the trial's first month or later, and its own patients.

    A study counts from the latest month that it can be of, a trial from the earliest.
    """

    def set_aside(entry: ReportedNumber) -> ReportedNumber:
        late = latest_month(entry, dates) >= trial.earliest
        own = entry.study in trial.leaves_out
        return replace(
            entry, unused=entry.unused or ("not before the trial" if late or own else "")
        )

    reported = tuple(set_aside(entry) for entry in evidence.reported)
    kept = replace(evidence, reported=reported)
    read = [e for e in reported if not e.unused and e.elicited is None]
    studies = tuple(sorted({e.study for e in read}))
    measured = frozenset(e.endpoint for e in read if e.statistic in {*LOCATIONS, "change"})
    return EvidenceBefore(replace(kept, digest=digest_of(kept)), studies, measured)


def latest_month(entry: ReportedNumber, dates: tuple[Dated, ...]) -> str:
    """Latest month in which an entry can have been published.

    Raises ``KeyError`` for a study without a date.
    """
    months = [
        one.latest
        for one in dates
        if (one.kind, one.name) == ("study", entry.study)
        and one.arm in {"", entry.arm}
        and one.endpoint in {"", entry.endpoint}
    ]
    if not months:
        raise KeyError(f"benchmarks/forecasts/dates.csv: no date of the study {entry.study!r}")
    return max(months)


def fit_of(evidence: Evidence, sampler: Sampler = SHORT) -> PriorDraws:
    """Draws of a fit, kept by evidence, model and length of the sampling."""
    path = storage.cache_folder() / "forecasts" / f"{_key(evidence, sampler)}.npz"
    if path.exists():
        return storage.load(path)
    sys.stderr.write(f"fitting evidence {evidence.digest[:12]}\n")
    draws = sample_posterior(evidence, SEED, lambda _line: None, sampler)
    storage.save(draws, path)
    return draws


def _key(evidence: Evidence, sampler: Sampler) -> str:
    """Digest of the evidence, of the model's sources and of the sampler's settings."""
    found = hashlib.sha256(f"{evidence.digest} {sampler}".encode())
    for path in sorted((ROOT / "phase2sim" / "prior" / "models").rglob("*.py")):
        found.update(path.name.encode() + path.read_bytes())
    return found.hexdigest()[:20]
