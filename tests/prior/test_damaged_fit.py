"""A kept fit that is damaged in any way is fitted again, and says so; a cache is tried first."""

import os
import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from support.commands import phase2sim
from support.flipped_bits import with_flipped_bits
from support.kept_prior import PRIORS, draws_for, keep, shipped_evidence

from phase2sim.core.errors import BadInput
from phase2sim.core.io.digests import UNSEALED, is_intact
from phase2sim.evidence.reported import Evidence
from phase2sim.prior.draws import PriorDraws
from phase2sim.prior.fitting import load_or_fit
from phase2sim.prior.models.diagnostics import DIAGNOSTIC_NAMES
from phase2sim.prior.storage import DamagedPrior, cached_path, digest, load

FINE = {"divergences": 0, "rhat": 1.0, "ess_bulk": 1e4, "ess_tail": 1e4}
PLAIN, LONG = 300, 4_000


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache folder with a kept fit of the shipped evidence."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("PHASE2SIM_CACHE", str(folder))
    keep(folder)
    return folder


@pytest.fixture
def fits(monkeypatch: pytest.MonkeyPatch) -> list[Evidence]:
    """Evidence that was fitted; the sampler takes no time."""
    fitted: list[Evidence] = []

    def fit(evidence: Evidence, seed: int, *_more: object) -> PriorDraws:
        fitted.append(evidence)
        diagnostics = FINE | {f"{name}_of": "decay[1]" for name in DIAGNOSTIC_NAMES}
        provenance = {"digest": evidence.digest, "seed": seed, "diagnostics": diagnostics}
        return replace(draws_for(evidence), provenance=provenance)

    monkeypatch.setattr("phase2sim.prior.models.fit.sample_posterior", fit)
    return fitted


def kept_path() -> Path:
    return cached_path(shipped_evidence().digest)


def without_digest(path: Path) -> None:
    """Make a kept fit what an earlier version wrote: the same archive without a comment."""
    content = path.read_bytes()
    path.write_bytes(content[: -len(UNSEALED) - 2] + b"\0\0")


def damage(path: Path, kind: str) -> None:
    """Put something else where a kept fit is."""
    content = path.read_bytes()
    path.unlink()
    match kind:
        case "folder":
            (path / "inside").mkdir(parents=True)
        case "pipe":
            os.mkfifo(path)
        case "unreadable":  # also to a superuser
            path.symlink_to(path)
        case _:
            damaged = {
                "truncated": content[:-1],
                "half": content[: len(content) // 2],
                "empty": b"",
                "zeros": bytes(len(content)),
                "one bit": bytes([*content[:5_000], content[5_000] ^ 8, *content[5_001:]]),
                "other format": b"PAR1",
                "more": content + b"more",
            }
            path.write_bytes(damaged[kind])


@pytest.mark.parametrize(
    "kind",
    ["truncated", "half", "empty", "zeros", "one bit", "other format", "more", "folder", "pipe",
     "unreadable"],
)  # fmt: skip
def test_a_damaged_fit_is_fitted_again_and_kept(
    cache: Path, fits: list[Evidence], kind: str
) -> None:
    evidence, lines = shipped_evidence(), list[str]()
    damage(kept_path(), kind)

    shown = phase2sim("prior", "show", PRIORS / "gxipc1.toml", PRIORS / "t1d-natural-history.toml")
    load_or_fit(evidence, report=lines.append)
    again = load_or_fit(evidence, report=lines.append)

    command = f"phase2sim fit {PRIORS / 'gxipc1.toml'} {PRIORS / 't1d-natural-history.toml'}"
    assert shown.exit_code == 2
    assert shown.stderr.strip().endswith(f"Run: {command}")
    assert len(fits) == 1
    assert sum(line.startswith(f"fitting again: {kept_path()}: ") for line in lines) == 1
    assert digest(again) == digest(draws_for(evidence))
    assert is_intact(kept_path().read_bytes())
    assert (kind == "folder") == any(".aside" in path.name for path in cache.iterdir())


def test_a_fit_of_an_earlier_version_is_read(cache: Path, fits: list[Evidence]) -> None:
    without_digest(kept_path())

    load_or_fit(shipped_evidence(), report=lambda _line: None)

    assert cache.is_dir()
    assert not is_intact(kept_path().read_bytes())
    assert fits == []


def test_a_cache_that_cannot_be_written_is_said_before_the_fit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fits: list[Evidence]
) -> None:
    (tmp_path / "file").write_text("x", encoding="utf-8")
    monkeypatch.setenv("PHASE2SIM_CACHE", str(tmp_path / "file" / "cache"))

    with pytest.raises(BadInput, match=r"not a directory\. Set PHASE2SIM_CACHE to"):
        load_or_fit(shipped_evidence(), report=lambda _line: None)
    assert fits == []

    monkeypatch.setenv("PHASE2SIM_CACHE", str(tmp_path / "cache"))
    load_or_fit(shipped_evidence(), report=lambda _line: None)
    assert len(fits) == 1


def test_a_fit_that_cannot_be_kept_in_the_end_is_used_all_the_same(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines: list[str] = []

    def fit_and_lose_the_folder(evidence: Evidence, *_more: object) -> PriorDraws:
        shutil.rmtree(cache)
        cache.write_text("x", encoding="utf-8")
        diagnostics = FINE | {f"{name}_of": "decay[1]" for name in DIAGNOSTIC_NAMES}
        return replace(draws_for(evidence), provenance={"diagnostics": diagnostics})

    monkeypatch.setattr("phase2sim.prior.models.fit.sample_posterior", fit_and_lose_the_folder)
    draws = load_or_fit(shipped_evidence(), refit=True, report=lines.append)

    assert digest(draws) == digest(draws_for(shipped_evidence()))
    assert "cannot be kept" in lines[-1]
    assert "PHASE2SIM_CACHE" in lines[-1]


def outcomes(path: Path, flips: int) -> Counter[str]:
    """How often a kept fit with a flipped bit was refused, or gave the same draws."""
    whole = digest(load(path))
    counted: Counter[str] = Counter()
    for _ in with_flipped_bits(path, flips):
        try:
            counted["same" if digest(load(path)) == whole else "other draws"] += 1
        except DamagedPrior:
            counted["refused"] += 1
    return counted


@pytest.mark.parametrize("written", ["now", "by an earlier version"])
@pytest.mark.parametrize("flips", [PLAIN, pytest.param(LONG, marks=pytest.mark.calibration)])
def test_no_flipped_bit_changes_a_draw(cache: Path, written: str, flips: int) -> None:
    (path,) = cache.iterdir()
    if written != "now":
        without_digest(path)

    counted = outcomes(path, flips)

    assert counted["other draws"] == 0
    assert counted.total() == flips
    assert counted["refused"] > 0.9 * flips  # headers of an archive say some things twice
