"""What the fit owes to its own priors, and what to each kind of evidence.

Run as a script it writes docs/methods/prior-sensitivity.md; about ten minutes on two cores.
"""

import sys
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from phase2sim.core.arrays import Floats
from phase2sim.core.endpoints import ENDPOINTS
from phase2sim.core.history_priors import PRIORS, EndpointPriors
from phase2sim.evidence.load import load_evidence
from phase2sim.evidence.reported import Evidence
from phase2sim.prior.analysis_priors import control_mean_at, effect_at, trial_entry
from phase2sim.prior.draws import PriorDraws
from phase2sim.prior.models.diagnostics import diagnose
from phase2sim.prior.models.fit import CompiledModel, to_prior
from phase2sim.prior.models.unknowns.settings import SAMPLER

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "methods" / "prior-sensitivity.md"
SHIPPED = ("gxipc1", "t1d-natural-history")
SIDES = {
    "phase 1 alone": SHIPPED,
    "class alone": ("msc-randomised", "t1d-natural-history"),
    "both": ("gxipc1", "msc-randomised", "t1d-natural-history"),
}
SCALES = (0.5, 1.0, 2.0)
READ = (("hba1c", 6.0), ("c_peptide", 12.0))
WORDS = """# Sensitivity of the fit to its priors

## Priors of the SDs between studies

The level of a study and its slope per month are normal about the common curve; their SDs have
half-normal priors. These SDs determine how much a published control arm says about a new one, but a
few studies cannot estimate them well. So the scales of their priors were halved and doubled:

| scale of both priors | SD of the level between studies | control mean of a new trial | \
effect |
|---|---|---|---|
{scales}

Mean (SD) of the draws. The control mean is that of patients who enter as the fit learned of the
GXIPC1 trial's; n0 is the effective sample size, the number of patients whose mean has the same SD.

## Each kind of evidence alone, and together

`gxipc1` is the single arm, `msc-randomised` are published randomised trials of the class; each was
fitted with the same natural history. With evidence on the class, the single arm's effect is one
more draw from it; without, its prior is the stated sceptical prior.

| evidence | effect on HbA1c at month 6, % | effect on C-peptide at month 12, ln(nmol/L + 1) |
|---|---|---|
{sides}

Mean (SD), and the probability of benefit. `phase2sim prior compare` shows the same for kept fits.

## Elicited inputs

`phase2sim prior sensitivity` moves each elicited input with all else as stated. The posterior for
other inputs has the density of the fitted one times a ratio, so its draws are those of the fit,
weighted by that ratio (Pareto-smoothed, Vehtari et al., JMLR 2024):

- `sceptical_sd`, `bias_sd`, `shared`, `prior`, `between_trials_sd`: the ratio of the prior
  densities of the effects (multivariate normal), the bias (normal), the class mean (normal) and the
  SD between trials (half-normal), in closed form. All other unknowns are independent of these
  inputs before the evidence, so they cancel.
- half times and other keys of a shape, elicited numbers, typical weights: the ratio of the
  likelihoods of the studies that are affected, evaluated at every draw by the fit's own model.
- `robust_weight`: no draw changes. The trials of both parts are mixed in other shares.

Where Pareto k is above 0.7, and for `shared = 1`, which has no density, the model is fitted again
with the other input. The assurance of the fitted part is the weighted share of go over its trials;
trials are simulated again where the size over time or the sceptical part changes. Its error is from
batches of neighbouring draws, so it holds the error of the draws and that of the trials.
Differences are on the same patients. Checked against conjugate normal posteriors, halved and
doubled (`tests/prior/test_knobs.py`).

Written by `uv run python tests/calibration/sensitivity.py` on {day}, evidence {digest}.
"""


def evidence_of(names: Iterable[str]) -> Evidence:
    """Read shipped evidence files."""
    return load_evidence([ROOT / "priors" / f"{name}.toml" for name in names])


def draws_of(evidence: Evidence, priors: Mapping[str, EndpointPriors] = PRIORS) -> PriorDraws:
    """Fit; stop where the sampler did not converge."""
    trace = CompiledModel.of(evidence, priors).sample(evidence, 1)
    posterior = trace["posterior"].to_dataset()
    diagnostics = diagnose(posterior, int(np.asarray(trace["sample_stats"]["diverging"]).sum()))
    sys.stderr.write(f"{' '.join(evidence.names)}: {diagnostics}\n")
    return to_prior(evidence, posterior, SAMPLER, {"diagnostics": diagnostics})


def heterogeneity(factor: float) -> Mapping[str, EndpointPriors]:
    """Priors with other scales of how studies differ."""
    return {
        name: replace(
            prior, level_scale=factor * prior.level_scale, slope_scale=factor * prior.slope_scale
        )
        for name, prior in PRIORS.items()
    }


def told(draws: Floats, digits: int = 2) -> str:
    """Mean and SD."""
    return f"{draws.mean():.{digits}f} ({draws.std():.{digits}f})"


def scale_row(evidence: Evidence, factor: float) -> Iterable[str]:
    """One line an endpoint."""
    prior = draws_of(evidence, heterogeneity(factor))
    entry = trial_entry(evidence, prior)
    for endpoint, month in READ:
        e = prior.endpoints.index(endpoint)
        mean = control_mean_at(prior, endpoint, month, entry)
        knot = int(np.searchsorted(prior.knots_months, month))
        alike = float((prior.sd[:, e, knot] ** 2).mean() / mean.var())
        effect = effect_at(prior, endpoint, month)
        label = f"x {factor:g}, {ENDPOINTS[endpoint].label} at month {month:g}"
        cells = (told(prior.level_sd[:, e]), f"{told(mean)}, n0 = {alike:.0f}", told(effect, 3))
        yield f"| {label} | {' | '.join(cells)} |"


def side_row(name: str, files: Iterable[str]) -> str:
    """Effects by what the evidence is."""
    evidence = evidence_of(files)
    prior = draws_of(evidence)
    cells = []
    for endpoint, month in READ:
        if endpoint not in prior.effects:
            cells.append("no effect reported")
            continue
        effect = effect_at(prior, endpoint, month)
        benefit = float(np.mean(ENDPOINTS[endpoint].benefit_sign * effect > 0.0))
        cells.append(f"{told(effect, 3)}, {benefit:.0%}")
    return f"| {name}: {', '.join(files)} | {' | '.join(cells)} |"


def main() -> None:
    """Write the page."""
    shipped = evidence_of(SHIPPED)
    page = WORDS.format(
        scales="\n".join(row for factor in SCALES for row in scale_row(shipped, factor)),
        sides="\n".join(side_row(name, files) for name, files in SIDES.items()),
        day=f"{datetime.now(tz=UTC):%Y-%m-%d}",
        digest=shipped.digest[:12],
    )
    PAGE.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
