"""Every example in a docstring runs and prints what it says."""

import doctest
from importlib import import_module
from pathlib import Path

import pytest

import phase2sim

ROOT = Path(__file__).parents[1]
# Examples of the public names need scenarios and a prior: `test_public.py` runs those.
ELSEWHERE = {f"{module}.{name}" for name, module in phase2sim._MODULES.items()}  # noqa: SLF001


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


MODULES = sorted(
    name_of(path)
    for path in (ROOT / "phase2sim").rglob("*.py")
    if ">>> " in path.read_text(encoding="utf-8")
)


def examples_of(name: str) -> list[doctest.DocTest]:
    tests = doctest.DocTestFinder().find(import_module(name), name)
    public = tuple(f"{other}." for other in ELSEWHERE)
    return [
        test
        for test in tests
        if test.examples and test.name not in ELSEWHERE and not test.name.startswith(public)
    ]


@pytest.mark.parametrize("name", MODULES)
def test_examples_print_what_they_say(name: str) -> None:
    runner = doctest.DocTestRunner(verbose=False)
    lines: list[str] = []

    for test in examples_of(name):
        runner.run(test, out=lines.append)

    assert "".join(lines) == ""


def test_examples_of_compiled_functions_are_found() -> None:
    names = {test.name for test in examples_of("phase2sim.theory.group_sequential.integration")}

    assert "phase2sim.theory.group_sequential.integration.exit_probabilities" in names
