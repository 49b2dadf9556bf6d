"""Run the commands on pages anew, and write what they print below them.

    uv run python docs/outputs.py

The blocks of a page are done in order, in one folder. A block marked ``bash`` is run; a block
without a mark right below it is its output. An output whose last line is ``...`` keeps its number
of lines. A block marked ``toml`` whose first line is ``# <path>`` is written to that file. The last
line of a page says what its outputs are of; a test compares it with the current versions.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from phase2sim.core.contracts import RESULTS_VERSION
from phase2sim.evidence.load import load_evidence
from phase2sim.prior.storage import MODEL_VERSION

ROOT = Path(__file__).parents[1]
PAGES = tuple(ROOT / "docs" / name for name in ("guide/sweeps.md", "tutorial.md"))
SHIPPED = ("gxipc1", "t1d-natural-history")
LINES = r"((?!```).*\n)+"
BLOCK = re.compile(
    rf"^```(?P<kind>bash|toml)\n(?P<lines>{LINES})```(\n\n```\n(?P<output>{LINES})```)?$",
    re.MULTILINE,
)
FILE = re.compile(r"# (?P<path>\S+\.toml)\n")
CUT = "...\n"
STAMP = re.compile(r"^The outputs on this page are of .*$", re.MULTILINE)
WIDTH = 120


def stamp() -> str:
    """Say what outputs depend on."""
    evidence = load_evidence([ROOT / "priors" / f"{name}.toml" for name in SHIPPED])
    return (
        f"The outputs on this page are of evidence `{evidence.digest[:12]}`, model version"
        f" {MODEL_VERSION} and results version {RESULTS_VERSION}."
    )


def printed(commands: str, folder: Path) -> str:
    """Output of shell commands; the message of one that fails as well."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = os.environ | {"PATH": path, "COLUMNS": str(WIDTH)}
    sys.stderr.write(commands)
    done = subprocess.run(  # noqa: S602 - commands of our own pages
        commands, shell=True, cwd=folder, env=environment, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    text = done.stdout if done.returncode == 0 else done.stdout + done.stderr
    return "".join(f"{line.rstrip()}\n" for line in text.strip("\n").splitlines())


def refresh(page: Path, folder: Path) -> None:
    """Write the outputs of a page anew."""

    def redo(block: re.Match[str]) -> str:
        if block["kind"] == "toml":
            write_file(block["lines"], folder)
            return block[0]
        output = printed(block["lines"], folder)
        if block["output"] is None:
            return block[0]
        if block["output"].endswith(CUT):
            kept = block["output"].count("\n") - 1
            output = "".join(output.splitlines(keepends=True)[:kept]) + CUT
        return f"```bash\n{block['lines']}```\n\n```\n{output}```"

    text = BLOCK.sub(redo, page.read_text(encoding="utf-8"))
    page.write_text(STAMP.sub(stamp(), text), encoding="utf-8")


def write_file(lines: str, folder: Path) -> None:
    """Write a file that a page shows whole, if its first line names one."""
    if named := FILE.match(lines):
        path = folder / named["path"]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(lines, encoding="utf-8")


def main() -> None:
    """Refresh all pages, each in a copy of the shipped files."""
    for page in PAGES:
        with tempfile.TemporaryDirectory() as temporary:
            for name in ("scenarios", "priors"):
                shutil.copytree(ROOT / name, Path(temporary) / name)
            refresh(page, Path(temporary))


if __name__ == "__main__":
    main()
