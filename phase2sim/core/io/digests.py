"""Files that carry a digest of their own bytes, so that damage is noticed when they are read."""

import hashlib
import re

_MARK = b"phase2sim-sha256:"
# Stands in a file's content where its digest goes; the digest is that of the content with this.
UNSEALED = _MARK + b"0" * 64
_SEAL = re.compile(re.escape(_MARK) + rb"[0-9a-f]{64}")


def seal(content: bytes) -> bytes:
    """Return ``content`` with its digest in the place of ``UNSEALED``, which it must hold."""
    if UNSEALED not in content:
        raise ValueError("no place for a digest")
    return content.replace(UNSEALED, _MARK + _digest(content), 1)


def is_sealed(content: bytes) -> bool:
    """Whether content carries a digest, right, wrong or cut short."""
    return _MARK in content


def is_intact(content: bytes) -> bool:
    """Whether content carries the digest of its own bytes; False without a digest."""
    return any(
        _digest(content[: match.start()] + UNSEALED + content[match.end() :])
        == match[0].removeprefix(_MARK)
        for match in _SEAL.finditer(content)
    )


def _digest(content: bytes) -> bytes:
    return hashlib.sha256(content).hexdigest().encode()
