"""Prior draws on disk survive a round trip, and a damaged file is noticed."""

from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

from phase2sim.evidence.reported import EffectAssumption
from phase2sim.prior.draws import PriorDraws
from phase2sim.prior.storage import (
    DamagedPrior,
    cache_folder,
    cached_path,
    load,
    save,
    untrusted_path,
)


@pytest.fixture
def draws() -> PriorDraws:
    assumed = EffectAssumption("hba1c", 6.0, "onset", {"half_time_months": 1.5}, 0.5, 0.3, "why")
    numbers = np.random.default_rng(1)
    return PriorDraws(
        endpoints=("hba1c",),
        knots_months=np.array([0.0, 3.0]),
        history=numbers.normal(size=(50, 1, 2)),
        sd=numbers.uniform(size=(50, 1, 2)),
        level_sd=numbers.uniform(size=(50, 1)),
        slope_sd=numbers.uniform(size=(50, 1)),
        patient_share=numbers.uniform(size=(50, 1)),
        decay=numbers.uniform(size=(50, 1)),
        endpoint_correlation=np.ones((50, 1, 1)),
        effect=np.full((50, 1), np.nan),
        effects={"hba1c": assumed},
        provenance={"digest": "ab", "seed": 2**62, "diagnostics": {"rhat": 1.002}},
    )


def test_draws_survive_a_round_trip_bit_for_bit(draws: PriorDraws, tmp_path: Path) -> None:
    save(draws, tmp_path / "a" / "prior.npz")

    read = load(tmp_path / "a" / "prior.npz")

    for field in fields(PriorDraws):
        before, after = getattr(draws, field.name), getattr(read, field.name)
        if isinstance(before, np.ndarray):
            np.testing.assert_array_equal(after, before)
        else:
            assert after == before
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["prior.npz"]


@pytest.mark.parametrize("kept", [0, 1, 100, 0.5, 0.999])
def test_a_truncated_file_is_noticed(draws: PriorDraws, tmp_path: Path, kept: float) -> None:
    path = tmp_path / "prior.npz"
    save(draws, path)
    whole = path.read_bytes()
    path.write_bytes(whole[: kept if isinstance(kept, int) else int(kept * len(whole))])

    with pytest.raises(DamagedPrior, match=r"prior\.npz: is"):
        load(path)


def test_one_flipped_bit_of_a_draw_is_noticed(draws: PriorDraws, tmp_path: Path) -> None:
    path = tmp_path / "prior.npz"
    save(draws, path)
    whole = bytearray(path.read_bytes())
    offset = whole.index(draws.history.tobytes()[:64])
    whole[offset + 5] ^= 1
    path.write_bytes(bytes(whole))

    with pytest.raises(DamagedPrior):
        load(path)


def test_draws_changed_by_another_program_are_noticed(draws: PriorDraws, tmp_path: Path) -> None:
    path = tmp_path / "prior.npz"
    save(draws, path)
    with np.load(path) as stored:
        arrays = dict(stored)
    np.savez(path, **(arrays | {"effect": np.zeros((50, 1))}))

    with pytest.raises(DamagedPrior, match="checksum"):
        load(path)


@pytest.mark.parametrize("content", [b"", b"not an archive", b"\x93NUMPY"])
def test_a_foreign_file_is_noticed(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "prior.npz"
    path.write_bytes(content)

    with pytest.raises(DamagedPrior):
        load(path)


def test_an_archive_of_something_else_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "prior.npz"
    np.savez(path, draws=np.zeros(3))

    with pytest.raises(DamagedPrior):
        load(path)


def test_draws_that_failed_the_gate_are_not_loaded(draws: PriorDraws, tmp_path: Path) -> None:
    path = untrusted_path(tmp_path / "prior.npz")
    save(replace(draws, provenance={"failed_gate": ["R-hat"]}), path)

    with pytest.raises(DamagedPrior, match="gate"):
        load(path)


def test_a_missing_file_is_not_a_damaged_one(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "prior.npz")


def test_the_cache_follows_its_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    monkeypatch.delenv("PHASE2SIM_CACHE", raising=False)
    shared = cache_folder()
    monkeypatch.setenv("PHASE2SIM_CACHE", "/own")

    assert shared == Path("/somewhere/phase2sim")
    assert cache_folder() == Path("/own")


def test_another_model_version_has_another_file() -> None:
    assert cached_path("0" * 64, 1) != cached_path("0" * 64, 2)
