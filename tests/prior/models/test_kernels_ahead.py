"""Kernels that a model calls are compiled by a second process."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from phase2sim.core import kernels
from phase2sim.evidence.load import load_evidence
from phase2sim.prior.models import kernels_ahead
from phase2sim.prior.models.compiled_graph import MODE, graphs_compiled_once
from phase2sim.prior.models.densities import calls_by_name
from phase2sim.prior.models.densities.calls_by_name import contiguous
from phase2sim.prior.models.joint import joint_model
from phase2sim.prior.models.kernels_ahead import Compilation, compilations, compiled_ahead

PRIORS = Path(__file__).parents[3] / "priors"
EVIDENCE = [PRIORS / "gxipc1.toml", PRIORS / "t1d-natural-history.toml"]
ALONE = Compilation("phase2sim.prior.models.likelihoods.events", "_log_series", (2, 2))


def test_the_list_is_what_the_graph_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    called = set()
    declare = calls_by_name._declare  # noqa: SLF001

    def note(function: object, taken: tuple[object, ...], symbol: str) -> None:
        called.add((id(function), taken))
        declare(function, taken, symbol)

    monkeypatch.setattr(calls_by_name, "_declare", note)
    model = joint_model(load_evidence(EVIDENCE))
    with graphs_compiled_once(), kernels.lightly_optimised():
        model.compile_fn([model.logp(), model.dlogp()], mode=MODE)  # loads or compiles kernels

    listed = {
        (id(each.kernel), contiguous(each.dimensions)) for each in compilations(model.potentials)
    }
    assert len(listed) > 10
    assert listed <= called


def test_another_process_compiles_what_this_one_loads(tmp_path: Path) -> None:
    place = os.environ | {"XDG_CACHE_HOME": str(tmp_path)}
    listed = json.dumps([ALONE])
    subprocess.run(  # noqa: S603
        [sys.executable, "-m", kernels_ahead.__name__, listed], env=place, check=True
    )
    loads = (
        f"from {kernels_ahead.__name__} import Compilation, contiguous, is_on_disk\n"
        "from phase2sim.core.kernels import lightly_optimised\n"
        f"kernel = {ALONE!r}.kernel\n"
        "assert is_on_disk(kernel)\n"
        "with lightly_optimised():\n"
        f"    kernel.compile(contiguous({ALONE.dimensions!r}))\n"
        "print(sum(kernel.stats.cache_hits.values()))"
    )
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", loads], env=place, check=True, capture_output=True, text=True
    )
    assert done.stdout.split() == ["1"]


def test_no_process_is_started_where_all_is_on_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernels_ahead, "is_on_disk", lambda _: True)
    monkeypatch.setattr(kernels_ahead.subprocess, "Popen", None)
    model = joint_model(load_evidence(EVIDENCE))
    with compiled_ahead(model.potentials):
        pass


def test_the_other_process_ends_with_the_block(monkeypatch: pytest.MonkeyPatch) -> None:
    started = []

    def start(*arguments: Any, **options: Any) -> Any:  # noqa: ANN401
        started.append(popen(*arguments, **options))
        return started[0]

    popen = subprocess.Popen
    monkeypatch.setattr(kernels_ahead, "is_on_disk", lambda _: False)
    monkeypatch.setattr(kernels_ahead.subprocess, "Popen", start)
    model = joint_model(load_evidence(EVIDENCE))
    with pytest.raises(KeyboardInterrupt), compiled_ahead(model.potentials):
        raise KeyboardInterrupt
    assert started[0].returncode is not None
