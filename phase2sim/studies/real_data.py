"""A scenario's analyses of a real data set: findings, verdicts, and who was analysed."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from phase2sim.analyses.readings import compare_arms, shortage_of
from phase2sim.analyses.real_data.counts import analysed_patients, visit_counts
from phase2sim.analyses.real_data.data_plan import DataPlan, Need, columns_needed
from phase2sim.analyses.real_data.trial_data import TrialData, read_trial
from phase2sim.core.contracts import Estimates
from phase2sim.core.decision import side_by_side
from phase2sim.core.errors import AnalysisFailed, BadData
from phase2sim.core.io.validation import nearest
from phase2sim.scenario.assembly.parts import BuiltScenario
from phase2sim.studies.single_trial import TrialResult, finding, verdict_words
from phase2sim.trial.engine import analysed_months


def analyse(built: BuiltScenario, path: Path, endpoint: str | None = None) -> TrialResult:
    """Run a scenario's analyses on a CSV file: those of ``endpoint``, or all.

    Raises ``BadData`` for a file that the analyses cannot read.
    """
    return analyse_data(built, read_data(built, path, endpoint))


def read_data(built: BuiltScenario, path: Path, endpoint: str | None = None) -> TrialData:
    """Read a CSV file for the analyses of ``endpoint``, or all; raises ``BadData``."""
    return read_trial(path, data_plan(built, endpoint))


def analyse_data(built: BuiltScenario, data: TrialData) -> TrialResult:
    """Run a scenario's analyses of the endpoints that a data set was read for."""
    study = built.study
    readings = {e: data.reading(e, study.plan.seed) for e in data.plan.endpoints}
    chosen = [n for n, analysis in enumerate(study.analyses) if analysis.endpoint in readings]
    estimates, findings = [], []
    for number in chosen:
        analysis, arm = study.analyses[number], study.aims[number].arm
        reading = readings[analysis.endpoint]
        estimates.append(compare_arms(analysis, reading, len(study.plan.arms), arm))
        patients = analysed_patients(data, analysis, reading, arm)
        result = finding(study.names[number], analysis, estimates[-1], None, patients)
        if result.failed or result.fallback:
            result = replace(result, shortage=shortage_of(analysis, reading, arm))
        findings.append(result)
    return TrialResult(
        tuple(findings),
        _verdicts(built, estimates, chosen),
        counts=tuple(c for e, r in readings.items() for c in visit_counts(data, e, r)),
    )


def check_answered(result: TrialResult) -> None:
    """Raise ``AnalysisFailed`` that names each analysis that could not answer, and why."""
    failed = [
        f"{f.analysis} ({f.failed}{': ' if f.shortage else ''}{f.shortage})"
        for f in result.findings
        if f.failed
    ]
    if failed:
        raise AnalysisFailed(
            f"{len(failed)} of {len(result.findings)} analyses failed: {', '.join(failed)}."
        )


def data_plan(built: BuiltScenario, endpoint: str | None = None) -> DataPlan:
    """What the analyses of ``endpoint``, or all, need of a data file; raises ``BadData``."""
    study, data = built.study, built.scenario.data
    needs = tuple(
        Need(
            f"analysis {name} ({analysis.title})",
            analysis.endpoint,
            analysed_months(study.plan, analysis),
            columns_needed(analysis),
        )
        for name, analysis in zip(study.names, study.analyses, strict=True)
        if endpoint in {None, analysis.endpoint}
    )
    if not needs:
        known = [analysis.endpoint for analysis in study.analyses]
        raise BadData(
            f"--endpoint is {endpoint!r}, which no analysis of {built.path} reads."
            f" {nearest(str(endpoint), known)}"
        )
    analysed = {analysis.endpoint for analysis in study.analyses}
    for name in data.unit:
        if name not in analysed:
            raise BadData(
                f"{built.path}: a unit of {name} is given ([data] unit.{name}, or --unit), but no"
                " analysis reads it. Leave it out."
            )
    return DataPlan(
        arms=study.plan.arms,
        visits_months=study.plan.visits_months,
        needs=needs,
        units=data.unit,
        missing=tuple(str(code).strip() for code in data.missing),
    )


def _verdicts(
    built: BuiltScenario, estimates: Sequence[Estimates], numbers: Sequence[int]
) -> dict[str, str]:
    """Verdicts on some analyses of a data set, at the end where there are interim looks."""
    names = tuple(built.study.names[number] for number in numbers)
    hypotheses = tuple(built.study.hypotheses[number] for number in numbers)
    results = side_by_side(estimates, hypotheses)
    if built.study.interim is None:
        verdict = built.study.decision.decide(results)[0]
    else:
        rule = built.study.interim.rule
        verdict = rule.final_verdict(built.study.decision, results, numbers)[0]
    return verdict_words(verdict, built.study.decision.labels(names))
