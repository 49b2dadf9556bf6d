"""Random streams with addresses: (seed, purpose, trial, position) says where a stream starts.

Philox4x32-10 (Salmon, Moraes, Dror and Shaw, SC11, 2011) turns an address into the state of an
SFC64 generator (Doty-Humphrey, PractRand), which then runs through the patients of one trial in
order. Normals come from a 256-layer ziggurat (Marsaglia and Tsang, J Stat Softw 2000). Nothing is
global, so workers, batches, resumes and other purposes cannot change a stream.
"""

from dataclasses import dataclass
from math import erfc

import numpy as np
from numba import uint64
from numpy.typing import NDArray

from phase2sim.core.arrays import Floats
from phase2sim.core.kernels import kernel

type Word = np.uint64
type _Words = NDArray[np.uint64]

PURPOSES: dict[str, int] = {
    "outcome": 1,
    "allocation": 2,
    "dropout": 3,
    "truth": 4,
    "enrolment": 5,
    "age": 6,
    "imputation": 7,
    "site": 8,
    "recruitment": 9,
    "gaps": 10,
    "intercurrent": 11,
    "counts": 12,
    "background": 13,
}
_ATTEMPT_BITS = 8  # purposes stand below the attempts in their word

_LAYERS = 256
_TAIL_START = 3.6541528853610088  # where the lowest of 256 equal layers under exp(-x^2/2) ends
_MANTISSA = 2.0**52
_UNIFORM_STEP = 2.0**-53
_SEED_LIMIT = 2**64


def _ziggurat() -> tuple[_Words, Floats, Floats]:
    """Thresholds of certain acceptance, widths, and heights at the edges of the layers."""
    tail = np.sqrt(2 * np.pi) * 0.5 * erfc(_TAIL_START / np.sqrt(2))
    area = _TAIL_START * np.exp(-0.5 * _TAIL_START**2) + tail
    edge = np.empty(_LAYERS + 1)
    edge[0] = area / np.exp(-0.5 * _TAIL_START**2)
    edge[1], edge[_LAYERS] = _TAIL_START, 0.0
    for layer in range(2, _LAYERS):
        height = area / edge[layer - 1] + np.exp(-0.5 * edge[layer - 1] ** 2)
        edge[layer] = np.sqrt(-2 * np.log(height))
    inside = edge[1:] / edge[:-1] * _MANTISSA
    return inside.astype(np.uint64), edge[:-1] / _MANTISSA, np.exp(-0.5 * edge**2)


_INSIDE, _WIDTH, _HEIGHT = _ziggurat()


@kernel
def _philox(key: Word, c0: Word, c1: Word, c2: Word, c3: Word) -> tuple[Word, Word]:
    """Philox4x32-10 of a counter of four 32-bit words under a 64-bit key: two 64-bit words."""
    mask = uint64(0xFFFFFFFF)
    k0, k1 = key & mask, key >> uint64(32)
    for _ in range(10):
        product0 = uint64(0xD2511F53) * c0
        product1 = uint64(0xCD9E8D57) * c2
        c0 = (product1 >> uint64(32)) ^ c1 ^ k0
        c1 = product1 & mask
        c2 = (product0 >> uint64(32)) ^ c3 ^ k1
        c3 = product0 & mask
        k0 = (k0 + uint64(0x9E3779B9)) & mask
        k1 = (k1 + uint64(0xBB67AE85)) & mask
    return c0 | (c1 << uint64(32)), c2 | (c3 << uint64(32))


@kernel
def stream_state(
    seed: Word, purpose: Word, trial: Word, position: Word
) -> tuple[Word, Word, Word, Word]:
    """State of the stream at an address, all arguments uint64; ``position`` below 2^31."""
    mask = uint64(0xFFFFFFFF)
    low, high = trial & mask, trial >> uint64(32)
    a, b = _philox(seed, low, high, purpose, position << uint64(1))
    c, counter = _philox(seed, low, high, purpose, (position << uint64(1)) | uint64(1))
    return a, b, c, counter


@kernel
def next_bits(a: Word, b: Word, c: Word, counter: Word) -> tuple[Word, Word, Word, Word, Word]:
    """One step of SFC64: 64 random bits and the next state."""
    bits = a + b + counter
    next_b = c + (c << uint64(3))
    next_c = ((c << uint64(24)) | (c >> uint64(40))) + bits
    return bits, b ^ (b >> uint64(11)), next_b, next_c, counter + uint64(1)


@kernel
def unit(bits: Word) -> float:
    """Random bits as a number in [0, 1)."""
    return (bits >> uint64(11)) * _UNIFORM_STEP


@kernel
def fill_uniform(out: Floats, seed: Word, purpose: Word, trial: Word, position: Word) -> None:
    """Fill ``out`` (patient) with uniforms on [0, 1) from the stream at an address."""
    a, b, c, counter = stream_state(seed, purpose, trial, position)
    for i in range(out.shape[0]):
        bits, a, b, c, counter = next_bits(a, b, c, counter)
        out[i] = unit(bits)


@kernel
def fill_normal(out: Floats, seed: Word, purpose: Word, trial: Word, position: Word) -> None:
    """Fill ``out`` (patient) with standard normals from the stream at an address."""
    a, b, c, counter = stream_state(seed, purpose, trial, position)
    i = 0
    while i < out.shape[0]:
        bits, a, b, c, counter = next_bits(a, b, c, counter)
        layer = np.int64(bits & uint64(0xFF))
        sign = 1.0 - 2.0 * ((bits >> uint64(8)) & uint64(1))
        mantissa = bits >> uint64(12)
        x = mantissa * _WIDTH[layer]
        if mantissa < _INSIDE[layer]:
            out[i] = sign * x
            i += 1
            continue
        bits, a, b, c, counter = next_bits(a, b, c, counter)
        if layer > 0:
            low, high = _HEIGHT[layer], _HEIGHT[layer + 1]
            if low + unit(bits) * (high - low) < np.exp(-0.5 * x * x):
                out[i] = sign * x
                i += 1
            continue
        # The tail beyond the lowest layer: exponential proposals (Marsaglia 1964).
        beyond = -np.log1p(-unit(bits)) / _TAIL_START
        bits, a, b, c, counter = next_bits(a, b, c, counter)
        if -2.0 * np.log1p(-unit(bits)) > beyond * beyond:
            out[i] = sign * (_TAIL_START + beyond)
            i += 1


@kernel
def _fill_uniforms(out: Floats, seed: Word, purpose: Word, first: Word, position: Word) -> None:
    for trial in range(out.shape[0]):
        fill_uniform(out[trial], seed, purpose, first + uint64(trial), position)


@kernel
def _fill_normals(out: Floats, seed: Word, purpose: Word, first: Word, position: Word) -> None:
    for trial in range(out.shape[0]):
        fill_normal(out[trial], seed, purpose, first + uint64(trial), position)


def uniforms(
    shape: tuple[int, int], seed: int, purpose: str, first: int, position: int = 0
) -> Floats:
    """Uniforms (trial, index): row i is the stream of trial ``first + i``."""
    out = np.empty(shape)
    _fill_uniforms(out, *_words(seed, purpose, first, position))
    return out


def normals(
    shape: tuple[int, int], seed: int, purpose: str, first: int, position: int = 0
) -> Floats:
    """Standard normals (trial, index): row i is the stream of trial ``first + i``."""
    out = np.empty(shape)
    _fill_normals(out, *_words(seed, purpose, first, position))
    return out


@kernel
def _fill_uniforms_of(
    out: Floats, numbers: _Words, seed: Word, purpose: Word, position: Word
) -> None:
    for row in range(out.shape[0]):
        fill_uniform(out[row], seed, purpose, numbers[row], position)


@kernel
def _fill_normals_of(
    out: Floats, numbers: _Words, seed: Word, purpose: Word, position: Word
) -> None:
    for row in range(out.shape[0]):
        fill_normal(out[row], seed, purpose, numbers[row], position)


@dataclass(frozen=True, slots=True)
class Attempt:
    """Streams of further candidates: the ``number``-th attempt in some trials, from 1.

    Attempt 0 is the streams that ``uniforms`` and ``normals`` give.
    """

    seed: int
    numbers: _Words  # (row,) of the trials
    number: int

    def uniforms(self, patients: int, purpose: str, position: int = 0) -> Floats:
        """Uniforms (row, patient)."""
        out = np.empty((self.numbers.size, patients))
        _fill_uniforms_of(out, self.numbers, *self._words(purpose, position))
        return out

    def normals(self, patients: int, purpose: str, position: int = 0) -> Floats:
        """Standard normals (row, patient)."""
        out = np.empty((self.numbers.size, patients))
        _fill_normals_of(out, self.numbers, *self._words(purpose, position))
        return out

    def _words(self, purpose: str, position: int) -> tuple[Word, Word, Word]:
        word = PURPOSES[purpose] | self.number << _ATTEMPT_BITS
        return seed_word(self.seed), np.uint64(word), np.uint64(position)


def generator(seed: int, purpose: str, trial: int, position: int = 0) -> np.random.Generator:
    """A numpy generator at an address, for work outside the hot loops."""
    stream = np.random.SFC64(0)
    state = np.array(stream_state(*_words(seed, purpose, trial, position)), dtype=np.uint64)
    stream.state = {
        "bit_generator": "SFC64",
        "state": {"state": state},
        "has_uint32": 0,
        "uinteger": 0,
    }
    return np.random.Generator(stream)


def seed_word(seed: int) -> np.uint64:
    """``seed`` as the 64-bit key of every stream; raises ``ValueError`` outside [0, 2^64)."""
    if not 0 <= seed < _SEED_LIMIT:
        raise ValueError(f"seed is {seed}; it must lie between 0 and 2^64 - 1")
    return np.uint64(seed)


def _words(seed: int, purpose: str, trial: int, position: int) -> tuple[Word, Word, Word, Word]:
    return seed_word(seed), np.uint64(PURPOSES[purpose]), np.uint64(trial), np.uint64(position)
