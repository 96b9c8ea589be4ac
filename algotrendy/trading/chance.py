"""Chance that can be had again: the same seed and words always draw the same number."""

from __future__ import annotations

from decimal import Decimal
from hashlib import blake2b

from .values import quantize

_RANGE = Decimal(2**64)


def draw(seed: int, *words: object) -> Decimal:
    """Return a number above 0 and at most 1, at 8 decimals, that depends on the seed and the words and nothing else."""
    text = "\n".join(map(str, (seed, *words)))
    number = int.from_bytes(blake2b(text.encode(), digest_size=8).digest())
    return quantize((number + 1) / _RANGE) or quantize(1 / Decimal(10**8))
