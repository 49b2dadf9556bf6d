"""The program as installed: closed forms, published values, reproducibility, calibration."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from phase2sim.core.io.validation import Table
from phase2sim.core.measured import Measured
from phase2sim.core.progress import Progress
from phase2sim.operating.simulation import Result, simulate
from phase2sim.scenario.assembly.assemble import build_scenario
from phase2sim.scenario.scenario_file import Scenario, scenario_from
from phase2sim.studies.real_data import analyse
from phase2sim.studies.verification.findings import Check, Verification

_TRIALS = 20_000
_SEED = 20261125
_FAR = 4.0  # standard errors
_PATH = Path("verify")

# Power of a two-sample t test: rpact 4.5.0, getPowerMeans(alternative = 1.1, stDev = 1,
# alpha = 0.025, sided = 1, maxNumberOfSubjects = 24); the same from the noncentral t in R 4.2.2.
_T_POWER = 0.730850838142209
# Student's sleep data (Student 1908), R 4.2.2: t.test(extra ~ group, data = sleep).
_SLEEP = (
    (0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0),
    (1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4),
)
_SLEEP_WELCH = {"t": 1.8608, "df": 17.776, "p_two_sided": 0.07939}
_HOURS_ADDED = 8.0  # added to every hour of sleep, so that it can be read as an HbA1c
_METHODS = ("t_test", "welch", "ancova", "wilcoxon")


def check_installation(progress: Progress = lambda _trials, _total: None) -> Verification:
    """Run every check; nothing is read from, or left in, the working folder."""
    checks: list[Check] = []
    runs = _Runs()
    steps = (_published_power, _published_analysis, _closed_forms, _reproducibility, _calibration)
    for finished, step in enumerate(steps, start=1):
        checks.extend(step(runs))
        progress(finished, len(steps))
    return Verification("this installation", tuple(checks))


class _Runs(dict[str, Result]):
    """Runs of each method with 20 patients per arm, simulated on first use."""

    def __missing__(self, method: str) -> Result:
        self[method] = _run(_scenario(method, patients=40, effect=-0.8))
        return self[method]


def _published_power(_runs: _Runs) -> Iterator[Check]:
    result = _run(_scenario("t_test", patients=24, effect=-1.1))
    power = result.power["hba1c"]
    yield _compare(
        "published value", "power of a t test, 12 an arm", _T_POWER, "rpact 4.5.0", power
    )


def _published_analysis(_runs: _Runs) -> Iterator[Check]:
    built = build_scenario(_scenario("welch", patients=20, effect=-1.0))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "sleep.csv"
        lines = [
            f"{10 * arm + number},{arm},{hours + _HOURS_ADDED}"
            for arm, group in enumerate(_SLEEP)
            for number, hours in enumerate(group)
        ]
        file.write_text("id,arm,y\n" + "\n".join(lines) + "\n", encoding="utf-8")
        (finding,) = analyse(built, file).findings
    for name, published in _SLEEP_WELCH.items():
        value = abs(getattr(finding, name))
        digits = len(str(published).split(".")[1])
        yield Check(
            kind="published value",
            name=f"Welch's test of Student's sleep data: {name.replace('_', ' ')}",
            expected=f"{published:g}",
            source="R 4.2.2",
            observed=f"{value:.{digits}f}",
            passed=round(value, digits) == published,
        )


def _closed_forms(runs: _Runs) -> Iterator[Check]:
    for method in ("t_test", "ancova"):
        result = runs[method]
        for row in result.characteristics:
            if row.closed_form is not None and row.closed_form.is_exact:
                name = f"{row.name.replace('_', ' ')} of {method}, 20 an arm"
                yield _compare(
                    "closed form", name, row.closed_form.value, "noncentral t", row.measured
                )


def _reproducibility(runs: _Runs) -> Iterator[Check]:
    characteristics, scenario = runs["ancova"].characteristics, runs["ancova"].scenario
    for name, other in (
        ("two threads", _run(scenario, workers=2).characteristics),
        ("a second time", _run(scenario).characteristics),
    ):
        same = _values(characteristics) == _values(other)
        yield Check(
            "reproducibility", name, "the same numbers", "itself", "same" if same else "other", same
        )
    differs = _values(_run(scenario.changed({"seed": _SEED + 1})).characteristics) != _values(
        characteristics
    )
    yield Check(
        kind="reproducibility",
        name="another seed",
        expected="other numbers",
        source="itself",
        observed="other" if differs else "the same",
        passed=differs,
    )


def _calibration(runs: _Runs) -> Iterator[Check]:
    for method in _METHODS:
        result = runs[method]
        name = f"type I error of {method}, 20 an arm"
        measured = result.type_i_error["hba1c"]
        # The exact rank test is at most alpha; the others meet it.
        at_most = method == "wilcoxon"
        yield _compare("calibration", name, 0.025, "alpha", measured, at_most=at_most)
        for row in result.characteristics:
            if (row.name, row.truth) == ("coverage", "target") and not at_most:
                title = f"coverage of {method}, 20 an arm"
                yield _compare("calibration", title, 0.95, "confidence", row.measured)


def _compare(
    kind: str, name: str, expected: float, source: str, measured: Measured, *, at_most: bool = False
) -> Check:
    """Compare with the expected value, in standard errors under it."""
    error = (expected * (1 - expected) / max(measured.used, 1)) ** 0.5
    gap = (measured.estimate - expected) / error
    passed = measured.failed == 0 and (gap <= _FAR if at_most else abs(gap) <= _FAR)
    result = (
        f"{measured.estimate:.4f} +- {measured.mcse:.4f}, {gap:+.1f} SE, {measured.used:,} trials"
    )
    words = f"at most {expected:.5g}" if at_most else f"{expected:.5g}"
    return Check(kind, name, words, source, result, passed)


def _values(rows: tuple[Any, ...]) -> list[tuple[Any, ...]]:
    return [(r.name, r.analysis, r.truth, r.measured.estimate, r.measured.mcse) for r in rows]


def _run(scenario: Scenario, workers: int = 1) -> Result:
    return simulate(scenario, workers=workers)


def _scenario(method: str, patients: int, effect: float) -> Scenario:
    """Scenario with normal values, SD 1, one visit after baseline and no dropout."""
    table: Table = {
        "title": "Verification",
        "seed": _SEED,
        "trials": _TRIALS,
        "design": {
            "kind": "fixed",
            "arms": ["control", "active"],
            "patients": patients,
            "visits_months": [0, 12],
        },
        "outcome": {"hba1c": {"control_mean": 8.0, "sd": 1.0, "correlation": 0.5}},
        "truth": {"target": {"hba1c": {"effect": effect, "month": 12, "shape": "linear"}}},
        "analysis": [{"endpoint": "hba1c", "month": 12, "method": method}],
        "decision": {"kind": "significance", "one_sided_alpha": 0.025},
    }
    return scenario_from(table, _PATH)
