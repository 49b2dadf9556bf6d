"""The patients of one simulated trial as a CSV file, which the analysis of real data reads too."""

import csv
import io
from collections.abc import Iterator

import numpy as np

from phase2sim.analyses.readings import read_endpoint
from phase2sim.analyses.real_data.headings import REPLAYED_COLUMNS
from phase2sim.core.arrays import Floats
from phase2sim.core.contracts import Trials
from phase2sim.core.endpoints import DERIVED, ENDPOINTS, EVENTS, derived_values
from phase2sim.core.io.csv_files import spreadsheet_text
from phase2sim.trial.study import Study


def patients_csv(study: Study, trials: Trials, look: float | None = None) -> str:
    """Patients in long format: ``y`` as seen, ``complete`` as it would have been, in units.

    Of counted events ``y`` is how many so far, in the months that ``time`` says; both are empty for
    a patient who was never followed up. With ``look``
    there are only the visits that were due by this month from the trial's opening.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(REPLAYED_COLUMNS)
    analysed = dict.fromkeys(analysis.endpoint for analysis in study.analyses)
    tables = [_measured(study, trials, name) for name in study.plan.endpoints]
    tables += [_derived(study, trials, name) for name in analysed if name in DERIVED]
    tables += [_counted(study, trials, name) for name in analysed if name in EVENTS]
    for p in range(study.plan.patients):
        if trials.recruited is not None and not trials.recruited[0, p]:
            continue
        who = _who(study, trials, p)
        for name, seen, complete, time in tables:
            outcome = (name, seen[:, p], complete[:, p], time[:, p])
            rows = _rows(study, outcome, who, trials.first)
            due = _due(study, trials, p, look)
            writer.writerows(row for row, is_due in zip(rows, due, strict=True) if is_due)
    return text.getvalue()


def _due(study: Study, trials: Trials, p: int, look: float | None) -> list[bool]:
    """Whether each visit after baseline was due by the look."""
    enrolled = 0.0 if trials.arrivals is None else float(trials.arrivals.months[0, p])
    after = study.plan.visits_months[1:]
    return [look is None or enrolled + month <= look for month in after]


type _Outcome = tuple[str, Floats, Floats, Floats]  # name; seen, complete, time (visit, ...)


def _measured(study: Study, trials: Trials, name: str) -> _Outcome:
    e = study.plan.endpoints.index(name)
    from_model = np.vectorize(ENDPOINTS[name].from_model, otypes=[np.float64])
    complete = from_model(trials.value[0, e])
    seen = np.where(trials.seen[0, e], complete, np.nan)
    return name, seen, complete, np.full(complete.shape, np.nan)


def _derived(study: Study, trials: Trials, name: str) -> _Outcome:
    complete = derived_values(name, study.plan.endpoints, trials.value)[0]
    seen = np.where(trials.seen[0, 0], complete, np.nan)
    return name, seen, complete, np.full(complete.shape, np.nan)


def _counted(study: Study, trials: Trials, name: str) -> _Outcome:
    counted = read_endpoint(study.plan, trials, trials.value, name)
    nothing = np.full((1, study.plan.patients), np.nan)
    at_risk = (
        np.zeros(counted.value.shape) if counted.months_at_risk is None else counted.months_at_risk
    )
    followed = at_risk[0] > 0.0
    seen = np.concatenate([nothing, np.where(followed, counted.value[0], np.nan)])
    complete = trials.counts[name][0].astype(np.float64)
    time = np.concatenate([nothing, np.where(followed, at_risk[0], np.nan)])
    return name, seen, complete, time


def _who(study: Study, trials: Trials, p: int) -> tuple[tuple[object, ...], tuple[object, ...]]:
    """What is the same in all rows of a patient: before the outcome, and after it."""
    age, arrivals = float(trials.age_years[0, p]), trials.arrivals
    before = (
        p + 1,
        spreadsheet_text(study.plan.arms[trials.arm[0, p]]),
        int(trials.stratum[0, p]),
        "" if np.isnan(age) else age,
        float(trials.months_since_diagnosis[0, p]),
    )
    if arrivals is None:
        return before, ("", "")
    return before, (int(arrivals.site[0, p]) + 1, float(arrivals.months[0, p]))


def _rows(
    study: Study,
    outcome: _Outcome,
    who: tuple[tuple[object, ...], tuple[object, ...]],
    number: int,
) -> Iterator[tuple[object, ...]]:
    """One row a visit after baseline, of one patient and one outcome."""
    name, seen, complete, time = outcome
    before, after = who

    def cell(value: float) -> object:
        return "" if np.isnan(value) else float(value)

    for v, month in enumerate(study.plan.visits_months[1:], start=1):
        yield (
            *before,
            name,
            "" if name in EVENTS else float(complete[0]),
            v,
            month,
            cell(seen[v]),
            float(complete[v]),
            number,
            cell(time[v]),
            *after,
        )
