"""What several test files share, made once a worker."""

from pathlib import Path

import pytest
from small_reports import small_dossier

from phase2sim.dossier.dossier import Dossier
from phase2sim.files import write_text
from phase2sim.reporting.document import Document
from phase2sim.reporting.full_report import full_report
from phase2sim.reporting.html_page import html_page


@pytest.fixture(scope="session")
def dossier(tmp_path_factory: pytest.TempPathFactory) -> Dossier:
    """Gather what a small report holds."""
    return small_dossier(tmp_path_factory.mktemp("dossier"))


@pytest.fixture(scope="session")
def document(dossier: Dossier) -> Document:
    """Write the small report, in no format yet."""
    return full_report(dossier)


@pytest.fixture(scope="session")
def page(document: Document, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the small report as a page."""
    path = tmp_path_factory.mktemp("report") / "report.html"
    write_text(path, html_page(document))
    return path
