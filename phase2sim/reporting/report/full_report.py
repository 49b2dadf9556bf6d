"""The report of a scenario: its sections in order, checked, as a page or a Word file."""

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from phase2sim.core.errors import BadInput
from phase2sim.core.io.atomic_files import write_bytes, write_text
from phase2sim.reporting.report.document import Document, Section
from phase2sim.reporting.report.html_page import html_page
from phase2sim.reporting.report.lint import check
from phase2sim.reporting.report.sections.checks import (
    configuration,
    example_trials,
    reproduction,
    verification,
)
from phase2sim.reporting.report.sections.design import design_section, scenario_grid
from phase2sim.reporting.report.sections.inputs import inputs, replica
from phase2sim.reporting.report.sections.question import question
from phase2sim.reporting.report.sections.results import results_section, sensitivity
from phase2sim.studies.dossier.dossier import Dossier
from phase2sim.studies.dossier.embedded_record import record

SECTIONS: tuple[Callable[[Dossier], Section], ...] = (
    question,
    inputs,
    replica,
    design_section,
    scenario_grid,
    results_section,
    sensitivity,
    example_trials,
    verification,
    reproduction,
    configuration,
)


def full_report(dossier: Dossier) -> Document:
    """Return the report of a dossier; raises ``Unfit`` for one that must not be shown."""
    document = Document(
        title=dossier.scenario.title,
        about=(
            "Simulation report of phase2sim. In every number, what follows ± is its Monte Carlo"
            " standard error: how far it would move with other random draws."
        ),
        sections=tuple(section(dossier) for section in SECTIONS),
        record=record(dossier),
    )
    check(document)
    return document


def check_place(out: Path) -> None:
    """Raise ``BadInput`` for a file that a report cannot be, or Word without its library."""
    if out.suffix not in {".html", ".docx"}:
        raise BadInput(
            f"--out is {out}; a report is one .html or .docx file. Use {out.with_suffix('.html')}."
        )
    if out.suffix == ".docx" and find_spec("docx") is None:
        raise BadInput(
            f"{out}: writing Word needs python-docx. Install it: pip install 'phase2sim[docx]'."
        )


def write_report(dossier: Dossier, out: Path) -> None:
    """Write the report as ``.html`` or ``.docx``; raises ``BadInput`` for another place."""
    check_place(out)
    document = full_report(dossier)
    if out.suffix == ".html":
        write_text(out, html_page(document))
        return
    from phase2sim.reporting.report.word_file import word_file  # noqa: PLC0415 - an extra

    write_bytes(out, word_file(document))
