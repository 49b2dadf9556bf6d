"""Scores of forecasts: coverage, log score, spread of the z-scores, and paired differences."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass

import numpy as np
from meta_analysis import NormalPredictive
from scipy import stats

LEVELS = (0.5, 0.9)
PROGRAM, PLAIN = "program", "plain MAP"
SMALLEST = 1e-4  # of a probability, so that a z-score is finite


@dataclass(frozen=True, slots=True)
class Score:
    """One reported number beside one forecast of it, on the scale of the scores."""

    row: int  # of trials.csv
    trial: str
    published: str
    endpoint: str
    month: float
    what: str  # "control" | "difference"
    source: str  # PROGRAM | PLAIN
    studies: int  # behind the forecast; of a program's difference: earlier trials of its class
    observed: float
    median: float
    within_50: tuple[float, float]
    within_90: tuple[float, float]
    log_density: float
    z: float

    def inside(self, level: float) -> bool:
        """Whether the central interval of a level holds the reported number."""
        low, high = self.within_50 if level == LEVELS[0] else self.within_90
        return low <= self.observed <= high

    @classmethod
    def read(cls, stored: Mapping[str, object]) -> "Score":
        """Build a score from a table of results.json."""
        intervals = {name: tuple(stored[name]) for name in ("within_50", "within_90")}  # type: ignore[call-overload]
        return cls(**{**stored, **intervals})  # type: ignore[arg-type]

    def as_table(self) -> dict[str, object]:
        """Plain values for results.json."""
        return {
            name: round(value, 5) if isinstance(value, float) else value
            for name, value in asdict(self).items()
        }


@dataclass(frozen=True, slots=True)
class Summary:
    """Scores of several forecasts together."""

    trials: int
    numbers: int
    inside_50: float
    inside_90: float
    mean_log_density: float
    sd_of_z: float


@dataclass(frozen=True, slots=True)
class Paired:
    """Log score of the program minus that of the plain MAP, where both say something."""

    trials: int
    numbers: int
    mean: float  # over trials, of the mean over a trial's numbers
    se: float
    program: Summary
    plain: Summary


def judge(predictive: NormalPredictive, observed: float) -> dict[str, object]:
    """Median, intervals, log density and z-score of a reported number."""

    def interval(level: float) -> tuple[float, float]:
        tail = 0.5 * (1.0 - level)
        return predictive.quantile(tail), predictive.quantile(1.0 - tail)

    below = float(np.clip(predictive.below(observed), SMALLEST, 1.0 - SMALLEST))
    return {
        "observed": observed,
        "median": predictive.quantile(0.5),
        "within_50": interval(LEVELS[0]),
        "within_90": interval(LEVELS[1]),
        "log_density": predictive.log_density(observed),
        "z": float(stats.norm.ppf(below)),
    }


def summarise(scores: Iterable[Score]) -> Summary:
    """Coverage, mean log score and SD of the z-scores about 0."""
    listed = list(scores)
    return Summary(
        trials=len({score.trial for score in listed}),
        numbers=len(listed),
        inside_50=float(np.mean([score.inside(LEVELS[0]) for score in listed])),
        inside_90=float(np.mean([score.inside(LEVELS[1]) for score in listed])),
        mean_log_density=float(np.mean([score.log_density for score in listed])),
        sd_of_z=float(np.sqrt(np.mean([score.z**2 for score in listed]))),
    )


def compare(scores: Iterable[Score]) -> Paired:
    """Pair the two sources; the standard error is between trials."""
    by_number: dict[int, dict[str, Score]] = defaultdict(dict)
    for score in scores:
        by_number[score.row][score.source] = score
    pairs = [both for both in by_number.values() if len(both) > 1]
    by_trial: dict[str, list[float]] = defaultdict(list)
    for both in pairs:
        gain = both[PROGRAM].log_density - both[PLAIN].log_density
        by_trial[both[PROGRAM].trial].append(gain)
    means = np.array([np.mean(gains) for gains in by_trial.values()])
    return Paired(
        trials=len(means),
        numbers=len(pairs),
        mean=float(means.mean()),
        se=float(means.std(ddof=1) / np.sqrt(len(means))),
        program=summarise(both[PROGRAM] for both in pairs),
        plain=summarise(both[PLAIN] for both in pairs),
    )
