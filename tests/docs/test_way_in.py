"""A newcomer's way in: the recipes are those CI runs, and the code map names what there is."""

import ast
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "phase2sim"
DOCS = ROOT / "docs"
DECISIONS = DOCS / "decisions"
MAPPED = [DOCS / "code-map.md", DOCS / "glossary.md", *sorted(DECISIONS.glob("001[2-9]*.md"))]
IN_CI = ("check", "run", "docs")  # recipes; the command of `test` stands there itself
FIRST_COMMANDS = ("uv run phase2sim run scenarios/gxipc1-phase2.toml", "uv run pytest")
MOST_LINES = 50  # of a decision
PINNED = "constraint-dependencies"


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def recipes() -> dict[str, list[str]]:
    """Name of each public recipe of the justfile, and its commands without their options."""
    commands_of: dict[str, list[str]] = {}
    name = ""
    for line in text_of("justfile").splitlines():
        header = re.match(r"(\w[\w-]*)(?: \*options)?:$", line)
        if header:
            name = header[1]
            commands_of[name] = []
        elif line.startswith("    ") and name in commands_of:
            commands_of[name].append(line.strip().removesuffix(" {{ options }}"))
    return {key: commands for key, commands in commands_of.items() if not key.startswith("_")}


def names_in(path: Path) -> set[str]:
    """Functions and classes of a module, methods as ``Class.method``."""
    names = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        if isinstance(node, ast.ClassDef):
            methods = (item for item in node.body if isinstance(item, ast.FunctionDef))
            names |= {f"{node.name}.{method.name}" for method in methods}
    return names


def test_ci_runs_the_readmes_test_command_and_the_recipes() -> None:
    lines = text_of(".ci/run").splitlines()

    assert recipes()["test"] == ["uv run pytest"]
    assert "uv run pytest" in lines
    for name in IN_CI:
        assert any(re.fullmatch(rf"uv run just {name}( .*)?", line) for line in lines), name
    run = [line for line in lines if line.startswith("uv run")]
    assert len(run) == 1 + len(IN_CI), "a command of CI that no recipe holds"


@pytest.mark.parametrize("command", FIRST_COMMANDS)
def test_the_readmes_two_commands_are_recipes(command: str) -> None:
    assert f"```bash\n{command}\n```" in text_of("README.md")
    assert [command] in recipes().values()


@pytest.mark.parametrize("name", recipes())
def test_contributing_names_every_recipe(name: str) -> None:
    assert re.search(rf"`uv run just {name}\b", text_of("CONTRIBUTING.md"))


def test_links_of_contributing_lead_somewhere() -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", text_of("CONTRIBUTING.md")):
        assert (ROOT / link).is_file(), link


def test_recipes_check_what_a_commit_must_keep() -> None:
    checks = recipes()["check"]

    hooks = re.findall(r"entry: (.*)", text_of(".pre-commit-config.yaml"))
    assert [hook.removesuffix(" --fix") for hook in hooks] == [
        command.removesuffix(" --check") for command in checks
    ]
    assert set(re.findall(r"repo: (.*)", text_of(".pre-commit-config.yaml"))) == {"local"}


def test_scripts_of_the_recipes_are_there() -> None:
    for commands in recipes().values():
        for script in re.findall(r"\b[\w/]+\.py\b", "\n".join(commands)):
            assert (ROOT / script).is_file(), script


def test_just_is_pinned() -> None:
    project = tomllib.loads(text_of("pyproject.toml"))

    assert any(
        requirement.startswith("rust-just>=") for requirement in project["dependency-groups"]["dev"]
    )
    assert any(pin.startswith("rust-just==") for pin in project["tool"]["uv"][PINNED])


@pytest.mark.parametrize("path", MAPPED, ids=name_of)
def test_files_and_functions_that_a_page_names_exist(path: Path) -> None:
    for file, name in re.findall(r"`(phase2sim/[\w/.]+?\.py)(?::([\w.]+))?`", path.read_text()):
        assert (ROOT / file).is_file(), file
        assert not name or name in names_in(ROOT / file), f"{file}:{name}"


def test_the_code_map_says_what_lives_in_every_room() -> None:
    rows = re.findall(r"^\| `([\w/]+)` \|", text_of("docs/code-map.md"), re.MULTILINE)

    folders = {init.parent.relative_to(PACKAGE) for init in PACKAGE.rglob("__init__.py")}
    rooms = {str(folder) for folder in folders} - {".", "reporting/report/sections"}
    assert sorted(rows) == sorted(rooms)


def test_the_code_map_draws_the_layers_that_imports_keep() -> None:
    contract = tomllib.loads(text_of("pyproject.toml"))["tool"]["importlinter"]["contracts"][0]
    drawn = text_of("docs/code-map.md").partition("```text")[2].partition("```")[0]

    rooms_alone = [layer for layer in contract["layers"] if layer != "__main__"]  # no room
    layers = [layer.split(" | ") for layer in rooms_alone]
    for number, rooms in enumerate(reversed(layers), start=1):
        assert re.search(rf"^  {number}  \+-", drawn, re.MULTILINE)
        below = drawn.partition(f"\n  {number}  +")[2].partition("+\n")[2].partition("\n")[0]
        for room in rooms:
            assert re.search(rf"\b{room}\b", below), f"{room} on layer {number}"


def test_every_decision_has_a_status_and_is_in_the_index() -> None:
    index = (DECISIONS / "README.md").read_text(encoding="utf-8")
    for path in sorted(DECISIONS.glob("[0-9]*.md")):
        lines = path.read_text(encoding="utf-8").splitlines()

        assert f"]({path.name})" in index, path.name
        assert re.fullmatch(r"# \d+\. .+", lines[0]), path.name
        assert re.match(r"Status: (accepted|superseded).*Date: \d+ \w+ \d{4}", lines[2]), path.name
        assert len(lines) <= MOST_LINES, path.name
