"""A graph is compiled once, and its digits are those of the usual way."""

import numpy as np
import nutpie
import pymc as pm
from numba.core.event import Event, Listener, install_listener
from pytensor.compile.mode import predefined_modes

from phase2sim.prior.models.compiled_graph import MODE, graphs_compiled_once
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
