"""A refused value carries its key, whatever words the reason begins with."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from pydantic import TypeAdapter

from phase2sim.core.errors import BadScenario, BadValue
from phase2sim.core.io.validation import validate
from phase2sim.scenario.assembly.stopping import refused_bounds
from phase2sim.theory.group_sequential.boundaries import boundaries
from phase2sim.theory.group_sequential.classical_bounds import HaybittlePeto, Pocock
from phase2sim.theory.group_sequential.futility import BetaSpending, ZLimit
from phase2sim.theory.group_sequential.spending import PocockType

FILE = Path("trial.toml")
HALF = np.array([0.5, 1.0])


@dataclass(frozen=True)
class _Shares:
    """A part that refuses a value in two ways."""

    first: float
    second: float

    def __post_init__(self) -> None:
        if self.first < 0:
            raise BadValue("first", f"is {self.first:g}; it must be above 0")
        if self.first + self.second > 1:
            raise BadValue("second", "both shares together are above 1", ": ")


def _told(table: dict[str, float], **elsewhere: str) -> str:
    with pytest.raises(BadScenario) as refused:
        validate(TypeAdapter(_Shares), table, "part", FILE, BadScenario, elsewhere=elsewhere)
    return str(refused.value)


def test_a_reason_that_goes_on_from_its_key() -> None:
    assert _told({"first": -1.0, "second": 0.0}) == (
        "trial.toml: part.first is -1; it must be above 0."
    )


def test_a_reason_that_does_not_begin_with_its_key_is_told_at_the_key() -> None:
    assert _told({"first": 0.6, "second": 0.6}) == (
        "trial.toml: part.second: both shares together are above 1."
    )


def test_a_key_that_stands_elsewhere_in_the_file_is_told_there() -> None:
    assert _told({"first": -1.0, "second": 0.0}, first="design.first") == (
        "trial.toml: design.first is -1; it must be above 0."
    )


def test_an_error_under_a_table_keeps_its_reason() -> None:
    error = BadValue("limits", "they cross", ": ")

    under = error.under("stopping")

    assert (under.key, under.reason, str(under)) == (
        "stopping.limits",
        "they cross",
        "stopping.limits: they cross",
    )


def test_bounds_that_cannot_exist_are_told_at_the_key_they_come_from() -> None:
    cases = (
        (
            lambda: boundaries(np.array([0.5, 0.9]), 0.025, Pocock()),
            "information",
            "design.looks: the planned information is 0.5, 0.9; it must end at 1",
        ),
        (
            lambda: boundaries(HALF, 0.7, Pocock()),
            "one_sided_alpha",
            "decision.one_sided_alpha is 0.7",
        ),
        (
            lambda: boundaries(HALF, 0.025, HaybittlePeto(1.0)),
            "efficacy.z",
            "stopping.efficacy.z is 1; the interim looks then use up",
        ),
        (
            lambda: boundaries(HALF, 0.025, Pocock(), ZLimit((5.0,))),
            "futility",
            "stopping.futility: the futility bound of look 1",
        ),
        (
            lambda: boundaries(
                HALF, 0.025, Pocock(), BetaSpending(0.2, binding=True), PocockType()
            ),
            "futility.binding",
            "stopping.futility.binding is true: binding futility that spends",
        ),
    )
    for impossible, key, says in cases:
        with pytest.raises(BadValue) as refused:
            impossible()

        assert refused.value.key == key
        assert str(refused_bounds(refused.value, FILE)).startswith(f"{FILE}: {says}")
