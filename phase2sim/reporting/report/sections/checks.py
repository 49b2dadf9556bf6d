"""Sections 9 to 12: example trials, verification, reproduction, configuration."""

import tomllib
from collections.abc import Iterator

from phase2sim.core.contracts import RESULTS_VERSION
from phase2sim.core.endpoints import MEASURES
from phase2sim.reporting.figures.trial_figures import spaghetti
from phase2sim.reporting.report.document import (
    Block,
    FigureBlock,
    Grid,
    Heading,
    Listing,
    Prose,
    Section,
    Words,
)
from phase2sim.reporting.report.numbers import stated_number
from phase2sim.reporting.report.sections.false_go import false_goes
from phase2sim.reporting.words import truth, verdict_label
from phase2sim.scenario.as_toml import toml_text
from phase2sim.studies.dossier.dossier import Dossier
from phase2sim.studies.dossier.example_trials import Example

_FAR = 4.0  # standard errors
_ELSEWHERE = (
    "The program as installed is checked by `phase2sim verify`; this report by `phase2sim verify`"
    " with its file: cells chosen at random are simulated again and hashes compared."
)


def example_trials_section(dossier: Dossier) -> Section:
    """Return trials chosen by rule and replayed, with their patients."""
    blocks: list[Block] = [
        Prose(("Trials are chosen by a rule, not by eye. Each can be simulated again alone.",))
    ]
    for number, example in enumerate(dossier.examples, start=1):
        blocks += _example(dossier, number, example)
    return Section("Example trials", tuple(blocks))


def _example(dossier: Dossier, number: int, example: Example) -> Iterator[Block]:
    yield Heading(f"{example.name}: trial {example.trial}")
    ends = "; ".join(
        f"{verdict_label(dossier.background, name)}: {verdict}"
        for name, verdict in example.result.verdicts.items()
    )
    yield Prose((f"Rule: {example.rule}. Truth: {truth(example.truth)}. Decision: {ends}.",))
    rows: list[tuple[Words, ...]] = []
    for finding in example.result.findings:
        name = verdict_label(dossier.background, finding.analysis)
        true = "-" if finding.true_effect is None else f"{finding.true_effect:.3f}"
        if finding.failed:
            rows.append(((name,), (f"failed: {finding.failed}",), ("-",), ("-",)))
            continue
        interval = (
            f"{finding.effect:.3f} ({finding.lower:.3f} to {finding.upper:.3f}) {finding.scale}"
        )
        rows.append(((name,), (interval,), (f"{finding.p_one_sided:.4f}",), (true,)))
    columns = ("Analysis", "Effect (95-percent CI)", "p, one-sided", "True effect")
    yield Grid(columns, tuple(rows), f"What trial {example.trial} found", 3)
    harm = example.result.harm
    if harm is not None:
        yield Prose(
            (
                "It was stopped for harm after ",
                stated_number(harm.treated, "derived"),
                " treated patients, in month ",
                stated_number(f"{harm.months:.1f}", "derived"),
                "; what stands above is what it would have found had it gone on.",
            )
        )
    for endpoint in example.courses:
        figure = spaghetti(example, endpoint, number)
        label = MEASURES[endpoint].label
        yield FigureBlock(figure, f"{example.name}: {label} of every patient")
    file = dossier.scenario.path
    token = f"phase2sim replay {file} --trial {example.trial} --truth {example.truth}"
    yield Listing(token, "Replay")


def verification_section(dossier: Dossier) -> Section:
    """Return the checks that apply: closed forms, type I error, replay and diagnostics."""
    grid = Grid(("Check", "Found", "Passed"), tuple(_checks(dossier)), "Checks of these results")
    return Section("Verification", (grid, Prose((_ELSEWHERE,))))


def _checks(dossier: Dossier) -> Iterator[tuple[Words, ...]]:
    gaps = [abs(row["gap_in_se"]) for row in dossier.rows if row["gap_in_se"] is not None]
    if gaps:
        outcome = (
            f"{len(gaps)} shares against an exact form; largest gap {max(gaps):.1f} standard errors"
        )
        # Of very many comparisons the largest gap grows; chance alone passes 4 once in 16,000.
        yield ("closed forms",), (outcome,), (_yes(max(gaps) <= _FAR),)
    else:
        yield ("closed forms",), ("none is exact for this design",), ("not applicable",)
    rows = [row for null in false_goes(dossier) for row in (null.go, null.alone)]
    with_error = [row for row in rows if row["mcse"]]
    alpha = dossier.main.built.study.decision.one_sided_alpha
    if with_error:
        worst = max((row["estimate"] - alpha) / row["mcse"] for row in with_error)
        yield (
            (f"type I error at most {alpha:g}, in every null simulated",),
            (f"largest excess {worst:.1f} standard errors",),
            (_yes(worst <= _FAR),),
        )
    reproduced = [example.same_as_stored for example in dossier.examples]
    if reproduced:
        outcome = (
            f"{sum(reproduced)} of {len(reproduced)} example trials gave the stored estimates again"
        )
        yield ("replay",), (outcome,), (_yes(all(reproduced)),)
    failed = sum(row["failed"] for row in dossier.of_main if row["name"] != "missing")
    yield ("failed analyses",), (f"{failed:,} in the planned trial's rows",), ("counted",)
    if dossier.prior is not None:
        diagnostics = dossier.prior.provenance.get("diagnostics") or {}
        pieces = [
            f"{key.replace('_', ' ')} {value:.4g}" for key, value in dict(diagnostics).items()  # type: ignore[call-overload]
            if isinstance(value, int | float)
        ]  # fmt: skip
        yield ("the fit's gate",), (", ".join(pieces) or "passed when it was kept",), ("yes",)


def _yes(passed: bool) -> str:  # noqa: FBT001 - a word for it
    return "yes" if passed else "NO"


def reproduction_section(dossier: Dossier) -> Section:
    """Return command, versions, seed and hashes that reproduce the numbers."""
    run = dossier.manifest.runs[-1]
    versions = ", ".join(f"{name} {version}" for name, version in run["versions"].items())
    rows: list[tuple[Words, ...]] = [
        (("Seed",), (stated_number(dossier.scenario.seed),)),
        (("Results version",), (stated_number(RESULTS_VERSION),)),
        (("Scenario, sha256",), (dossier.scenario.digest,)),
        (("Programs",), (versions,)),
        (("Results in",), (str(dossier.folder),)),
        (("Planned cell",), (dossier.main.key,)),
        (("Its trials, sha256",), (dossier.fingerprints[dossier.main.key],)),
    ]  # fmt: skip
    if dossier.evidence is not None:
        rows.append((("Evidence, sha256",), (dossier.evidence.digest,)))
        rows.append((("Fitted prior, sha256",), (dossier.main.prior,)))
    grid = Grid(("", ""), tuple(rows), "What these numbers depend on")
    blocks = (Listing(dossier.command, "The command that makes this report again"), grid)
    return Section("Reproduction", blocks)


def configuration_section(dossier: Dossier) -> Section:
    """Return the complete scenario as it was run, and its file with comments."""
    path = dossier.scenario.path
    blocks: list[Block] = [Listing(toml_text(dossier.scenario), "As it was run")]
    if path.is_file():
        text = path.read_text(encoding="utf-8")
        if _is_toml(text):
            blocks.append(Listing(text, f"{path}, as it stands"))
    return Section("Full configuration", tuple(blocks))


def _is_toml(text: str) -> bool:
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return False
    return True
