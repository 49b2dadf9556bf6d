"""Prior draws on disk: written atomically, and verified by a checksum when read."""

import hashlib
import io
import json
import os
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np

from phase2sim.core.arrays import Floats
from phase2sim.core.errors import BadInput, NotWritten
from phase2sim.core.io.atomic_files import move_aside, try_folder, write_synced
from phase2sim.core.io.digests import UNSEALED, is_intact, is_sealed, seal
from phase2sim.core.io.plain_files import read_regular_file, reason_of
from phase2sim.evidence.reported import EffectAssumption, Normal
from phase2sim.prior.draws import PriorDraws

MODEL_VERSION = 13  # raise it if the model, its priors or its sampler change the draws
_FORMAT = "phase2sim prior draws 2"
_ROOM = 16_000_000  # bytes to try before a fit; a fit of the shipped evidence takes 7 million
# What an archive whose bytes are not those that were written can raise. Only a file without a
# digest of its bytes, from before there was one, is read unchecked.
_UNREADABLE = (
    OSError, ValueError, LookupError, EOFError, zipfile.BadZipFile, zlib.error, RuntimeError,
    struct.error, MemoryError, ArithmeticError, TypeError, SyntaxError, tokenize.TokenError,
    AttributeError,
)  # fmt: skip
SAMPLED = "sampled."  # prefix of the arrays of ``PriorDraws.sampled``
ARRAYS = tuple(
    field.name
    for field in fields(PriorDraws)
    if field.name not in ("endpoints", "effects", "provenance", "event_outcomes", "sampled")
    and not field.name.startswith("care_")
)
_CARE = "care_effect"  # written if the evidence has covariates of care


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


def try_cache(path: Path) -> Path | None:
    """Try, before a fit, whether its draws can be kept at ``path``.

    What stands there and is no file is moved aside; returns where it is now. Raises ``BadInput``.
    """
    try:
        try_folder(path.parent, _ROOM)
        if path.is_dir():
            return move_aside(path, path.with_suffix(".aside"))
    except OSError as error:
        raise BadInput(
            f"{path.parent}: fits cannot be kept here: {reason_of(error)}. Set PHASE2SIM_CACHE to a"
            f" folder where {_ROOM // 1_000_000} MB can be written."
        ) from None
    return None


def save(draws: PriorDraws, path: Path) -> None:
    """Write draws as an npz file with a digest; after a crash the old file or none is there.

    Raises ``NotWritten`` if the folder cannot be written.
    """
    arrays = {name: np.ascontiguousarray(array) for name, array in _quantities(draws).items()}
    for name, sampled in draws.sampled.items():
        arrays[SAMPLED + name] = np.ascontiguousarray(sampled)
    about = json.dumps(
        {
            "format": _FORMAT,
            "endpoints": list(draws.endpoints),
            "event_outcomes": list(draws.event_outcomes),
            "effects": {name: _effect_table(assumed) for name, assumed in draws.effects.items()},
            "provenance": dict(draws.provenance),
        }
        | ({"care": list(draws.care_covariates)} if draws.care_covariates else {}),
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
    with zipfile.ZipFile(content, "a") as archive:
        archive.comment = UNSEALED  # the one place of an archive that it has no checksum of
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_synced(path, seal(content.getvalue()))
    except OSError as error:
        raise NotWritten(
            f"{path}: the fit cannot be kept: {reason_of(error)}. Set PHASE2SIM_CACHE to a folder"
            " that can be written."
        ) from None


def _quantities(draws: PriorDraws) -> dict[str, Floats]:
    """Arrays by name, but for the sampled variables."""
    names = (*ARRAYS, _CARE) if draws.care_covariates else ARRAYS
    return {name: getattr(draws, name) for name in names}


def load(path: Path) -> PriorDraws:
    """Read draws, bit for bit as they were saved.

    Raises ``DamagedPrior`` for a file that is truncated, altered or of another kind, or whose draws
    failed the gate, and ``FileNotFoundError`` if there is no file.
    """
    try:
        content = read_regular_file(path)
        if is_sealed(content) and not is_intact(content):
            raise DamagedPrior(f"{path}: is damaged: its bytes are not those that were written.")
        arrays, about, checksum = _read_arrays(content)
        if checksum != _checksum(arrays, about):
            raise DamagedPrior(f"{path}: is damaged: its checksum does not match.")
        return _draws_of(path, json.loads(about), arrays)
    except FileNotFoundError:
        raise
    except _UNREADABLE as error:
        raise DamagedPrior(f"{path}: is not a readable file of prior draws ({error}).") from error


def _draws_of(path: Path, header: Mapping[str, Any], arrays: dict[str, Floats]) -> PriorDraws:
    if header["format"] != _FORMAT:
        raise DamagedPrior(f"{path}: its format is {header['format']!r}, not {_FORMAT!r}.")
    if header["provenance"].get("failed_gate"):
        raise DamagedPrior(f"{path}: these draws failed the gate and cannot be used.")
    care = tuple(header.get("care", ()))
    names = (*ARRAYS, _CARE) if care else ARRAYS
    quantities: dict[str, Any] = {name: arrays.pop(name) for name in names}
    return PriorDraws(
        endpoints=tuple(header["endpoints"]),
        event_outcomes=tuple(header["event_outcomes"]),
        care_covariates=care,
        effects={name: _assumption(table) for name, table in header["effects"].items()},
        provenance=header["provenance"],
        sampled={name.removeprefix(SAMPLED): array for name, array in arrays.items()},
        **quantities,
    )


def _read_arrays(content: bytes) -> tuple[dict[str, Floats], str, str]:
    with np.load(io.BytesIO(content), allow_pickle=False) as stored:
        if not isinstance(stored, np.lib.npyio.NpzFile):
            raise ValueError("a single array")  # noqa: TRY004  # not the caller's type error
        others = [name for name in stored.files if name.startswith(SAMPLED) or name == _CARE]
        arrays = {name: np.asarray(stored[name], dtype=np.float64) for name in (*ARRAYS, *others)}
        return arrays, str(stored["about"]), str(stored["checksum"])


def _checksum(arrays: Mapping[str, Floats], about: str) -> str:
    digest = hashlib.sha256(about.encode())
    for name in sorted(arrays):
        digest.update(f"{name}{arrays[name].shape}".encode())
        digest.update(np.ascontiguousarray(arrays[name]).tobytes())
    return digest.hexdigest()


def digest(draws: PriorDraws) -> str:
    """Hash of the draws and effect assumptions, without the provenance of the fit."""
    about = {
        name: {key: v for key, v in _effect_table(assumed).items() if key != "reasons"}
        for name, assumed in draws.effects.items()
    }
    names = [
        list(draws.endpoints),
        about,
        *([draws.care_covariates] if draws.care_covariates else []),
    ]
    return _checksum(_quantities(draws), json.dumps(names, sort_keys=True))


def _effect_table(assumed: EffectAssumption) -> dict[str, Any]:
    mappings = {"shape_options": dict(assumed.shape_options), "reasons": dict(assumed.reasons)}
    return asdict(assumed) | mappings


def _assumption(table: Mapping[str, Any]) -> EffectAssumption:
    prior = table["prior"]
    return EffectAssumption(**{**table, "prior": Normal(**prior) if prior else None})
