"""What the program would have said: reports of a trial, simulated from a fit without it."""

import hashlib
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from care_of_trials import covariate_lines, share_lines
from forecast_tables import ScoredRow, mean_ages
from scipy import stats

from phase2sim.core.arrays import Floats
from phase2sim.core.endpoints import ENDPOINTS
from phase2sim.evidence.load import load_evidence
from phase2sim.evidence.reported import Evidence
from phase2sim.prior import storage
from phase2sim.prior.draws import PriorDraws
from phase2sim.prior.replicates import patients
from phase2sim.prior.replicates.parameters import parameters_of
from phase2sim.prior.replicates.replicate import quantities, replicate

SEED = 2
PATIENTS = 100  # behind the simulated SDs
# Copies of a trial in one report, each with another mean age where none is printed.
AGES = tuple(float(stats.norm.ppf(share)) for share in (0.1, 0.3, 0.5, 0.7, 0.9))
PLAUSIBLE_SD = {"c_peptide": 0.25, "hba1c": 1.3}  # simulated reports do not depend on it


@dataclass(frozen=True, slots=True)
class Simulated:
    """Simulated reports of one row, (report,) each."""

    observed: float  # what the trial reported, in the endpoint's unit or on the model scale
    control: Floats  # the same of simulated control arms; empty if it is not scored
    spread: dict[str, Floats]  # SD of patients ("levels") and given the baseline ("adjusted")


def reports(row: ScoredRow, prior: PriorDraws) -> Simulated:
    """Simulate the reports of one row, or read those that are kept."""
    evidence = trial_as_evidence(row)
    reported = quantities(evidence)
    simulated = _kept_or_simulated(evidence, prior)
    numbers = len(reported) // len(AGES)  # the same in each copy; the two spreads come last
    columns = simulated.reshape(len(simulated), len(AGES), numbers)
    return Simulated(
        observed=reported[0].value if row.control else float("nan"),
        control=columns[:, :, 0].ravel() if row.control else np.zeros(0),
        spread={
            "levels": columns[:, :, numbers - 2].ravel(),
            "adjusted": columns[:, :, numbers - 1].ravel(),
        },
    )


def _kept_or_simulated(evidence: Evidence, prior: PriorDraws) -> Floats:
    """Reports (draw, number), kept by evidence, draws and the sources that simulate them."""
    found = hashlib.sha256(f"{evidence.digest} {storage.digest(prior)} {SEED}".encode())
    for path in sorted(Path(patients.__file__).parent.glob("*.py")):
        found.update(path.read_bytes())
    kept = storage.cache_folder() / "forecasts" / f"reports-{found.hexdigest()[:20]}.npy"
    if kept.exists():
        return np.asarray(np.load(kept), dtype=np.float64)
    rng = np.random.default_rng(SEED)
    simulated = np.array(
        [replicate(evidence, parameters_of(prior, draw), rng) for draw in range(len(prior.history))]
    )
    kept.parent.mkdir(parents=True, exist_ok=True)
    np.save(kept, simulated)
    return simulated


def trial_as_evidence(row: ScoredRow) -> Evidence:
    """Write the control arm of a row in the evidence format, once for each mean age, and read it.

    Beside the number itself it reports the SD and the SD given the baseline of ``PATIENTS``
    patients, on the model scale.
    """
    ages = mean_ages(row.ages, row.age_mean, AGES)
    studies = [_study_text(row, f"copy {i}", age) for i, age in enumerate(ages)]
    text = "\n".join([*covariate_lines(), *studies])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "trial.toml"
        path.write_text(text, encoding="utf-8")
        evidence = load_evidence([path])
    return replace(evidence, names=(row.trial,))


def _study_text(row: ScoredRow, name: str, age: float) -> str:
    """One copy of the control arm."""
    month = max(row.month, 0.5)
    sd = PLAUSIBLE_SD[row.endpoint]
    shared = f'[[reported]]\nstudy = "{name}"\nendpoint = "{row.endpoint}"'
    shared += f'\nunit = "{ENDPOINTS[row.endpoint].model_unit}"\nn = {PATIENTS}'
    return "\n".join(
        [
            *_arm_lines(row, name, age),
            *(_control_lines(row, name) if row.control else []),
            f"{shared}\nmonth = {month:g}\nsd = {sd}\n",
            f"{shared}\nmonths = [0, {month:g}]\nresidual_sd = {sd}\n",
        ]
    )


def _arm_lines(row: ScoredRow, name: str, age: float) -> list[str]:
    low, high = row.window
    patients = max(PATIENTS, row.n_control)
    return [
        "[[study]]", f'name = "{name}"', 'arm = "control"', 'design = "control-arm"',
        f"patients = {patients}", f"months_since_diagnosis = [{low:.4g}, {high:.4g}]",
        *([f"age_years = {age:.4g}"] if age > 0 else []), *share_lines(row.published),
        'source = "trials.csv"', "",
    ]  # fmt: skip


def _control_lines(row: ScoredRow, name: str) -> list[str]:
    is_change = row.control in {"change", "percent_change"}
    months = (0.0, *row.months) if is_change else row.months
    joined = ", ".join(f"{month:g}" for month in months)
    lines = [
        "[[reported]]", f'study = "{name}"', f'endpoint = "{row.endpoint}"',
        f"n = {row.n_control}", f"{row.control} = {row.value:.10g}", f'clock = "{row.clock}"',
        f"months = [{joined}]" if len(months) > 1 else f"month = {joined}",
    ]  # fmt: skip
    lines += [f'unit = "{row.unit}"'] if row.unit else []
    if row.control == "change":  # without an SD the format does not read it
        lines += [f"sd = {PLAUSIBLE_SD[row.endpoint]}"]
    elif row.sd > 0:
        lines += [f"sd = {row.sd:g}"]
    return [*lines, ""]
