"""Figures on disk: one page that needs no network, or a folder of SVG files."""

from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from phase2sim.core.errors import BadInput
from phase2sim.core.io.atomic_files import write_text
from phase2sim.core.io.plain_files import reason_of
from phase2sim.prior.check import PriorCheck
from phase2sim.prior.comparison import ComparisonRow
from phase2sim.studies.influence import Influence
from phase2sim.studies.knob_sensitivity import KnobSensitivity

if TYPE_CHECKING:
    from phase2sim.reporting.figures.drawing import Figure

type _Result = PriorCheck | Influence | KnobSensitivity | Sequence[ComparisonRow]

_STYLE = """
body { font: 15px/1.5 Helvetica, Arial, sans-serif; color: #1f2933; max-width: 62rem;
       margin: 2.5rem auto; padding: 0 1.25rem; }
h1 { font-size: 1.5rem; margin-bottom: .25rem; }
p.about, figcaption { color: #52606d; }
figure { margin: 2.25rem 0; } figure svg { max-width: 100%; height: auto; }
figcaption { font-size: .85rem; max-width: 44rem; }
"""


def write_figures(result: _Result, out: Path) -> Path:
    """Write the figures of a result to ``out``: one ``.html`` page, or a folder of ``.svg`` files.

    Raises ``BadInput`` if ``out`` cannot be written or has another suffix.
    """
    if out.suffix not in {"", ".html"}:
        raise BadInput(
            f"--out is {out}; figures are written as one .html page or into a folder."
            f" Use {out.with_suffix('.html')}."
        )
    # Altair takes a second to import, and only a figure needs it.
    from phase2sim.reporting.figures.all_figures import draw_figures  # noqa: PLC0415

    figures = list(draw_figures(result))
    if out.suffix:
        write_text(out, page(*_words(result), figures))
        return out
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(
            f"{out}: cannot be made: {reason_of(error)}. Choose another place."
        ) from None
    for figure in figures:
        write_text(out / f"{figure.name}.svg", figure.svg())
    return out


def page(title: str, about: str, figures: Sequence["Figure"]) -> str:
    """Return one HTML page with embedded figures; it needs no network."""
    drawings = "\n".join(
        f"<figure>\n{figure.svg()}\n<figcaption>{escape(figure.caption)}</figcaption>\n</figure>"
        for figure in figures
    )
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        f'<h1>{escape(title)}</h1>\n<p class="about">{escape(about)}</p>\n{drawings}\n'
        "</body>\n</html>\n"
    )


def _words(result: _Result) -> tuple[str, str]:
    match result:
        case PriorCheck():
            names = ", ".join(result.evidence.names)
            return f"Check of the prior given {names}", f"Evidence {result.evidence.digest[:16]}."
        case Influence():
            trial = f" Assurance: {result.trials:,} trials of {result.scenario}."
            about = f"Evidence {result.evidence.digest[:16]}.{trial if result.scenario else ''}"
            return f"Influence of each number of {', '.join(result.evidence.names)}", about
        case KnobSensitivity():
            about = f"Evidence {result.evidence.digest[:16]}. Assurance: {result.trials:,} trials."
            return f"Elicited inputs of {result.scenario.path}, moved one at a time", about
        case rows:
            sets = "; ".join(", ".join(side.evidence) for side in rows[0].sides)
            return "Sets of evidence side by side", sets
