"""A report as one HTML file that needs no network."""

import re
from collections.abc import Iterator
from html import escape

from phase2sim.core.io.digests import seal
from phase2sim.reporting.report.document import (
    Block,
    Document,
    FigureBlock,
    Grid,
    Heading,
    Listing,
    Number,
    Playground,
    Prose,
    Section,
    Words,
)
from phase2sim.reporting.report.explorer import explorer_html, explorer_scripts
from phase2sim.reporting.report.page_style import STYLE
from phase2sim.studies.dossier.embedded_record import record_script

_LEAST = 0.7  # of the width a figure was drawn with: type of 11 px is then nearly 8


def html_page(document: Document) -> str:
    """Return the whole page: text, tables, drawn figures, the explorer and the record.

    The record holds a digest of the page.
    """
    sections = list(enumerate(document.sections, start=1))
    contents = "".join(
        f'<li><a href="#section-{number}">{escape(section.title)}</a></li>'
        for number, section in sections
    )
    body = "\n".join(_section(number, section) for number, section in sections)
    playground = [b for s in document.sections for b in s.blocks if isinstance(b, Playground)]
    scripts = explorer_scripts(playground[0]) if playground else ""
    page = (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<link rel="icon" href="data:,">\n'
        f"<title>{escape(document.title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
        '<a class="skip" href="#content">To the report</a>\n'
        f'<header><h1>{escape(document.title)}</h1><p class="about">{escape(document.about)}</p>'
        f'</header>\n<nav aria-label="Contents"><ol>{contents}</ol></nav>\n'
        f'<main id="content">\n{body}\n</main>\n'
        f"{record_script(document.record)}\n{scripts}"
        "</body>\n</html>\n"
    )
    return seal(page.encode()).decode()


def _section(number: int, section: Section) -> str:
    blocks = "\n".join(_block(block) for block in section.blocks)
    anchor = f"section-{number}"
    return (
        f'<section id="{anchor}" aria-labelledby="{anchor}-title">\n'
        f'<h2 id="{anchor}-title"><span class="count">{number}</span>'
        f" {escape(section.title)}</h2>\n{blocks}\n</section>"
    )


def _block(block: Block) -> str:
    match block:
        case Heading():
            return f"<h3>{escape(block.text)}</h3>"
        case Prose():
            lead = f"<strong>{escape(block.lead)}</strong> " if block.lead else ""
            return f"<p>{lead}{_words(block.words)}</p>"
        case Grid():
            return _grid(block)
        case FigureBlock():
            return _figure(block)
        case Listing():
            title = f"<figcaption>{escape(block.title)}</figcaption>" if block.title else ""
            code = f'<pre tabindex="0"><code>{escape(block.text)}</code></pre>'
            return f'<figure class="listing">{title}{code}</figure>'
        case Playground():
            return explorer_html(block)


def _words(words: Words) -> str:
    return "".join(_piece(piece) for piece in words)


def _piece(piece: str | Number) -> str:
    match piece:
        case str():
            return _text(piece)
        case Number(kind="simulated"):
            return _simulated(piece)
        case Number():
            return f'<span class="{piece.kind}">{_text(piece.text)}</span>'


def _simulated(piece: Number) -> str:
    title = f"standard error {piece.mcse:.2g}; {piece.used or 0:,} trials; cell {piece.cell or '-'}"
    return (
        f'<data class="simulated" value="{piece.cell}" title="{title}">{escape(piece.text)}</data>'
    )


def _text(words: str) -> str:
    """Return HTML with code marked and line breaks allowed in long addresses."""
    breakable = re.sub(r"\S{25,}", lambda word: re.sub(r"[/_.-](?=\w)", r"\g<0>\0", word[0]), words)
    coded = re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(breakable))
    return coded.replace("\0", "<wbr>")


def _grid(grid: Grid) -> str:
    first = len(grid.columns) - grid.numbers
    heads = "".join(
        f'<th scope="col"{_number_class(position, first)}>{escape(name)}</th>'
        if name
        else "<td></td>"
        for position, name in enumerate(grid.columns)
    )
    rows = "\n".join(_row(grid, position, first) for position in range(len(grid.rows)))
    return (
        f'<div class="scroll" tabindex="0" role="group" aria-label="{escape(grid.caption)}">'
        f"<table><caption>{escape(grid.caption)}</caption><thead><tr>{heads}</tr></thead>\n"
        f"<tbody>{rows}</tbody></table></div>"
    )


def _row(grid: Grid, position: int, first: int) -> str:
    cells = "".join(
        f"<td{_number_class(column, first)}>{_words(words)}</td>"
        for column, words in enumerate(grid.rows[position])
    )
    return f"<tr{' class=dim' if position in grid.dim else ''}>{cells}</tr>"


def _number_class(position: int, first: int) -> str:
    return ' class="number"' if position >= first else ""


def _figure(block: FigureBlock) -> str:
    svg = "".join(_label(block.figure.svg(), block.description))
    return (
        f'<figure><div class="scroll" tabindex="0" role="group"'
        f' aria-label="Figure: {escape(block.description)}">{svg}</div>'
        f"<figcaption>{escape(block.figure.caption)}</figcaption></figure>"
    )


def _label(svg: str, description: str) -> Iterator[str]:
    """Label the figure for screen readers and set its smallest readable width."""
    width = re.search(r'<svg[^>]*?\bwidth="([\d.]+)"', svg)
    least = f"min-width:{min(_LEAST * float(width[1]), 560):.0f}px" if width else ""
    yield re.sub(r' (?:aria-[a-z]+|role)="[^"]*"', "", svg).replace(
        "<svg", f'<svg role="img" style="{least}" aria-label="{escape(description)}"', 1
    )
