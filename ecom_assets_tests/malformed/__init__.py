"""Malformed landing files, drawn by seed: each damaged in one of many ways. Knows nothing of how files are read."""

import random
from collections.abc import Iterator
from dataclasses import dataclass

from ecom_assets_tests.malformed import binary, books, names, text
from ecom_assets_tests.malformed.good import ROWS

KINDS = {**text.KINDS, **binary.KINDS, **books.KINDS, **names.KINDS}


@dataclass(frozen=True)
class BadFile:
    """A file to lay into the landing folder; `lines` counts its rows where the damage leaves no doubt about them."""

    kind: str
    name: bytes
    content: bytes
    lines: int | None


def draw(seed: int, count: int) -> Iterator[BadFile]:
    """`count` files, kind after kind, so that a few hundred hold every kind; the same for the same seed."""
    chance = random.Random(seed)
    kinds = sorted(KINDS)
    for number in range(count):
        kind = kinds[number % len(kinds)]
        ending, content, lines = KINDS[kind](chance)
        name = ending if isinstance(ending, bytes) else f"f{number:04}.{ending}".encode()
        yield BadFile(kind, name, content, lines)


__all__ = ["KINDS", "ROWS", "BadFile", "draw"]
