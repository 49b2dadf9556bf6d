"""Fitted priors: loaded from the cache, or sampled, checked by the gate and kept."""

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from phase2sim.core.endpoints import ENDPOINTS
from phase2sim.core.errors import BadEvidence, NotWritten, PriorNotTrusted
from phase2sim.evidence.load import find_evidence, load_evidence
from phase2sim.evidence.reported import Evidence
from phase2sim.prior import storage as prior_files
from phase2sim.prior.draws import PriorDraws
from phase2sim.prior.untreated import check_untreated

ENDPOINT_PARAMETERS = (  # parameters with the endpoint as first index
    "history", "history_raw", "sd", "log_sd_raw", "level_sd", "slope_sd", "patient_share", "decay",
    "age_slope", "diagnosis_sd", "spread_sd", "share_sd",
)  # fmt: skip
MORE_DRAWS = 3  # factor of the number of draws, if the gate finds too few
SHORTER_STEPS = 0.99  # target acceptance, if a few transitions diverge
FEW = 0.01  # share of divergent transitions that shorter steps may end
SEED_PURPOSE = (
    "phase2sim prior"  # hashed with the digest, so that the draws depend only on the evidence
)


def fit(
    *evidence: str,
    beside: Path | None = None,
    refit: bool = False,
    report: Callable[[str], None] = lambda _line: None,
) -> PriorDraws:
    """Fit the model to evidence files, or load the draws of an earlier fit of the same evidence.

    A first fit takes a few minutes. Its draws are kept in the cache folder (``PHASE2SIM_CACHE``)
    and depend only on the evidence: their seed is a hash of it.

    Parameters
    ----------
    *evidence : str
        Evidence files: names such as ``"gxipc1"``, looked up in ``priors/``, or paths that end in
        ``.toml``.
    beside : Path, optional
        A scenario file; names are first looked up near it.
    refit : bool, default False
        If True, sample again even if a kept fit exists.
    report : callable, optional
        Function that receives lines of text about progress.

    Returns
    -------
    PriorDraws
        Joint posterior draws of natural history, variation and effects, model scale.

    Raises
    ------
    BadEvidence
        If a file is missing, cannot be read, or contradicts itself or another file.
    PriorNotTrusted
        If the fit fails the gate: R-hat above 1.01, an effective sample size below 400, or a
        divergent transition. Its draws are put aside and never used.

    References
    ----------
    The model is described in ``docs/methods/natural-history.md``. R-hat and effective sample sizes:
    Vehtari, Gelman, Simpson, Carpenter and Buerkner, Bayesian Analysis 2021.

    Examples
    --------
    >>> prior = fit("gxipc1", "t1d-natural-history")
    >>> prior.endpoints
    ('hba1c', 'c_peptide', 'insulin', 'glucose')

    The file gxipc1 assumes that its effects have nothing in common, and a sceptical SD of 0.5 %
    HbA1c:

    >>> prior.effects["hba1c"].shared, prior.effects["hba1c"].sceptical_sd
    (0.0, 0.5)
    """
    return load_or_fit(read_evidence(evidence, beside), refit=refit, report=report)


def read_evidence(names: Sequence[str], beside: Path | None = None) -> Evidence:
    """Load evidence files by name or path; a ``BadEvidence`` error names ``beside`` if given."""
    try:
        return load_evidence([find_evidence(name, beside) for name in names])
    except BadEvidence as error:
        if beside is None:
            raise
        raise BadEvidence(f"{beside}: evidence: {error}") from None


def load_or_fit(
    evidence: Evidence, *, refit: bool = False, report: Callable[[str], None]
) -> PriorDraws:
    """Load the kept draws of the evidence, or fit it; ``report`` receives lines about progress.

    Raises ``PriorNotTrusted`` if the fit fails the gate; its draws are put aside in a file that no
    command loads. Raises ``BadEvidence`` for evidence that contradicts itself, or that has no
    untreated patients, and ``BadInput``, before it fits, where a fit cannot be kept.
    """
    if not refit and (kept := _load_kept_draws(evidence, report)):
        return kept
    check_untreated(evidence)
    path = prior_files.cached_path(evidence.digest)
    if aside := prior_files.try_cache(path):
        report(f"{path}: was not a file; it is now {aside}")
    draws, problems = _sample_within_gate(evidence, report)
    provenance = {**draws.provenance, "model_version": prior_files.MODEL_VERSION}
    if problems:
        untrusted = prior_files.untrusted_path(path)
        failed = {**provenance, "failed_gate": list(problems)}
        _keep(replace(draws, provenance=failed), untrusted, report)
        raise PriorNotTrusted(refusal(evidence, problems, draws.endpoints, untrusted))
    draws = replace(draws, provenance=provenance)
    _keep(draws, path, report)
    return draws


def kept_draws(evidence: Evidence) -> PriorDraws | None:
    """Load the kept draws of the evidence; None if there are none, or they cannot be used."""
    return _load_kept_draws(evidence, lambda _line: None)


def _keep(draws: PriorDraws, path: Path, report: Callable[[str], None]) -> None:
    """Keep draws; where the disk is full by now they are used all the same, and it is said."""
    try:
        prior_files.save(draws, path)
    except NotWritten as error:
        report(f"{error} Until then the same evidence is fitted again each time.")


def _sample_within_gate(
    evidence: Evidence, report: Callable[[str], None]
) -> tuple[PriorDraws, Sequence[str]]:
    """Sample, again with shorter steps or more draws where these may help.

    Returns draws and failed diagnostics.
    """
    # Importing PyMC takes seconds, and a run with a kept fit does not need it.
    from phase2sim.prior.models.diagnostics import complaints  # noqa: PLC0415
    from phase2sim.prior.models.fit import sample_posterior  # noqa: PLC0415
    from phase2sim.prior.models.unknowns.settings import GATE, SAMPLER, Sampler  # noqa: PLC0415

    def once(sampler: Sampler) -> tuple[PriorDraws, tuple[str, ...], float]:
        draws = sample_posterior(evidence, seed_of(evidence), report, sampler)
        diagnostics = draws.provenance["diagnostics"]
        if not isinstance(diagnostics, dict):
            return draws, ("no diagnostics",), 0.0
        divergent = diagnostics["divergences"] / (sampler.chains * sampler.draws)
        return draws, complaints(diagnostics, GATE), divergent

    draws, problems, divergent = once(SAMPLER)
    sampler = SAMPLER
    # Divergences mean that a part of the posterior was not explored; more draws do not help.
    if 0.0 < divergent < FEW:
        report(f"{'; '.join(problems)}: sampling again with shorter steps")
        sampler = replace(sampler, target_accept=SHORTER_STEPS)
        draws, problems, divergent = once(sampler)
    if not problems or divergent:
        return draws, problems
    report(f"too few draws ({'; '.join(problems)}): sampling again, {MORE_DRAWS} times as many")
    draws, problems, _ = once(replace(sampler, draws=MORE_DRAWS * sampler.draws))
    return draws, problems


def refusal(
    evidence: Evidence, problems: Sequence[str], endpoints: Sequence[str], untrusted: Path
) -> str:
    """Explain why a fit cannot be used, where its draws are, and what to try."""
    names = " ".join(evidence.names)
    suspects = [ENDPOINTS[name].label for name in _suspect_endpoints(problems, endpoints)]
    about = f" of {' and '.join(suspects)}" if suspects else ""
    return (
        f"{', '.join(evidence.names)}: the fit cannot be used: {'; '.join(problems)}.\n"
        f"Its draws were put aside in {untrusted}, which nothing reads. What to try, in this"
        " order:\n"
        f"  1. Look for numbers{about} that contradict each other, or a slip of unit, month or n:"
        f" phase2sim evidence show {names}\n"
        f'  2. Set numbers{about} aside with unused = "why", newest first, until it fits; the'
        " last one set aside is the one to look at.\n"
        "  3. Add evidence on the same endpoints and months: what only the priors hold together is"
        " hard to sample, and more or shorter steps of the sampler are no cure."
    )


def _suspect_endpoints(problems: Sequence[str], endpoints: Sequence[str]) -> list[str]:
    """Endpoints of the parameters in the problems: ``decay[1]`` belongs to the second endpoint."""
    parameters = "|".join(ENDPOINT_PARAMETERS)
    positions = [
        int(position)
        for problem in problems
        for position in re.findall(rf"'(?:{parameters})\[(\d+)", problem)
    ]
    return [name for position, name in enumerate(endpoints) if position in positions]


def seed_of(evidence: Evidence) -> int:
    """Seed of the fit of an evidence, below 2^63."""
    hashed = hashlib.sha256(f"{SEED_PURPOSE}:{evidence.digest}".encode()).digest()
    return int.from_bytes(hashed[:8], "big") >> 1


def _load_kept_draws(evidence: Evidence, report: Callable[[str], None]) -> PriorDraws | None:
    path = prior_files.cached_path(evidence.digest)
    try:
        draws = prior_files.load(path)
    except FileNotFoundError:
        return None
    except prior_files.DamagedPrior as damage:
        report(f"fitting again: {damage}")
        return None
    provenance = draws.provenance
    fit_key = provenance.get("digest"), provenance.get("model_version")
    if fit_key != (evidence.digest, prior_files.MODEL_VERSION):
        report(f"fitting again: {path} belongs to other evidence or another model")
        return None
    return draws
