"""Conditions on the columns of a table, such as ``patients >= 40 and dropout < 0.2``."""

import ast
import operator
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from phase2sim.core.errors import BadInput
from phase2sim.core.io.validation import nearest

_COMPARE: dict[type, Callable[[Any, Any], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: lambda value, several: value in several,
    ast.NotIn: lambda value, several: value not in several,
}
_COMPUTE: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
_UNARY: dict[type, Callable[[Any], Any]] = {ast.Not: operator.not_, ast.USub: operator.neg}
_ALLOWED = (
    *(ast.Expression, ast.BoolOp, ast.And, ast.Or, ast.UnaryOp, ast.BinOp, ast.Compare),
    *(ast.Name, ast.Load, ast.Constant, ast.List, ast.Tuple, *_COMPARE, *_COMPUTE, *_UNARY),
)
_LONGEST = 1000


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition that was read and found to be one; ``key_path`` is where it stands."""

    text: str
    key_path: str
    tree: ast.Expression

    def check_names(self, columns: Iterable[str]) -> None:
        """Raise ``BadInput`` if it names a column that is not among ``columns``."""
        known = set(columns)
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Name) and node.id not in known:
                raise BadInput(
                    f"{self.key_path}: {self.text!r} names {node.id!r}, which is no column."
                    f" {nearest(node.id, known)}"
                )

    def holds(self, row: Mapping[str, object]) -> bool:
        """Whether a row meets it; a comparison with a value that is missing is not met."""
        try:
            value = _value(self.tree.body, row)
        except (TypeError, OverflowError):
            raise BadInput(
                f"{self.key_path}: {self.text!r} compares or computes with what is not a number."
                ' Text goes in quotes: method == "mmrm".'
            ) from None
        except ZeroDivisionError:
            raise BadInput(f"{self.key_path}: {self.text!r} divides by 0. Correct it.") from None
        except RecursionError:
            raise BadInput(f"{self.key_path}: is nested too deep. Shorten it.") from None
        if value not in {None, True, False} or type(value) in {int, float}:
            raise BadInput(
                f"{self.key_path}: {self.text!r} is a value and no condition. Compare it, as in"
                ' "patients >= 40".'
            )
        return bool(value)


def condition(text: str, key_path: str) -> Condition:
    """Read a condition; raises ``BadInput`` that names ``key_path``."""
    if len(text) > _LONGEST:
        raise BadInput(
            f"{key_path}: has {len(text):,} characters; at most {_LONGEST:,} are read. Shorten it."
        )
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise BadInput(
            f"{key_path}: {text!r} is not a condition. Write one such as"
            ' "patients >= 40 and dropout < 0.2".'
        ) from None
    for node in ast.walk(tree):
        if not isinstance(node, _ALLOWED) or not _is_plain(node):
            raise BadInput(
                f"{key_path}: {text!r} holds what a condition cannot. Use names of columns,"
                f" numbers,"
                ' "text", == != < <= > >=, in, + - * /, and, or, not.'
            )
    return Condition(text, key_path, tree)


def _value(node: ast.expr, row: Mapping[str, object]) -> Any:  # noqa: ANN401 - of any column
    value: Any = None
    match node:
        case ast.Constant():
            value = node.value
        case ast.Name():
            value = row.get(node.id)
        case ast.List() | ast.Tuple():
            value = [_value(element, row) for element in node.elts]
        case ast.BoolOp():
            joined = all if isinstance(node.op, ast.And) else any
            value = joined(_value(operand, row) for operand in node.values)
        case ast.UnaryOp():
            value = _UNARY[type(node.op)](_value(node.operand, row))
        case ast.BinOp():
            left, right = (_number(_value(side, row)) for side in (node.left, node.right))
            value = _COMPUTE[type(node.op)](left, right)
        case ast.Compare():
            value = _compared(node, row)
    return value


def _number(value: object) -> float:
    """Return a number as it is computed with: of one size, however many digits it has."""
    if isinstance(value, int | float):
        return float(value)
    raise TypeError  # text or a list, which could be multiplied to any length


def _is_plain(node: ast.AST) -> bool:
    """Whether a constant is a number, true or false, or text."""
    return not isinstance(node, ast.Constant) or isinstance(node.value, str | int | float)


def _compared(node: ast.Compare, row: Mapping[str, object]) -> bool:
    left = _value(node.left, row)
    for sign, other in zip(node.ops, node.comparators, strict=True):
        right = _value(other, row)
        if left is None or right is None or not _COMPARE[type(sign)](left, right):
            return False
        left = right
    return True
