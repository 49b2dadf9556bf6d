"""Compiled kernels are thrown away when anything they may call has changed."""

from pathlib import Path

import pytest

from phase2sim import kernels


def test_a_change_in_any_file_with_kernels_leads_to_another_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kernels, "PACKAGE", tmp_path)
    caller, called, other = (tmp_path / name for name in ("caller.py", "called.py", "other.py"))
    caller.write_text("from phase2sim.kernels import kernel\nfrom called import step\n")
    called.write_text("from phase2sim.kernels import kernel\nTWICE = 2\n")
    other.write_text("NOTHING = 0\n")
    before = kernels.compiled_folder()

    other.write_text("NOTHING = 1\n")
    assert kernels.compiled_folder() == before

    called.write_text("from phase2sim.kernels import kernel\nTWICE = 3\n")
    assert kernels.compiled_folder() != before
