"""Prior draws on disk: written whole or not at all, and never read when damaged."""

import hashlib
import io
import json
import os
import zipfile
import zlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np

from phase2sim.core.arrays import Floats
from phase2sim.core.errors import BadInput
from phase2sim.core.io.atomic_files import write_bytes
from phase2sim.evidence.reported import EffectAssumption, Normal
from phase2sim.prior.draws import PriorDraws

MODEL_VERSION = 7  # raise it when the model, its priors or its sampler change the draws
_FORMAT = "phase2sim prior draws 2"
SAMPLED = "sampled."  # before the name of an array of ``PriorDraws.sampled``
ARRAYS = tuple(
    field.name
    for field in fields(PriorDraws)
    if field.name not in ("endpoints", "effects", "provenance", "event_outcomes", "sampled")
)


class DamagedPrior(BadInput):
    """A file of prior draws that cannot be trusted: truncated, altered, or something else."""


def cache_folder() -> Path:
    """Folder of fitted priors: PHASE2SIM_CACHE, else phase2sim in the user's cache folder."""
    if own := os.environ.get("PHASE2SIM_CACHE"):
        return Path(own)
    if shared := os.environ.get("XDG_CACHE_HOME"):
        return Path(shared) / "phase2sim"
    return Path.home() / ".cache" / "phase2sim"


def cached_path(digest: str, model_version: int = MODEL_VERSION) -> Path:
    """Where the draws of one evidence and model version are kept."""
    return cache_folder() / f"prior-{digest[:16]}-m{model_version}.npz"


def untrusted_path(path: Path) -> Path:
    """Where draws that failed the gate are put aside: a name that nothing loads."""
    return path.with_suffix(".untrusted")


def save(draws: PriorDraws, path: Path) -> None:
    """Write draws as an npz file with a checksum; a crash leaves the old file or none.

    Raises ``BadInput`` if the folder cannot be written.
    """
    arrays = {name: np.ascontiguousarray(getattr(draws, name)) for name in ARRAYS}
    for name, sampled in draws.sampled.items():
        arrays[SAMPLED + name] = np.ascontiguousarray(sampled)
    about = json.dumps(
        {
            "format": _FORMAT,
            "endpoints": list(draws.endpoints),
            "event_outcomes": list(draws.event_outcomes),
            "effects": {name: _plain(assumed) for name, assumed in draws.effects.items()},
            "provenance": dict(draws.provenance),
        },
        sort_keys=True,
        allow_nan=True,
    )
    content = io.BytesIO()
    np.savez(
        content,
        allow_pickle=False,
        about=np.array(about),
        checksum=np.array(_checksum(arrays, about)),
        **arrays,
    )
    with suppress(OSError):  # if there is no folder, the write says so
        path.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(path, content.getvalue())


def load(path: Path) -> PriorDraws:
    """Read draws back, bit for bit.

    Raises ``DamagedPrior`` for a file that is truncated, altered, of another kind, or whose draws
    failed the gate, and ``FileNotFoundError`` if there is none.
    """
    try:
        arrays, about, checksum = _read(path)
    except FileNotFoundError:
        raise
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise DamagedPrior(
            f"{path}: not a readable file of prior draws ({error}). Refit."
        ) from error
    if checksum != _checksum(arrays, about):
        raise DamagedPrior(f"{path}: the checksum does not match, so it was altered. Refit.")
    said = json.loads(about)
    if said.get("format") != _FORMAT:
        raise DamagedPrior(f"{path}: format is {said.get('format')!r}, not {_FORMAT!r}. Refit.")
    if said["provenance"].get("failed_gate"):
        raise DamagedPrior(f"{path}: these draws failed the gate and cannot be used. Refit.")
    quantities: dict[str, Any] = {name: arrays.pop(name) for name in ARRAYS}
    return PriorDraws(
        endpoints=tuple(said["endpoints"]),
        event_outcomes=tuple(said["event_outcomes"]),
        effects={name: _assumption(assumed) for name, assumed in said["effects"].items()},
        provenance=said["provenance"],
        sampled={name.removeprefix(SAMPLED): array for name, array in arrays.items()},
        **quantities,
    )


def _read(path: Path) -> tuple[dict[str, Floats], str, str]:
    with np.load(path, allow_pickle=False) as stored:
        if not isinstance(stored, np.lib.npyio.NpzFile):
            raise ValueError("a single array")  # noqa: TRY004  # not the caller's type error
        held = [name for name in stored.files if name.startswith(SAMPLED)]
        arrays = {name: np.asarray(stored[name], dtype=np.float64) for name in (*ARRAYS, *held)}
        return arrays, str(stored["about"]), str(stored["checksum"])


def _checksum(arrays: Mapping[str, Floats], about: str) -> str:
    digest = hashlib.sha256(about.encode())
    for name in sorted(arrays):
        digest.update(f"{name}{arrays[name].shape}".encode())
        digest.update(np.ascontiguousarray(arrays[name]).tobytes())
    return digest.hexdigest()


def digest(draws: PriorDraws) -> str:
    """Hash of what the draws say of a new trial, whenever and however long they were fitted."""
    arrays = {name: getattr(draws, name) for name in ARRAYS}
    about = {name: _plain(assumed) for name, assumed in draws.effects.items()}
    return _checksum(arrays, json.dumps([list(draws.endpoints), about], sort_keys=True))


def _plain(assumed: EffectAssumption) -> dict[str, Any]:
    return asdict(assumed) | {"shape_options": dict(assumed.shape_options)}


def _assumption(said: Mapping[str, Any]) -> EffectAssumption:
    prior = said["prior"]
    return EffectAssumption(**{**said, "prior": Normal(**prior) if prior else None})
