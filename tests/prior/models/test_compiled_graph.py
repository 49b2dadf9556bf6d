"""A graph is compiled once, and its digits are those of the usual way."""

from collections.abc import Callable
from typing import Any

import numpy as np
import nutpie
import pymc as pm
import pytensor
import pytest
from numba.core.dispatcher import Dispatcher
from numba.core.event import Event, Listener, install_listener
from pytensor.compile.mode import predefined_modes

from phase2sim.prior.models import compiled_graph
from phase2sim.prior.models.compiled_graph import MODE, graphs_compiled_once
from phase2sim.prior.models.densities.calls_by_name import graph_by_name
from phase2sim.prior.models.densities.pytensor_names import pt


class Compilations(Listener):
    """Names of the functions that are compiled."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def on_start(self, event: Event) -> None:
        """Keep the name."""
        self.names.append(event.data["dispatcher"].py_func.__name__)

    def on_end(self, event: Event) -> None:
        """Do nothing."""


def model(factor: float) -> pm.Model:
    with pm.Model() as built:
        level = pm.Normal("level", shape=3)
        data = pm.Data("data", np.arange(5.0) / 3.0)
        pm.Potential("term", pt.sum(pt.cos(level[:, None] * data[None, :]) * factor))
        pm.Deterministic("shift", pt.exp(factor * level))
    return built


def test_draws_are_those_of_the_usual_way_and_each_graph_is_compiled_once() -> None:
    usual = predefined_modes[MODE]
    factor = np.random.default_rng().uniform()  # else it is loaded from the compiler's cache
    compilations = Compilations()
    with graphs_compiled_once(), install_listener("numba:compile", compilations):
        once = nutpie.compile_pymc_model(model(factor))
    in_turn = nutpie.compile_pymc_model(model(factor))

    draws = [
        nutpie.sample(each, draws=50, tune=50, chains=1, seed=1, progress_bar=False)["posterior"]
        for each in (once, in_turn)
    ]
    np.testing.assert_array_equal(draws[0]["shift"].values, draws[1]["shift"].values)
    graphs = [name for name in compilations.names if name == "numba_funcified_fgraph"]
    assert len(graphs) == 2  # the log density with its gradient, and the derived variables
    assert predefined_modes[MODE] is usual


def test_nodes_share_a_function_only_if_their_inputs_are_alike(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    held: dict[str, object] = {}

    def hold(graph: Any) -> Callable[..., Any]:  # noqa: ANN401 - a dispatcher
        held.update(graph.py_func.__globals__)
        return graph_by_name(graph)

    monkeypatch.setattr(compiled_graph, "graph_by_name", hold)
    points = [pt.vector(name) for name in "abc"]
    joined = [pt.join(0, *points[:2]), pt.join(0, *points)]
    matrix = pt.matrix("d")
    with graphs_compiled_once():
        outputs = [*joined, *map(pt.cos, [*points, matrix])]
        pytensor.function([*points, matrix], outputs, mode=MODE)

    functions = [each for each in held.values() if isinstance(each, Dispatcher)]
    joins, cosines = (
        [id(each) for each in functions if each.py_func.__name__ == name]
        for name in ("join", "elemwise")
    )
    assert len(joins) == len(set(joins)) == 2
    assert len(cosines) == 4
    assert len(set(cosines)) == 2  # of vectors, and of the matrix
