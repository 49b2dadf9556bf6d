import numpy as np
import pytest
from meta_analysis import NormalPredictive
from scipy import stats
from scores import PLAIN, PROGRAM, Score, compare, judge, summarise


def normal(mean: float, sd: float) -> NormalPredictive:
    return NormalPredictive(np.ones(1), np.array([mean]), np.array([sd]))


def score(trial: str, row: int, source: str, observed: float) -> Score:
    sd = 1.0 if source == PROGRAM else 2.0
    judged = judge(normal(0.0, sd), observed)
    about = ("2020-01", "hba1c", 12.0, "control", source, 3)
    return Score(row, trial, *about, **judged)  # type: ignore[arg-type]


def test_a_normal_forecast_has_normal_scores() -> None:
    judged = judge(normal(7.0, 0.5), 7.8)

    assert judged["median"] == pytest.approx(7.0)
    assert judged["within_50"] == pytest.approx(tuple(stats.norm.ppf((0.25, 0.75), 7.0, 0.5)))
    assert judged["within_90"] == pytest.approx(tuple(stats.norm.ppf((0.05, 0.95), 7.0, 0.5)))
    assert judged["log_density"] == pytest.approx(stats.norm.logpdf(7.8, 7.0, 0.5))
    assert judged["z"] == pytest.approx(1.6)


def test_calibrated_forecasts_have_calibrated_summaries() -> None:
    observed = stats.norm.ppf((np.arange(200) + 0.5) / 200)
    scores = [score(f"t{i}", i, PROGRAM, float(value)) for i, value in enumerate(observed)]

    found = summarise(scores)

    assert (found.inside_50, found.inside_90) == (0.5, 0.9)
    assert found.sd_of_z == pytest.approx(1.0, abs=0.02)


def test_gains_are_averaged_within_trials_and_compared_between_them() -> None:
    numbers = [("a", 1, 0.0), ("a", 2, 3.0), ("b", 3, 1.0)]
    scores = [score(t, i, source, x) for t, i, x in numbers for source in (PROGRAM, PLAIN)]
    alone = score("c", 4, PROGRAM, 9.0)  # the benchmark says nothing of it

    found = compare([*scores, alone])

    def gain(x: float) -> float:
        return float(stats.norm.logpdf(x) - stats.norm.logpdf(x, scale=2.0))

    by_trial = [(gain(0.0) + gain(3.0)) / 2, gain(1.0)]
    assert (found.trials, found.numbers) == (2, 3)
    assert found.mean == pytest.approx(np.mean(by_trial))
    assert found.se == pytest.approx(np.std(by_trial, ddof=1) / np.sqrt(2))


def test_a_score_is_read_as_it_was_written() -> None:
    one = score("a", 1, PROGRAM, 0.25)

    stored = one.as_table()

    assert Score.read(stored).inside(0.5)
    assert Score.read(stored).as_table() == stored
