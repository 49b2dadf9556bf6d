"""Compiled kernels are thrown away when anything they may call has changed."""

import ast
import gc
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from phase2sim.core import kernels

COMPILING = {"kernel", "step"}


def folder_of_kernels(root: Path) -> str:
    """Folder that a fresh process would take compiled kernels from, for the package in ``root``."""
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", f"import {kernels.__name__} as k; print(k.compiled_folder())"],
        cwd=root, env=os.environ | {"PYTHONPATH": str(root)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout


def has_kernels(path: Path) -> bool:
    """Whether a function in the file is compiled."""
    return any(
        isinstance(node, ast.FunctionDef)
        and {ast.unparse(decorator) for decorator in node.decorator_list} & COMPILING
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    )


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy the package, to change it."""
    root = tmp_path_factory.mktemp("copy")
    shutil.copytree(
        kernels.PACKAGE, root / "phase2sim", ignore=shutil.ignore_patterns("__pycache__")
    )
    return root


def test_a_changed_kernel_in_another_folder_is_compiled_again(package: Path) -> None:
    changed = package / "phase2sim" / "analyses" / "column_sums.py"
    assert has_kernels(changed)
    before = folder_of_kernels(package)

    changed.write_text(changed.read_text(encoding="utf-8") + "\n# changed\n", encoding="utf-8")

    assert folder_of_kernels(package) != before


def test_a_change_without_kernels_keeps_what_was_compiled(package: Path) -> None:
    changed = package / "phase2sim" / "__init__.py"
    assert not has_kernels(changed)
    before = folder_of_kernels(package)

    changed.write_text(changed.read_text(encoding="utf-8") + "\n# changed\n", encoding="utf-8")

    assert folder_of_kernels(package) == before


def test_every_file_with_kernels_is_in_the_digest() -> None:
    compiled = {path for path in kernels.PACKAGE.rglob("*.py") if has_kernels(path)}

    assert compiled
    assert compiled <= set(kernels.kernel_sources())


def damage(path: Path, kind: str) -> None:
    """Put something else where a file of compiled kernels is."""
    content = path.read_bytes()
    path.unlink()
    match kind:
        case "folder":
            path.mkdir()
        case "pipe":
            os.mkfifo(path)
        case _:
            one_bit = bytes([*content[:-9], content[-9] ^ 4, *content[-8:]])
            damaged = {"one bit": one_bit, "truncated": content[:-9], "empty": b""}
            path.write_bytes(damaged[kind])


@pytest.mark.parametrize("suffix", ["nbi", "nbc"])
@pytest.mark.parametrize("kind", ["one bit", "truncated", "empty", "folder", "pipe"])
def test_a_damaged_kernel_is_not_loaded_and_kept_again(
    tmp_path: Path, suffix: str, kind: str
) -> None:
    files = kernels.KernelFiles(str(tmp_path), "total", stamp=1)
    files.save("of floats", b"machine code of one")
    files.save("of integers", b"machine code of the other")
    assert files.load("of floats") == b"machine code of one"

    for path in tmp_path.glob(f"*.{suffix}"):
        damage(path, kind)

    assert files.load("of floats") is files.load("of integers") is None
    files.save("of floats", b"machine code of one")  # compiled again
    if kind != "folder":  # nothing can be kept there
        assert files.load("of floats") == b"machine code of one"


def test_every_kernel_is_kept_with_a_digest() -> None:
    compiled: Any = kernels.kernel(folder_of_kernels)
    files = compiled._cache._cache_file  # noqa: SLF001 - there is no public way

    assert isinstance(files, kernels.KernelFiles)


def test_garbage_is_collected_as_before_after_a_block() -> None:
    before = gc.get_threshold()
    with kernels.rare_garbage_collections():
        assert gc.get_freeze_count() > 0
        assert gc.get_threshold() != before
    assert gc.get_threshold() == before
    assert gc.get_freeze_count() == 0
