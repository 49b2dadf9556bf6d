"""The prior of an evidence: from the cache, else fitted, gated and kept."""

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from phase2sim.core.endpoints import ENDPOINTS
from phase2sim.core.errors import BadEvidence, PriorNotTrusted
from phase2sim.evidence.load import find_evidence, load_evidence
from phase2sim.evidence.reported import Evidence
from phase2sim.prior import storage as prior_files
from phase2sim.prior.draws import PriorDraws

ENDPOINT_PARAMETERS = (  # parameters whose first index is the endpoint
    "history", "history_raw", "sd", "log_sd_raw", "level_sd", "slope_sd", "patient_share", "decay",
    "age_slope",
)  # fmt: skip
MORE_DRAWS = 3  # times as many draws, where the gate finds too few
SEED_PURPOSE = "phase2sim prior"  # hashed with the digest: the draws depend on the evidence only


def fit(
    *evidence: str,
    beside: Path | None = None,
    refit: bool = False,
    report: Callable[[str], None] = lambda _line: None,
) -> PriorDraws:
    """Prior draws given evidence files, by name or path: fitted, or kept from an earlier fit.

    Names are looked up in ``priors/``, first near the scenario file ``beside``. Raises
    ``BadEvidence`` for files that cannot be used and ``PriorNotTrusted`` for a fit that fails.

    >>> fit("gxipc1", "t1d-natural-history").endpoints
    ('hba1c', 'c_peptide', 'insulin', 'glucose')
    """
    return load_or_fit(read_evidence(evidence, beside), refit=refit, report=report)


def read_evidence(names: Sequence[str], beside: Path | None = None) -> Evidence:
    """Load evidence files by name or path; raises ``BadEvidence``, naming ``beside`` if given."""
    try:
        return load_evidence([find_evidence(name, beside) for name in names])
    except BadEvidence as error:
        if beside is None:
            raise
        raise BadEvidence(f"{beside}: evidence: {error}") from None


def load_or_fit(evidence: Evidence, *, refit: bool = False, report: Callable[[str], None]) -> PriorDraws:
    """Posterior draws of the evidence; ``report`` gets lines about progress.

    Raises ``PriorNotTrusted`` if the fit fails its gate: its draws are put aside where nothing
    loads them. Raises ``BadEvidence`` for evidence that contradicts itself.
    """
    if not refit and (kept := _kept(evidence, report)):
        return kept
    draws, said = _sampled(evidence, report)
    path = prior_files.cached_path(evidence.digest)
    provenance = {**draws.provenance, "model_version": prior_files.MODEL_VERSION}
    if said:
        aside = prior_files.untrusted_path(path)
        failed = {**provenance, "failed_gate": list(said)}
        prior_files.save(replace(draws, provenance=failed), aside)
        raise PriorNotTrusted(refusal(evidence, said, draws.endpoints, aside))
    draws = replace(draws, provenance=provenance)
    prior_files.save(draws, path)
    return draws


def _sampled(evidence: Evidence, report: Callable[[str], None]) -> tuple[PriorDraws, Sequence[str]]:
    """Sample, longer where draws were too few, and say what the gate does not accept."""
    # PyMC takes seconds to import, and a run on a cached prior never needs it.
    from phase2sim.prior.models.diagnostics import complaints  # noqa: PLC0415
    from phase2sim.prior.models.fit import sample_posterior  # noqa: PLC0415
    from phase2sim.prior.models.unknowns.settings import GATE, SAMPLER, Sampler  # noqa: PLC0415

    def once(sampler: Sampler) -> tuple[PriorDraws, tuple[str, ...]]:
        draws = sample_posterior(evidence, seed_of(evidence), report, sampler)
        diagnostics = draws.provenance["diagnostics"]
        if not isinstance(diagnostics, dict):
            return draws, ("no diagnostics",)
        return draws, complaints(diagnostics, GATE)

    draws, said = once(SAMPLER)
    # Divergences say that part of the posterior was not reached: more draws do not reach it.
    if not said or any("divergent" in one for one in said):
        return draws, said
    report(f"too few draws ({'; '.join(said)}): sampling again, {MORE_DRAWS} times as many")
    return once(replace(SAMPLER, draws=MORE_DRAWS * SAMPLER.draws))


def refusal(evidence: Evidence, said: Sequence[str], endpoints: Sequence[str], aside: Path) -> str:
    """Say why a fit cannot be used, where its draws are, and what to try, the likeliest first."""
    names = " ".join(evidence.names)
    suspects = [ENDPOINTS[name].label for name in _blamed(said, endpoints)]
    about = f" of {' and '.join(suspects)}" if suspects else ""
    sampler = "'target_accept'" if any("divergent" in one for one in said) else "'draws'"
    return (
        f"{', '.join(evidence.names)}: the fit cannot be used: {'; '.join(said)}.\n"
        f"Its draws were put aside in {aside}, which nothing reads. What to try, in this order:\n"
        f"  1. Look for numbers{about} that contradict each other, or a slip of unit, month or n:"
        f" phase2sim evidence show {names}\n"
        f'  2. Set numbers{about} aside with unused = "why", newest first, until it fits; the'
        " last one set aside is the one to look at.\n"
        f"  3. Raise {sampler} in phase2sim/prior/models/unknowns/settings.py: slower, and no cure"
        " for evidence that disagrees with itself."
    )


def _blamed(said: Sequence[str], endpoints: Sequence[str]) -> list[str]:
    """Endpoints of the parameters that are complained of: ``decay[1]`` is of the second."""
    named = "|".join(ENDPOINT_PARAMETERS)
    places = [int(place) for one in said for place in re.findall(rf"'(?:{named})\[(\d+)", one)]
    return [name for place, name in enumerate(endpoints) if place in places]


def seed_of(evidence: Evidence) -> int:
    """Seed of an evidence's fit, below 2^63."""
    hashed = hashlib.sha256(f"{SEED_PURPOSE}:{evidence.digest}".encode()).digest()
    return int.from_bytes(hashed[:8], "big") >> 1


def _kept(evidence: Evidence, report: Callable[[str], None]) -> PriorDraws | None:
    path = prior_files.cached_path(evidence.digest)
    try:
        draws = prior_files.load(path)
    except FileNotFoundError:
        return None
    except prior_files.DamagedPrior as damage:
        report(f"fitting again: {damage}")
        return None
    made = draws.provenance
    same = made.get("digest"), made.get("model_version")
    if same != (evidence.digest, prior_files.MODEL_VERSION):
        report(f"fitting again: {path} belongs to other evidence or another model")
        return None
    return draws
