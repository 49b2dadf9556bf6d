"""For mkdocs: each notebook becomes a page with its outputs, and no page fetches anything."""

import json
import re
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
# What the theme fetches so that the search works from a disk -> the same beside the pages.
FETCHED, KEPT = "https://unpkg.com/iframe-worker/shim", "assets/iframe-worker.js"
# What a page can show, the best first, and how.
SHOWN = {
    "image/svg+xml": "<div>{}</div>",
    "text/html": "<div>{}</div>",
    "text/plain": "```\n{}\n```",
}


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add a page for every notebook."""
    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        name = f"notebooks/{path.stem}.md"
        files.append(File.generated(config, name, content=as_markdown(path)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Let links to notebooks lead to their pages."""
    del page, config, files
    return re.sub(r"\]\((?:\.\./)+notebooks/([\w-]+)\.ipynb\)", r"](../notebooks/\1.md)", markdown)


def on_post_page(output: str, page: Page, config: MkDocsConfig) -> str:
    """Take what the theme would fetch from beside the pages; name its dialog for screen readers."""
    del config
    output = output.replace('role="dialog"', 'role="dialog" aria-label="Search"')
    return output.replace(FETCHED, "../" * page.url.count("/") + KEPT)


def on_post_template(output_content: str, template_name: str, config: MkDocsConfig) -> str:
    """Do the same for the page that says that a page is not there."""
    del template_name, config
    return output_content.replace(FETCHED, f"/{KEPT}")


def as_markdown(path: Path) -> str:
    """Text, code and outputs of a notebook, in their order."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return "\n\n".join(part for cell in cells for part in _cell(cell))


def _cell(cell: dict[str, Any]) -> list[str]:
    source = "".join(cell["source"])
    if cell["cell_type"] == "markdown":
        source = re.sub(r"\]\(\.\./docs/", "](../", source)
        return [re.sub(r"\]\(([\w-]+)\.ipynb\)", r"](\1.md)", source)]
    return [f"```python\n{source}\n```", *(_output(one) for one in cell["outputs"])]


def _output(output: dict[str, Any]) -> str:
    if "text" in output:
        return SHOWN["text/plain"].format("".join(output["text"]).rstrip())
    kind = next(kind for kind in SHOWN if kind in output["data"])
    text = "".join(output["data"][kind])
    if kind != "text/plain":
        text = re.sub(r"\n\s*\n", "\n", text)  # a blank line would end the HTML
    return SHOWN[kind].format(text)
