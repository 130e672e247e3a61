"""Random numbers that belong to an entity and a day: keyed Philox streams and keyed hashes.

No draw depends on how many others were made before it, so any day can be made alone, and taking one
incident out of a shop moves no other number.
"""

from functools import lru_cache
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def stream(seed: int, name: str, *key: int) -> np.random.Generator:
    """The generator that belongs to `seed`, a purpose such as 'orders.hour', and entity or day numbers.

    The first n of its draws are the same however many are taken, so a longer horizon only appends.
    """
    return np.random.Generator(np.random.Philox(key=_key(seed, name, *key)))


def hashed(seed: int, name: str, entities: Ints) -> Floats:
    """One uniform in [0, 1) an entity, whatever stands beside it, by its number under a key.

    For choices about entities that incidents add or take away, where a position in a stream would shift.
    """
    return (mixed(seed, name, entities) >> np.uint64(11)).astype(np.float64) * 2.0**-53


def mixed(seed: int, name: str, entities: Ints) -> NDArray[np.uint64]:
    """64 random bits an entity: SplitMix64's output function (Steele, Lea, Flood 2014) of its number under a key."""
    value = entities.astype(np.uint64)
    with np.errstate(over="ignore"):
        value *= np.uint64(0x9E3779B97F4A7C15)
        value += np.uint64(_key(seed, name) >> 64)
        value ^= value >> np.uint64(30)
        value *= np.uint64(0xBF58476D1CE4E5B9)
        value ^= value >> np.uint64(27)
        value *= np.uint64(0x94D049BB133111EB)
        value ^= value >> np.uint64(31)
    return value


def pick(uniforms: Floats, weights: Floats) -> Ints:
    """Indices drawn with probability proportional to `weights`, one for each uniform."""
    cumulative = np.cumsum(weights)
    found = np.searchsorted(cumulative, uniforms * cumulative[-1], side="right")
    return np.minimum(found, len(weights) - 1).astype(np.int64)


def pick_by_row(uniforms: Floats, cumulative: Floats, rows: Ints) -> Ints:
    """Like `pick`, each with its own row of a table of cumulative shares that ends in 1."""
    found = np.zeros(len(uniforms), dtype=np.int64)
    for column in range(cumulative.shape[1] - 1):
        found += uniforms >= cumulative[rows, column]
    return found


@lru_cache(maxsize=4096)
def _key(seed: int, name: str, *key: int) -> int:
    text = "|".join((str(seed), name, *(str(int(part)) for part in key)))
    return int.from_bytes(blake2b(text.encode(), digest_size=16).digest(), "little")
