"""Formulas are arithmetic of named values, and never code."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from phase2sim.core.errors import BadInput
from phase2sim.core.formulas import LONGEST, Formula

LEAVES = st.one_of(st.sampled_from(["a", "b"]), st.sampled_from(["0.0", "2.0", "0.5", "1e2"]))
TEXTS = st.recursive(
    LEAVES,
    lambda parts: st.one_of(
        st.tuples(parts, st.sampled_from("+-*/"), parts).map(lambda p: f"({p[0]} {p[1]} {p[2]})"),
        parts.map(lambda part: f"-{part}"),
    ),
    max_leaves=8,
)


@given(TEXTS.filter(lambda text: "a" in text or "b" in text), st.floats(-9, 9), st.floats(-9, 9))
def test_a_formula_is_what_python_makes_of_it(text: str, a: float, b: float) -> None:
    named = {"a": np.float64(a), "b": np.float64(b)}
    with np.errstate(all="ignore"):
        try:
            expected = eval(text, {}, named)  # noqa: S307 - our own text
        except ZeroDivisionError:  # of two numbers written in the formula
            return
    result = Formula(text).value({name: np.array([value]) for name, value in named.items()})
    np.testing.assert_array_equal(result.ravel()[:1], [expected])


def test_names_come_in_the_order_of_their_first_use() -> None:
    assert Formula("b / (a + b) - c").names == ("b", "a", "c")


def test_a_division_by_zero_is_no_error() -> None:
    values = Formula("a / b").value({"a": np.array([1.0, 0.0]), "b": np.zeros(2)})
    assert values[0] == np.inf
    assert np.isnan(values[1])


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('true')", "a.real", "a[0]", "a if a else b", "a < b", "a ** b",
        "lambda: a", "a; b", "a = 1", "(a := 1)", "'a'", "True * a", "1j * a", "1e999 * a", "f(a)",
        "[a]", "a and b", "~a", "", "+", "a +", "a b", "1 + 2", "await a", "a" * (LONGEST + 1),
        "(" * 150 + "a", f"{'9' * 199}", "a \x00", "None", "...", "a @ b", "a // b", "a % b",
    ],
)  # fmt: skip
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="formula"):
        Formula(text)
