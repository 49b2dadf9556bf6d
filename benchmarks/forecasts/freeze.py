"""Write down, once, what the program says of trials that have not read out.

    uv run python benchmarks/forecasts/freeze.py

adds the trials of waiting.toml that frozen.csv does not have yet. A row that stands there is never
written again: it holds the date, the digest of the evidence and the version of the model that it
was made with, and a SHA-256 of its cells. ``sha256sum -c frozen.sha256`` checks the file.
"""

import csv
import hashlib
import sys
import tomllib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from differences import (
    DifferenceDraws,
    draw_differences,
    effect_priors,
    same_class,
)
from evidence_by_date import shipped_evidence
from forecast_tables import HERE, ScoredRow, scored_rows
from meta_analysis import NormalPredictive, kernel_density
from scores import LEVELS
from simulated_reports import reports

from phase2sim.core.endpoints import ENDPOINTS
from phase2sim.prior.draws import PriorDraws
from phase2sim.prior.fitting import load_or_fit
from phase2sim.prior.storage import MODEL_VERSION

FROZEN, SUM = HERE / "frozen.csv", HERE / "frozen.sha256"
KEY = ("registry", "name", "endpoint", "month")
NOT_PRINTED = float("nan")
NOT_PUBLISHED = "9999-12"


def main() -> None:
    """Freeze what is not frozen yet."""
    kept = read_frozen()
    check(kept)
    waiting = tomllib.loads((HERE / "waiting.toml").read_text(encoding="utf-8"))["trial"]
    frozen_keys = {tuple(row[name] for name in KEY) for row in kept}
    missing = [t for t in waiting if tuple(str(t[name]) for name in KEY) not in frozen_keys]
    sys.stderr.write(f"{len(kept)} forecasts are frozen already, {len(missing)} are new\n")
    if not missing:
        return
    evidence = shipped_evidence()
    prior = load_or_fit(evidence, report=_say)
    about = {
        "frozen_on": f"{datetime.now(tz=UTC):%Y-%m-%d}",
        "evidence": evidence.digest,
        "model_version": str(MODEL_VERSION),
    }
    new = [sealed(forecast(trial, prior) | about) for trial in missing]
    write([*kept, *new])


def read_frozen() -> list[dict[str, str]]:
    """Rows that are frozen already."""
    if not FROZEN.exists():
        return []
    with FROZEN.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def write(rows: Sequence[Mapping[str, str]]) -> None:
    """Write all rows, and the digest of the file beside it."""
    with FROZEN.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    digest = hashlib.sha256(FROZEN.read_bytes()).hexdigest()
    SUM.write_text(f"{digest}  {FROZEN.name}\n", encoding="utf-8")


def forecast(trial: Mapping[str, Any], prior: PriorDraws) -> dict[str, str]:
    """Cells of one forecast: the trial, its control mean, its difference and its chances."""
    row = waiting_row(trial)
    simulated = reports(row, prior)
    earlier = tuple(r for r in scored_rows() if r.difference and r.endpoint == row.endpoint)
    of_class = same_class(row, earlier)
    effect = effect_priors()[row.endpoint]
    draws = draw_differences(row, simulated.spread, of_class, effect)
    benefit = ENDPOINTS[row.endpoint].benefit_sign
    names = ("name", "registry", "treatment", "endpoint", "month", "n_control", "n_treated")
    return {
        **{name: str(trial[name]) for name in names},
        "control_unit": row.unit,
        **_intervals("control", kernel_density(simulated.control)),
        "difference_unit": ENDPOINTS[row.endpoint].model_unit,
        **_intervals("difference", draws.reported),
        **_chances(draws, benefit),
        "earlier_trials_of_class": str(len(of_class)),
        "assumed": str(trial["assumed"]),
    }


def waiting_row(trial: Mapping[str, Any]) -> ScoredRow:
    """Row of a trial that has reported nothing: its control mean at the month is wanted."""
    low_age, high_age = trial["ages"]
    start, end = trial["window"]
    return ScoredRow(
        row=0,
        trial=str(trial["name"]),
        published=NOT_PUBLISHED,
        endpoint=str(trial["endpoint"]),
        months=(float(trial["month"]),),
        clock="entry",
        control="mean",
        value=0.4 if trial["endpoint"] == "c_peptide" else 8.0,  # a place for the number
        unit=ENDPOINTS[trial["endpoint"]].unit,
        sd=NOT_PRINTED,
        n_control=int(trial["n_control"]),
        n_treated=int(trial["n_treated"]),
        ages=(float(low_age), float(high_age)),
        age_mean=NOT_PRINTED,
        window=(float(start), float(end)),
        difference="ln",
        effect=NOT_PRINTED,
        level=NOT_PRINTED,
        analysis="adjusted",
        drug_class=str(trial.get("drug_class", "")),
        reason="",
    )


def sealed(cells: Mapping[str, str]) -> dict[str, str]:
    """Add the SHA-256 of all other cells, in their order."""
    text = "\n".join(f"{name}={value}" for name, value in cells.items() if name != "sha256")
    return {**cells, "sha256": hashlib.sha256(text.encode()).hexdigest()}


def check(rows: Sequence[Mapping[str, str]]) -> None:
    """Refuse a file in which a frozen row was changed."""
    for row in rows:
        if sealed(row)["sha256"] != row["sha256"]:
            raise SystemExit(
                f"{FROZEN}: the row of {row['name']!r} is not what was frozen: its SHA-256 does not"
                " match. Restore the file from version control."
            )


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


def _intervals(name: str, predictive: NormalPredictive) -> dict[str, str]:
    cells = {f"{name}_median": _rounded(predictive.quantile(0.5))}
    for level in LEVELS:
        tail = 0.5 * (1.0 - level)
        for side, probability in (("low", tail), ("high", 1.0 - tail)):
            cells[f"{name}_{level * 100:.0f}_{side}"] = _rounded(predictive.quantile(probability))
    return cells


def _rounded(value: float) -> str:
    return f"{round(value, 4) + 0.0:.4f}"  # adding 0 makes -0 a 0


def _chances(draws: DifferenceDraws, benefit: int) -> dict[str, str]:
    above_zero = 1.0 - draws.reported.below(0.0)
    return {
        "chance_p_below_05": f"{draws.significant(1) + draws.significant(-1):.3f}",
        "chance_p_below_05_and_benefit": f"{draws.significant(benefit):.3f}",
        "chance_estimate_favours": f"{above_zero if benefit > 0 else 1.0 - above_zero:.3f}",
    }


if __name__ == "__main__":
    main()
