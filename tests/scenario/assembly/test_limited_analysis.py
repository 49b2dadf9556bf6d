"""An analysis behind the limit of an assay answers as itself, where the limit lets it."""

import pickle
from dataclasses import fields

import pytest
from support.analysis_parts import usual

from phase2sim.analyses import ANALYSES
from phase2sim.analyses.means.ancova import Ancova
from phase2sim.analyses.quantification_limit import QuantificationLimit
from phase2sim.core.analysis import Analysis
from phase2sim.scenario.assembly.limited_analysis import LimitedAnalysis

LIMIT = QuantificationLimit("c_peptide", 0.02)
ESTIMATION = {"estimate", "estimate_first", "individual_outcomes"}
# What rests on the values as they are.
OTHERWISE = {
    "in_one_pass": False,
    "allows_blinded_variance": False,
    "by_responder_counts": False,
    "closed_form": None,
    "is_equivariant": False,
}
MEMBERS = sorted(
    name
    for name in {*vars(Analysis), *Analysis.__annotations__} - ESTIMATION
    if not name.startswith("_")
)


@pytest.mark.parametrize("member", MEMBERS)
@pytest.mark.parametrize("name", ANALYSES)
def test_it_answers_as_the_analysis_itself(name: str, member: str) -> None:
    analysis = usual(name)

    answer = getattr(LimitedAnalysis(analysis, LIMIT), member)

    assert answer == OTHERWISE.get(member, getattr(analysis, member))


def test_its_fields_are_the_analysis_and_the_limit() -> None:
    assert [field.name for field in fields(LimitedAnalysis)] == ["analysis", "limit"]


def test_it_can_be_sent_to_a_worker() -> None:
    limited = LimitedAnalysis(Ancova("c_peptide", 12.0), LIMIT)

    assert pickle.loads(pickle.dumps(limited)) == limited  # noqa: S301 - our own
