"""The base class of each kind of part says which methods a part must have."""

import inspect

import pytest

from phase2sim.core.analysis import Analysis
from phase2sim.core.contracts import TruthSource
from phase2sim.core.decision import Decision
from phase2sim.core.patient_parts import Missingness, Randomisation, Recruitment
from phase2sim.theory.group_sequential.efficacy_rule import EfficacyRule
from phase2sim.theory.group_sequential.futility_rule import FutilityRule
from phase2sim.theory.group_sequential.spending import Spending
from phase2sim.trial.interim.rules import InterimRule

BASES = (
    Analysis, TruthSource, Decision, Missingness, Randomisation, Recruitment, EfficacyRule,
    FutilityRule, Spending, InterimRule,
)  # fmt: skip


@pytest.mark.parametrize("base", BASES, ids=lambda base: base.__name__)
def test_a_part_without_a_needed_method_cannot_be_made(base: type) -> None:
    assert inspect.isabstract(base)

    incomplete = type("Incomplete", (base,), {})

    with pytest.raises(TypeError, match="abstract method"):
        incomplete()
