"""Check of a fitted prior: tables, and values for JSON."""

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from phase2sim.core.endpoints import ENDPOINTS, EVENTS
from phase2sim.evidence.reported import ReportedNumber
from phase2sim.prior.check import PriorCheck, PriorUpdate, Replica
from phase2sim.reporting.plain_tables import number, plain_table
from phase2sim.reporting.screens.fit import diagnostics_line, elicited_lines
from phase2sim.theory.mixtures.analysis_prior import AnalysisPrior, mixture_json

_LITTLE_LEARNED = 0.9  # ratio of SDs above which the evidence has hardly spoken


def check_json(check: PriorCheck) -> dict[str, Any]:
    """Return the values of `phase2sim prior check --json`."""
    provenance = check.prior.provenance
    return {
        "evidence": list(check.evidence.names),
        "digest": check.evidence.digest,
        "replica": [_replica_json(replica) for replica in check.replicas],
        "flagged": check.flags,
        "flagged_by_chance": check.flags_by_chance,
        "prior_to_posterior": [_learned_json(learned) for learned in check.learned],
        "diagnostics": provenance.get("diagnostics"),
        "effective_sample_sizes": [_patients_json(prior) for prior in check.analysis_priors],
        "elicited": elicited_lines(check.prior),
    }


def check_screen(check: PriorCheck) -> RenderableType:
    """Return the replicated numbers, prior and posterior SDs, and the diagnostics."""
    return Group(
        Text(f"Check of the prior given {', '.join(check.evidence.names)}", style="bold"),
        Text(),
        Text("The reported numbers, and what the fitted model reports of new patients", "bold"),
        _replica_table(check),
        Text(),
        *_reading(check),
        Text(),
        Text("What the evidence taught: SD after over SD before", "bold"),
        _learned_table(check),
        Text(),
        Text("What the priors of an analysis are worth", "bold"),
        _patients_table(check.analysis_priors),
        Text(),
        *_notes(check),
    )


def reported_quantity(entry: ReportedNumber, quantity: str) -> str:
    """Name a reported number: ``HbA1c, median``, ``HbA1c, count below 7.5 %``."""
    label = outcome_label(entry.endpoint)
    if entry.endpoint in EVENTS:
        patients = entry.statistic == "count"
        return f"{label}, {'patients with one' if patients else quantity}"
    if entry.statistic == "count" and entry.threshold is not None:
        side = entry.beyond if entry.threshold else "at"  # nobody is below a dose of 0
        return f"{label}, {quantity} {side} {entry.threshold:g} {entry_unit(entry)}".rstrip()
    if entry.beyond == "below_baseline":
        return f"{label}, {quantity} below baseline"
    return f"{label}, {quantity}"


def outcome_label(endpoint: str) -> str:
    """Return the label of an endpoint or of a counted outcome."""
    if endpoint in ENDPOINTS:
        return ENDPOINTS[endpoint].label
    return EVENTS.get(endpoint, endpoint.replace("_", " "))


def entry_unit(entry: ReportedNumber) -> str:
    """Return the unit in which the entry's numbers are shown."""
    if entry.endpoint not in ENDPOINTS:
        return ""
    endpoint = ENDPOINTS[entry.endpoint]
    return endpoint.model_unit if entry.on_model_scale else endpoint.unit


def months_text(entry: ReportedNumber) -> str:
    """Return ``6`` or ``0 to 12``, with ``d`` for months since diagnosis."""
    clock = " d" if entry.clock == "diagnosis" else ""
    return " to ".join(f"{month:g}" for month in entry.months) + clock


def entry_json(entry: ReportedNumber) -> dict[str, Any]:
    """Return the values that identify an entry."""
    return {
        "file": entry.file,
        "number": entry.number,
        "study": entry.study,
        "arm": entry.arm,
        "endpoint": entry.endpoint,
        "months": list(entry.months),
    }


def _replica_json(replica: Replica) -> dict[str, Any]:
    entry = replica.entry
    return {
        **entry_json(entry),
        "clock": entry.clock,
        "what": replica.what,
        "reported": replica.reported,
        "predicted": replica.median,
        "lower": replica.lower,
        "upper": replica.upper,
        "tail_probability": replica.tail,
        "mcse": replica.mcse,
        "flagged": replica.flagged,
        "elicited": entry.elicited is not None,
    }


def _learned_json(learned: PriorUpdate) -> dict[str, Any]:
    return {
        "what": learned.what,
        "endpoint": learned.endpoint,
        "months_since_diagnosis": learned.months_since_diagnosis,
        "before_mean": learned.before_mean,
        "before_sd": learned.before_sd,
        "after_mean": learned.after_mean,
        "after_sd": learned.after_sd,
        "sd_ratio": learned.sd_ratio,
    }


def _patients_json(prior: AnalysisPrior) -> dict[str, Any]:
    values = mixture_json(prior)
    keys = ("of", "endpoint", "month", "months_since_diagnosis", "reference_sd")
    sizes = ("ess_moment_patients", "ess_elir_patients")
    return {key: values[key] for key in (*keys, *sizes)}


def _replica_table(check: PriorCheck) -> Table:
    table = plain_table(
        ("#", "what", "month"), ("reported", "predicted", "95 % interval", "tail probability")
    )
    for (file, study, arm), rows in groupby(
        check.replicas,
        key=lambda replica: (replica.entry.file, replica.entry.study, replica.entry.arm),
    ):
        heading = Text(f"{study}, {arm}", style="italic").append(f"  {file}", style="dim")
        table.add_row("", heading)
        for replica in rows:
            table.add_row(*_replica_cells(replica), style="bold red" if replica.flagged else "")
    return table


def _replica_cells(replica: Replica) -> tuple[str, ...]:
    elicited = " ◆" if replica.entry.elicited is not None else ""
    return (
        f"{replica.entry.number}",
        f"{reported_quantity(replica.entry, replica.what)}{elicited}",
        months_text(replica.entry),
        number(replica.reported),
        number(replica.median),
        f"{number(replica.lower)} to {number(replica.upper)}",
        f"{replica.tail:.3f}{' !' if replica.flagged else '  '}",
    )


def _reading(check: PriorCheck) -> Iterator[Text]:
    total, chance = len(check.replicas), check.flags_by_chance
    yield Text(
        f"{check.flags} of {total} numbers are flagged (!): the model would report a number as far"
        f" out in fewer than 5 of 100 studies. If the model were true, chance alone would flag"
        f" {chance:.1f} at most."
    )
    largest = max((replica.mcse for replica in check.replicas), default=0.0)
    yield Text(f"Monte Carlo error of a tail probability: {largest:.3f} at most.", style="dim")
    if any(replica.entry.elicited is not None for replica in check.replicas):
        yield Text("◆ elicited: our judgement, not published.", style="yellow")


def _learned_table(check: PriorCheck) -> Table:
    table = plain_table(
        ("", f"months since {check.prior.clock}"), ("before", "after", "ratio of SDs")
    )
    for learned in check.learned:
        knot = learned.months_since_diagnosis
        table.add_row(
            f"{ENDPOINTS[learned.endpoint].label}: {learned.what}",
            "" if knot is None else f"{knot:g}",
            f"{number(learned.before_mean)} ({number(learned.before_sd)})",
            f"{number(learned.after_mean)} ({number(learned.after_sd)})",
            f"{learned.sd_ratio:.2f}",
            style="dim" if learned.sd_ratio > _LITTLE_LEARNED else "",
        )
    return table


def _patients_table(priors: tuple[AnalysisPrior, ...]) -> Table:
    table = plain_table(("prior of", "month"), ("patients (moment)", "patients (ELIR)"))
    for prior in priors:
        values = mixture_json(prior)
        arms = ", two equal arms" if prior.of == "effect" else ", control arm"
        table.add_row(
            f"{ENDPOINTS[prior.endpoint].label}: {prior.of}{arms}",
            f"{prior.month:g}",
            f"{values['ess_moment_patients']:.1f}",
            f"{values['ess_elir_patients']:.1f}",
        )
    return table


def _notes(check: PriorCheck) -> Iterator[Text]:
    yield Text("In brackets: SD. Dim: the evidence says next to nothing of it.", style="dim")
    if line := diagnostics_line(check.prior):
        yield Text(line)
