"""Files with one bit flipped, as a failing disk or a careless copy leaves them."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np


def with_flipped_bits(path: Path, flips: int, seed: int = 20) -> Iterator[int]:
    """Flip one bit after another of a file, each alone; yield its number; restore the file."""
    content = path.read_bytes()
    bits = np.random.default_rng(seed).permutation(8 * len(content))[:flips]
    for bit in bits.tolist():
        damaged = bytearray(content)
        damaged[bit // 8] ^= 1 << bit % 8
        path.write_bytes(damaged)
        yield bit
    path.write_bytes(content)
