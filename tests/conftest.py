"""What several test files share, made once a worker; and which tests a worker should keep together.

A worker that meets an analysis first compiles its kernels, and a file's first test makes what the
file shares: two workers that do so at once do it twice. So the tests of an analysis, and otherwise
those of a file, form a group, and the groups that take longest to compile come first. So do tests
that fit small models, which are compiled from parts that they share.
"""

import re
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path

import pytest
from support.small_reports import small_dossier
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from phase2sim.analyses import ANALYSES
from phase2sim.core import catalogue
from phase2sim.core.io.atomic_files import write_text
from phase2sim.reporting.report.document import Document
from phase2sim.reporting.report.full_report import full_report
from phase2sim.reporting.report.html_page import html_page
from phase2sim.studies.dossier.dossier import Dossier

# numpydoc needs Python 3.13; where it is not there nothing checks docstrings.
collect_ignore = [] if find_spec("numpydoc") else ["test_docstrings.py"]


@pytest.fixture(autouse=True)
def _definitions_of_a_test_end_with_it() -> Iterator[None]:
    """What a test's files define is unknown to the next test."""
    yield
    for each in catalogue._CATALOGUES.values():  # noqa: SLF001 - only tests take them back
        each._added.clear()  # noqa: SLF001
        each._origin.clear()  # noqa: SLF001


# Analysis -> where the tests about it alone stand, below `tests/`; longest to compile first.
LONGEST: Mapping[str, str] = {
    "mmrm": "analyses/mixed_models/", "conditional_mean_imputation": "analyses/imputation/",
    "multiple_imputation": "", "logistic_standardised": "analyses/responders/", "tobit": "",
    "ancova": "analyses/test_type_i_error", "rank_ancova": "analyses/ranks/",
}  # fmt: skip
ALSO: Mapping[str, str] = {"clda": "mmrm"}  # the same kernels
FITS = {
    "studies/test_leave_one_out", "prior/models/likelihoods/test_individual_data",
    "prior/models/test_fit", "prior/test_gate", "prior/models/test_pointwise",
    "prior/models/test_known_limits", "prior/test_check", "studies/test_influence",
}  # fmt: skip


class Groups(LoadScopeScheduling):
    """Sends the tests of a group to one worker."""

    def _split_scope(self, nodeid: str) -> str:
        return group(nodeid)


def group(nodeid: str) -> str:
    """The analysis that a test is about, else its file."""
    path, _, name = nodeid.partition("::")
    file = path.removeprefix("tests/").removesuffix(".py")
    if "calibration" in Path(path).parts:
        return nodeid  # minutes each
    if file == "fuzz/test_fuzz":
        return f"fuzz {name.partition('[')[2].partition('-')[0]}"  # by kind of file
    if file in FITS:
        return "fits"
    for analysis, prefix in LONGEST.items():
        if prefix and file.startswith(prefix):
            return analysis
    if file.startswith("reporting/report/"):
        return "report"  # they share one drawn page
    named = ANALYSES.keys() & set(re.split(r"[\[\]-]", name))
    found = min(named) if named else file
    return ALSO.get(found, found)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Groups:
    """Share the tests out by group, in the order of ``pytest_collection_modifyitems``."""
    config.option.loadscopereorder = False
    return Groups(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest groups first, and the tests of a group one after the other."""
    first = ["fits", *LONGEST, *sorted(ANALYSES.keys() - LONGEST.keys())]
    rank = {name: number for number, name in enumerate(first)}
    items.sort(key=lambda item: rank.get(group(item.nodeid), len(rank)))


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
