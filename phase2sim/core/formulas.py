"""Formulas of endpoints, such as ``hba1c + 4 * insulin``: read safely and evaluated on arrays."""

import ast
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from phase2sim.core.arrays import Floats
from phase2sim.core.errors import BadInput

_OPERATORS: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
LONGEST = 200  # characters
ALLOWED = "numbers, names of endpoints, + - * / and brackets"


@dataclass(frozen=True, slots=True)
class Formula:
    """An arithmetic formula of named values.

    Parameters
    ----------
    text : str
        Formula of numbers, names, ``+ - * /`` and brackets; at most 200 characters.

    Raises
    ------
    BadInput
        If the text is anything else. It is never run as code.

    Examples
    --------
    >>> formula = Formula("hba1c + 4 * insulin")
    >>> formula.names
    ('hba1c', 'insulin')
    >>> formula.value({"hba1c": np.array([7.0]), "insulin": np.array([0.5])}).tolist()
    [9.0]
    """

    text: str
    names: tuple[str, ...] = field(init=False)
    _tree: ast.expr = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if len(self.text) > LONGEST:
            raise BadInput(
                f"formula has {len(self.text)} characters; at most {LONGEST} are allowed."
                " Derive a part of it first."
            )
        try:
            tree = ast.parse(self.text.strip(), mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            raise BadInput(
                f"formula is {self.text!r}, which is not arithmetic; write {ALLOWED}."
            ) from None
        names: dict[str, None] = {}
        _check(tree, self.text, names)
        if not names:
            raise BadInput(f"formula is {self.text!r}, which names no endpoint.")
        object.__setattr__(self, "names", tuple(names))
        object.__setattr__(self, "_tree", tree)

    def value(self, values: Mapping[str, Floats]) -> Floats:
        """Evaluate for arrays of equal shapes, by name; a division by 0 gives inf or nan."""
        with np.errstate(divide="ignore", invalid="ignore", over="ignore", under="ignore"):
            return np.asarray(_evaluate(self._tree, values), dtype=np.float64)


def _check(node: ast.expr, text: str, names: dict[str, None]) -> None:
    """Collect names in the order of their first use; refuse what is not arithmetic."""
    match node:
        case ast.BinOp() if type(node.op) in _OPERATORS:
            _check(node.left, text, names)
            _check(node.right, text, names)
        case ast.UnaryOp(op=ast.USub()):
            _check(node.operand, text, names)
        case ast.Name():
            names[node.id] = None
        case ast.Constant(value=int() | float() as number) if _is_number(number):
            pass
        case _:
            part = ast.unparse(node)
            raise BadInput(f"formula is {text!r}: {part!r} is not allowed; write {ALLOWED}.")


def _evaluate(node: ast.expr, values: Mapping[str, Floats]) -> Any:  # noqa: ANN401
    match node:
        case ast.BinOp():
            left, right = _evaluate(node.left, values), _evaluate(node.right, values)
            return _OPERATORS[type(node.op)](left, right)
        case ast.UnaryOp():
            return -_evaluate(node.operand, values)
        case ast.Name():
            return values[node.id]
        case ast.Constant(value=int() | float() as number):
            return np.float64(number)
    raise AssertionError(node)


def _is_number(value: float) -> bool:
    """Whether it is a finite number that an array can hold, and not True or False."""
    return type(value) is not bool and abs(value) < float(np.finfo(np.float64).max)
