"""Outputs of commands on pages are of the current evidence, model and results."""

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def outputs() -> ModuleType:
    spec = spec_from_file_location("outputs", DOCS / "outputs.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_pages_say_what_their_outputs_are_of(outputs: ModuleType) -> None:
    for page in outputs.PAGES:
        last = page.read_text(encoding="utf-8").splitlines()[-1]
        assert last == outputs.stamp(), f"{page.name}: uv run python docs/outputs.py"


def test_only_a_block_right_below_its_commands_is_written(
    outputs: ModuleType, tmp_path: Path
) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "```bash\necho no output shown\n```\n\nWords.\n\n```bash\necho new; echo er >&2\n```\n\n"
        "```\nold\n```\n\n```bash\necho out; echo why >&2; exit 1\n```\n\n```\nold\n```\n\n"
        "```toml\nkey = 1\n```\n\n```\nkept\n```\n\nThe outputs on this page are of x.\n"
    )
    outputs.refresh(page, tmp_path)
    text = page.read_text()
    assert "```\nnew\n```" in text
    assert "```\nout\nwhy\n```" in text
    assert "```\nkept\n```" in text
    assert text.startswith("```bash\necho no output shown\n```\n\nWords.\n")
    assert text.endswith(f"\n{outputs.stamp()}\n")


def test_blocks_of_a_page_are_done_in_order_and_a_cut_output_keeps_its_lines(
    outputs: ModuleType, tmp_path: Path
) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "```toml\n# mine/a.toml\nkey = 1\n```\n\n```bash\necho more >> mine/a.toml\n```\n\n"
        "```bash\ncat mine/a.toml\n```\n\n```\nold\nold\n...\n```\n"
    )
    outputs.refresh(page, tmp_path)

    assert page.read_text().endswith("```\n# mine/a.toml\nkey = 1\n...\n```\n")
    assert (tmp_path / "mine" / "a.toml").read_text().splitlines()[-1] == "more"
