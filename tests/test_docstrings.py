"""Docstrings have the numpydoc sections that apply to them; numpydoc reads them.

The rule. Checked are the names of ``phase2sim``, the class of every part that a scenario can name,
every public function, class and method of ``phase2sim/theory``, and the protocols and bases of
``phase2sim/core``. Parameters names every parameter, or every field of a class that is made from
fields, in order and with its type, and no other. Returns (Yields in a generator) is there exactly
where something is returned. Raises is there where the body itself raises; for a class, where its
``__init__`` or ``__post_init__`` does. Examples are there for public names, parts, and functions
and classes of theory (``test_examples.py`` and ``test_public.py`` run them). References are there
for parts that are a statistical method and for functions and classes of theory. A property needs
its sentence alone; so does a method that implements one of a protocol or base.
"""

import ast
import inspect
import pkgutil
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any

import pytest
from numpydoc.docscrape import get_doc_object
from numpydoc.validate import validate

import phase2sim
from phase2sim.scenario.assembly.registry import TABLES

# What numpydoc itself finds: an unknown section or sections out of order (GL); a summary that is
# no sentence (SS); a parameter that is not documented, unknown, out of order, without type, without
# description, or without a space before its colon (PR); a returned value without description (RT).
CHECKS = {"GL06", "GL07", "SS01", "SS03", "PR01", "PR02", "PR03", "PR04", "PR07", "PR10", "RT03"}
METHODS = {"analyses", "decisions", "efficacies", "futilities", "spendings", "reestimations",
           "safety"}  # fmt: skip
# Of theory, without a statistical method behind them: no reference is due.
WITHOUT_METHOD = {
    "AnalysisPrior", "mixture_json", "read_mixture", "normal_mixture", "futility_limits",
    "check_information", "check_one_sided_alpha", "check_beta", "check_limits", "check_crossing",
}  # fmt: skip


@dataclass(frozen=True)
class Documented:
    """One object whose docstring is checked, and the sections it needs beyond its signature."""

    room: str
    name: str
    value: Any
    needs: tuple[str, ...] = ()

    @property
    def function(self) -> Any:  # noqa: ANN401 - whatever a module holds
        """The object itself, under any decorator or compiler."""
        return inspect.unwrap(self.value)


def public_names() -> Iterator[Documented]:
    for name in getattr(phase2sim, "__all__", None) or dir(phase2sim):
        yield Documented("public", name, getattr(phase2sim, name), ("Examples",))


def parts() -> Iterator[Documented]:
    for kind, table in TABLES.items():
        classes = {part if isinstance(part, type) else type(part) for part in table.values()}
        needs = ("Examples", "References") if kind in METHODS else ("Examples",)
        for part in sorted(classes, key=lambda part: part.__name__):
            yield Documented(kind, f"{kind}.{part.__name__}", part, needs)


def modules(room: str) -> Iterator[ModuleType]:
    package = import_module(f"phase2sim.{room}")
    for entry in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        yield import_module(entry.name)


def definitions(module: ModuleType) -> Iterator[tuple[str, Any]]:
    """Public functions and classes that a module defines itself."""
    for name, value in vars(module).items():
        kind = inspect.isclass(value) or inspect.isfunction(inspect.unwrap(value))
        if kind and not name.startswith("_") and value.__module__ == module.__name__:
            yield name, value


def is_protocol(value: object) -> bool:
    return bool(getattr(value, "_is_protocol", False))


@cache
def protocols(room: str) -> tuple[type, ...]:
    found = (value for module in modules(room) for _, value in definitions(module))
    return tuple(value for value in found if is_protocol(value))


def methods(room: str, name: str, value: type) -> Iterator[Documented]:
    """Public methods of a class, without those that it has by a protocol of the room or a base."""
    others = {*protocols(room), *value.__mro__} - {value}
    for method, function in vars(value).items():
        implements = any(method in vars(protocol) for protocol in others)
        if inspect.isfunction(function) and not method.startswith("_") and not implements:
            yield Documented(room, f"{name}.{method}", function)


def theory() -> Iterator[Documented]:
    for module in modules("theory"):
        for name, value in definitions(module):
            is_base = is_protocol(value) or (inspect.isclass(value) and value.__subclasses__())
            needs = () if is_base else ("Examples", "References")
            if name in WITHOUT_METHOD:
                needs = ("Examples",)
            yield Documented("theory", f"{module.__name__}.{name}", value, needs)
            if inspect.isclass(value):
                yield from methods("theory", f"{module.__name__}.{name}", value)


def contracts() -> Iterator[Documented]:
    """Protocols and bases of core."""
    for module in modules("core"):
        for name, value in definitions(module):
            if not inspect.isclass(value) or issubclass(value, BaseException):
                continue
            if is_protocol(value) or value.__subclasses__():
                yield Documented("core", f"{module.__name__}.{name}", value)
                yield from methods("core", f"{module.__name__}.{name}", value)


def _documented() -> list[Any]:
    items = [*public_names(), *parts(), *theory(), *contracts()]
    return [pytest.param(item, id=item.name) for item in items]


@pytest.mark.parametrize("item", _documented())
def test_docstring_has_the_sections_that_apply(item: Documented) -> None:
    document = get_doc_object(item.function, config={"show_class_members": False})

    lacking = [*_numpydoc_errors(document, item), *_sections(document, item)]

    assert "\n".join(lacking) == ""


def _numpydoc_errors(document: Any, item: Documented) -> Iterator[str]:  # noqa: ANN401
    for code, message in validate(document)["errors"]:
        if code in CHECKS and not (is_protocol(item.value) and code == "PR01"):
            yield f"{code}: {message}"


def _sections(document: Any, item: Documented) -> Iterator[str]:  # noqa: ANN401
    for section in item.needs:
        if not document[section]:
            yield f"no section {section}"
    if not document["Raises"] and not is_protocol(item.value) and _raises(item.function):
        yield "no section Raises"
    if inspect.isclass(item.function):
        return
    due = _due(item.function)
    for section in ("Returns", "Yields"):
        if bool(document[section]) != (section == due):
            yield f"no section {section}" if section == due else f"a section {section} too many"


def _due(function: Callable[..., object]) -> str | None:
    """Section that says what comes out, if anything does."""
    if inspect.isgeneratorfunction(function):
        return "Yields"
    return None if inspect.signature(function).return_annotation is None else "Returns"


def _raises(value: Any) -> bool:  # noqa: ANN401
    """Whether a function raises in its own body, or a class where it is made."""
    if not inspect.isclass(value):
        return _has_raise(value)
    made = (vars(value).get("__init__"), vars(value).get("__post_init__"))
    return any(_has_raise(method) for method in made if inspect.isfunction(method))


def _has_raise(function: Callable[..., object]) -> bool:
    try:
        source = inspect.getsource(function)
    except OSError:  # made by dataclass
        return False
    nodes: list[ast.AST] = list(ast.parse(textwrap.dedent(source)).body[0].body)  # type: ignore[attr-defined]
    while nodes:
        node = nodes.pop()
        if isinstance(node, ast.Raise) and "NotImplementedError" not in ast.unparse(node):
            return True
        if not isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Lambda):
            nodes.extend(ast.iter_child_nodes(node))
    return False
