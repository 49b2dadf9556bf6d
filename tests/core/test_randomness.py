"""Random streams against published vectors, numpy's generators, and the normal distribution."""

from collections.abc import Callable
from itertools import combinations

import numpy as np
import pytest
from scipy import stats
from support.agreement import assert_agrees, se_of_share

from phase2sim.core.arrays import Floats
from phase2sim.core.endpoints import ENDPOINTS
from phase2sim.core.randomness import (
    PURPOSES,
    _philox,
    generator,
    normals,
    seed_word,
    stream_state,
    uniforms,
)
from phase2sim.core.stream_places import stream_place

DRAWS = 2_000_000

# Random123 1.14 (Salmon, Moraes, Dror and Shaw, SC11), kat_vectors, philox4x32 with 10 rounds.
KNOWN_ANSWERS = {
    "zeros": ("00000000 00000000 00000000 00000000", "00000000 00000000",
              "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
    "ones": ("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff",
             "408f276d 41c83b0e a20bc7c6 6d5451fd"),
    "pi": ("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0",
           "d16cfe09 94fdcceb 5001e420 24126ea1"),
}  # fmt: skip


def _words(text: str) -> list[int]:
    return [int(word, 16) for word in text.split()]


@pytest.mark.parametrize("case", KNOWN_ANSWERS)
def test_philox_gives_the_known_answers_of_random123(case: str) -> None:
    counter, (low, high), answer = map(_words, KNOWN_ANSWERS[case])

    first, second = _philox(np.uint64(low | high << 32), *map(np.uint64, counter))

    found = [first & 0xFFFFFFFF, first >> 32, second & 0xFFFFFFFF, second >> 32]
    assert [int(word) for word in found] == answer


def test_streams_step_as_numpys_sfc64_does_from_the_same_state() -> None:
    address = np.uint64(7), np.uint64(PURPOSES["age"]), np.uint64(3), np.uint64(11)
    theirs = np.random.SFC64(0)
    theirs.state = theirs.state | {"state": {"state": np.array(stream_state(*address), np.uint64)}}

    ours = uniforms((1, 1000), 7, "age", first=3, position=11)[0]

    assert ours == pytest.approx(np.random.Generator(theirs).random(1000), rel=0, abs=0)


def test_a_numpy_generator_at_an_address_draws_the_stream_of_that_address() -> None:
    stream = generator(7, "age", trial=3, position=11)

    assert np.array_equal(stream.random(1000), uniforms((1, 1000), 7, "age", 3, 11)[0])


def test_normals_have_the_moments_of_the_standard_normal() -> None:
    z = normals((40, DRAWS // 40), 1, "outcome", 0).ravel()

    # E z^k is 1 3 5 ... (k - 1) for even k, and var z^k = E z^2k - (E z^k)^2.
    for power in range(1, 9):
        exact = _moment(power)
        se = np.sqrt((_moment(2 * power) - exact**2) / DRAWS)
        assert_agrees((z**power).mean(), exact, se)


def _moment(power: int) -> float:
    return 0.0 if power % 2 else float(np.prod(np.arange(power - 1, 0, -2)))


def test_normals_have_the_tails_of_the_standard_normal() -> None:
    z = normals((40, DRAWS // 40), 2, "outcome", 0).ravel()

    limits = np.array([-4.5, -4.0, -3.66, -3.65, -3.0, -1.0, 0.0, 0.3, 2.0, 3.65, 3.66, 4.0, 4.5])
    exact = stats.norm.cdf(limits)
    found = np.array([(z < limit).mean() for limit in limits])
    assert_agrees(found, exact, se_of_share(exact, DRAWS))


def test_normals_and_uniforms_pass_kolmogorov_and_smirnovs_test() -> None:
    z = normals((10, 100_000), 3, "outcome", 0).ravel()
    u = uniforms((10, 100_000), 3, "outcome", 0).ravel()

    least = 2 * stats.norm.sf(4)
    assert stats.kstest(z, "norm").pvalue > least
    assert stats.kstest(u, "uniform").pvalue > least


def test_streams_of_neighbouring_addresses_are_uncorrelated() -> None:
    here = normals((100, 10_000), 4, "outcome", 0)
    next_trial = normals((100, 10_000), 4, "outcome", 1)
    next_place = normals((100, 10_000), 4, "outcome", 0, position=1)
    next_seed = normals((100, 10_000), 5, "outcome", 0)
    next_purpose = normals((100, 10_000), 4, "allocation", 0)
    next_patient = np.roll(here, 1, axis=1)

    others = (next_trial, next_place, next_seed, next_purpose, next_patient)
    assert_agrees([(here * other).mean() for other in others], 0.0, 1 / np.sqrt(here.size))


@pytest.mark.parametrize(
    "other",
    [
        {"seed": 2},
        {"seed": 1 + 2**32},
        {"purpose": "allocation"},
        {"first": 1},
        {"first": 2**32},
        {"position": 1},
    ],
    ids=str,
)
def test_another_address_is_another_stream(other: dict[str, object]) -> None:
    here = {"seed": 1, "purpose": "outcome", "first": 0, "position": 0}

    one, two = uniforms((1, 100), **here), uniforms((1, 100), **(here | other))

    assert not (one == two).any()


def test_purposes_have_numbers_of_their_own() -> None:
    assert len(set(PURPOSES.values())) == len(PURPOSES)


@pytest.mark.parametrize("draw", [uniforms, normals])
def test_the_first_patients_do_not_depend_on_how_many_follow(draw: Callable[..., Floats]) -> None:
    few, many = draw((5, 30), 6, "outcome", 0), draw((5, 1000), 6, "outcome", 0)

    assert np.array_equal(few, many[:, :30])


@pytest.mark.parametrize("draw", [uniforms, normals])
def test_a_trial_does_not_depend_on_its_batch(draw: Callable[..., Floats]) -> None:
    together, alone = draw((50, 60), 7, "dropout", 0), draw((1, 60), 7, "dropout", 31)

    assert np.array_equal(together[31], alone[0])


def test_no_two_endpoints_share_a_place_at_any_visit() -> None:
    hundredths = np.arange(0, 600 * 100) / 100  # fifty years of visits

    for one, two in combinations(ENDPOINTS, 2):
        assert not {stream_place(one, month) for month in hundredths[::25]} & {
            stream_place(two, month) for month in hundredths[::25]
        }
    for endpoint in ENDPOINTS:
        places = {stream_place(endpoint, month) for month in hundredths}
        assert len(places) == len(hundredths)
        assert max(places) < 2**31


@pytest.mark.parametrize("seed", [-1, 2**64])
def test_a_seed_beyond_64_bits_is_refused(seed: int) -> None:
    with pytest.raises(ValueError, match=str(seed)):
        seed_word(seed)


def test_every_seed_of_64_bits_is_accepted() -> None:
    assert int(seed_word(2**64 - 1)) == 2**64 - 1
