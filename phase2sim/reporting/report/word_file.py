"""A report as a Word file: the same text, tables and figures."""

import io

import docx
import vl_convert
from docx.document import Document as WordDocument
from docx.shared import Inches, Pt

from phase2sim.reporting.report.document import (
    Block,
    Document,
    FigureBlock,
    Grid,
    Heading,
    Listing,
    Playground,
    Prose,
)

_WIDTH = 6.2  # inches of a figure, at most
_PIXELS_AN_INCH = 96.0
_SHARPNESS = 2.0


def word_file(document: Document) -> bytes:
    """Return the .docx; the explorer, which needs a browser, is left out."""
    word = docx.Document()
    word.add_heading(document.title, 0)
    word.add_paragraph(document.about)
    for number, section in enumerate(document.sections, start=1):
        word.add_heading(f"{number} {section.title}", 1)
        for block in section.blocks:
            _write(word, block)
    file = io.BytesIO()
    word.save(file)
    return file.getvalue()


def _write(word: WordDocument, block: Block) -> None:
    match block:
        case Prose():
            _prose(word, block)
        case Heading():
            word.add_heading(block.text, 2)
        case Grid():
            _grid(word, block)
        case FigureBlock():
            _figure(word, block)
        case Listing():
            _listing(word, block)
        case Playground():
            pass  # needs a browser; the tables have its numbers


def _prose(word: WordDocument, block: Prose) -> None:
    paragraph = word.add_paragraph()
    if block.lead:
        paragraph.add_run(f"{block.lead} ").bold = True
    paragraph.add_run("".join(map(str, block.words)))


def _grid(word: WordDocument, block: Grid) -> None:
    word.add_paragraph(block.caption).runs[0].italic = True
    table = word.add_table(rows=1, cols=len(block.columns), style="Light Grid Accent 1")
    for cell, name in zip(table.rows[0].cells, block.columns, strict=True):
        cell.text = name
    for row in block.rows:
        for cell, words in zip(table.add_row().cells, row, strict=True):
            cell.text = "".join(map(str, words))
    for row_of_cells in table.rows:
        for cell in row_of_cells.cells:
            for paragraph in cell.paragraphs:
                for run in paragraph.runs:
                    run.font.size = Pt(8)


def _figure(word: WordDocument, block: FigureBlock) -> None:
    png = vl_convert.svg_to_png(block.figure.svg(), scale=_SHARPNESS)
    picture = word.add_picture(io.BytesIO(png))
    wide = min(_WIDTH, picture.width / Inches(1) / _SHARPNESS)
    picture.height = int(picture.height * Inches(wide) / picture.width)
    picture.width = Inches(wide)
    word.add_paragraph(block.figure.caption).runs[0].italic = True


def _listing(word: WordDocument, block: Listing) -> None:
    if block.title:
        word.add_paragraph(block.title).runs[0].italic = True
    run = word.add_paragraph().add_run(block.text)
    run.font.name, run.font.size = "Courier New", Pt(8)
