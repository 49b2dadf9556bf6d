"""Prior draws on disk: written atomically, and verified by a checksum when read."""

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

MODEL_VERSION = 7  # raise it if the model, its priors or its sampler change the draws
_FORMAT = "phase2sim prior draws 2"
SAMPLED = "sampled."  # prefix of the arrays of ``PriorDraws.sampled``
ARRAYS = tuple(
    field.name
    for field in fields(PriorDraws)
    if field.name not in ("endpoints", "effects", "provenance", "event_outcomes", "sampled")
)


class DamagedPrior(BadInput):
    """A file of prior draws that is truncated, altered or of another kind."""


def cache_folder() -> Path:
    """Folder of kept fits: PHASE2SIM_CACHE, else phase2sim in the user's cache folder."""
    if folder := os.environ.get("PHASE2SIM_CACHE"):
        return Path(folder)
    if user_cache := os.environ.get("XDG_CACHE_HOME"):
        return Path(user_cache) / "phase2sim"
    return Path.home() / ".cache" / "phase2sim"


def cached_path(digest: str, model_version: int = MODEL_VERSION) -> Path:
    """Path of the kept draws of one evidence and model version."""
    return cache_folder() / f"prior-{digest[:16]}-m{model_version}.npz"


def untrusted_path(path: Path) -> Path:
    """Path for draws that failed the diagnostic gate; no command loads it."""
    return path.with_suffix(".untrusted")


def save(draws: PriorDraws, path: Path) -> None:
    """Write draws as an npz file with a checksum; after a crash the old file or none is there.

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
            "effects": {name: _effect_table(assumed) for name, assumed in draws.effects.items()},
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
    with suppress(OSError):  # without a folder the write fails with a message
        path.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(path, content.getvalue())


def load(path: Path) -> PriorDraws:
    """Read draws, bit for bit as they were saved.

    Raises ``DamagedPrior`` for a file that is truncated, altered or of another kind, or whose draws
    failed the gate, and ``FileNotFoundError`` if there is no file.
    """
    try:
        arrays, about, checksum = _read_arrays(path)
    except FileNotFoundError:
        raise
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise DamagedPrior(
            f"{path}: not a readable file of prior draws ({error}). Refit."
        ) from error
    if checksum != _checksum(arrays, about):
        raise DamagedPrior(f"{path}: the checksum does not match, so it was altered. Refit.")
    header = json.loads(about)
    if header.get("format") != _FORMAT:
        raise DamagedPrior(f"{path}: format is {header.get('format')!r}, not {_FORMAT!r}. Refit.")
    if header["provenance"].get("failed_gate"):
        raise DamagedPrior(f"{path}: these draws failed the gate and cannot be used. Refit.")
    quantities: dict[str, Any] = {name: arrays.pop(name) for name in ARRAYS}
    return PriorDraws(
        endpoints=tuple(header["endpoints"]),
        event_outcomes=tuple(header["event_outcomes"]),
        effects={name: _assumption(table) for name, table in header["effects"].items()},
        provenance=header["provenance"],
        sampled={name.removeprefix(SAMPLED): array for name, array in arrays.items()},
        **quantities,
    )


def _read_arrays(path: Path) -> tuple[dict[str, Floats], str, str]:
    with np.load(path, allow_pickle=False) as stored:
        if not isinstance(stored, np.lib.npyio.NpzFile):
            raise ValueError("a single array")  # noqa: TRY004  # not the caller's type error
        sampled_names = [name for name in stored.files if name.startswith(SAMPLED)]
        arrays = {
            name: np.asarray(stored[name], dtype=np.float64) for name in (*ARRAYS, *sampled_names)
        }
        return arrays, str(stored["about"]), str(stored["checksum"])


def _checksum(arrays: Mapping[str, Floats], about: str) -> str:
    digest = hashlib.sha256(about.encode())
    for name in sorted(arrays):
        digest.update(f"{name}{arrays[name].shape}".encode())
        digest.update(np.ascontiguousarray(arrays[name]).tobytes())
    return digest.hexdigest()


def digest(draws: PriorDraws) -> str:
    """Hash of the draws and effect assumptions, without the provenance of the fit."""
    arrays = {name: getattr(draws, name) for name in ARRAYS}
    about = {name: _effect_table(assumed) for name, assumed in draws.effects.items()}
    return _checksum(arrays, json.dumps([list(draws.endpoints), about], sort_keys=True))


def _effect_table(assumed: EffectAssumption) -> dict[str, Any]:
    return asdict(assumed) | {"shape_options": dict(assumed.shape_options)}


def _assumption(table: Mapping[str, Any]) -> EffectAssumption:
    prior = table["prior"]
    return EffectAssumption(**{**table, "prior": Normal(**prior) if prior else None})
