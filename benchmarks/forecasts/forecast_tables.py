"""The tables of this folder, read: dates, trials and what of them is scored."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isnan
from pathlib import Path

HERE = Path(__file__).parent
USUAL_WINDOW = 3.3  # months since diagnosis: 100 days, where a trial prints no limit
# Mean age as a share of the age range, where none is printed: mean and SD of the ten trials of
# trials.csv that print one (0.26 to 0.57).
SHARE_OF_RANGE = (0.40, 0.12)


@dataclass(frozen=True, slots=True)
class Dated:
    """When a study or trial was published: the earliest and latest month that it can be."""

    kind: str  # "study" of the evidence file | "trial" of trials.csv
    name: str
    arm: str  # empty for all arms
    endpoint: str  # empty for all endpoints
    earliest: str  # "2013-08"
    latest: str
    leaves_out: tuple[str, ...]  # studies of the evidence file with the same patients


@dataclass(frozen=True, slots=True)
class ScoredRow:
    """One row of trials.csv, with what of it is forecast and the reason where nothing is."""

    row: int
    trial: str
    published: str  # earliest month of its first report
    endpoint: str
    months: tuple[float, ...]  # one visit, or first and last of an average
    clock: str
    control: str  # key of the evidence format; empty if not scored
    value: float
    unit: str
    sd: float
    n_control: int
    n_treated: int
    ages: tuple[float, float]
    age_mean: float  # nan if not printed
    window: tuple[float, float]  # months since diagnosis at entry
    difference: str  # "raw" | "ln" | "ratio"; empty if not scored
    effect: float
    level: float  # of the control arm, nmol/L; nan if not printed
    analysis: str  # "adjusted" | "levels" | "medians"
    drug_class: str
    reason: str

    @property
    def month(self) -> float:
        """Visit, or the end of an average."""
        return self.months[-1]


def read_rows(name: str) -> Iterator[dict[str, str]]:
    """Rows of a CSV file of this folder."""
    with (HERE / name).open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def dated() -> tuple[Dated, ...]:
    """Dates of all studies of the evidence file and of all trials."""
    return tuple(
        Dated(
            kind=cells["kind"],
            name=cells["name"],
            arm=cells["arm"],
            endpoint=cells["endpoint"],
            earliest=cells["earliest"],
            latest=cells["latest"],
            leaves_out=tuple(filter(None, cells["leaves_out"].split(";"))),
        )
        for cells in read_rows("dates.csv")
    )


def scored_rows() -> tuple[ScoredRow, ...]:
    """All rows of trials.csv with the decisions of scored.csv."""
    pairs = zip(read_rows("scored.csv"), read_rows("trials.csv"), strict=True)
    first = {one.name: one.earliest for one in dated() if one.kind == "trial"}
    return tuple(_scored_row(decided, printed, first) for decided, printed in pairs)


def entry_window(low: str, high: str, mean: str) -> tuple[float, float]:
    """Months since diagnosis at entry, narrowed so that an even spread has the printed mean."""
    start, end = float(low or 0.0), float(high or USUAL_WINDOW)
    if not mean:
        return start, end
    middle = float(mean)
    return max(start, 2 * middle - end), min(end, 2 * middle - start)


def mean_ages(ages: tuple[float, float], printed: float, quantiles: Sequence[float]) -> list[float]:
    """Mean ages of the copies of a trial: the printed one, or one per standard normal quantile.

    nan if neither the mean nor the range is known.
    """
    low, high = ages
    centre, spread = SHARE_OF_RANGE
    drawn = [low + (high - low) * (centre + spread * z) for z in quantiles]
    return drawn if isnan(printed) else [printed] * len(drawn)


def _scored_row(
    decided: Mapping[str, str], printed: Mapping[str, str], first: Mapping[str, str]
) -> ScoredRow:
    low_age, _, high_age = decided["ages"].partition("-")
    return ScoredRow(
        row=int(decided["row"]),
        trial=decided["trial"],
        published=first[decided["trial"]],
        endpoint=decided["endpoint"],
        months=tuple(float(month) for month in decided["month"].split("-")),
        clock="diagnosis" if printed["clock"] == "diagnosis" else "entry",
        control=decided["control"],
        value=_number(decided["value"]),
        unit=decided["unit"],
        sd=_number(decided["sd"]),
        n_control=int(decided["n_control"] or 0),
        n_treated=int(decided["n_treated"] or 0),
        ages=(_number(low_age), _number(high_age)),
        age_mean=_number(printed["age_mean"]),
        window=entry_window(
            printed["entry_months_lo"], printed["entry_months_hi"], printed["entry_mean"]
        ),
        difference=decided["difference"],
        effect=_number(decided["effect"]),
        level=_number(decided["level"]),
        analysis=decided["analysis"],
        drug_class=decided["drug_class"],
        reason=decided["reason"],
    )


def _number(cell: str) -> float:
    return float(cell) if cell else float("nan")
