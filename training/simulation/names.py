"""Invented names that can be pronounced, and ids that look like ids."""

import numpy as np

# Chosen so that they sound of no language in particular, and make no word one would not print.
_ONSETS = ("b", "d", "h", "l", "m", "n", "r", "s", "sv", "v", "br", "dr", "gl", "pl", "st", "tr", "vr", "z")
_VOWELS = ("a", "e", "i", "o", "u", "ae", "io", "ei")
_CODAS = ("", "", "", "n", "l", "r", "s")
_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def draw_ids(rng: np.random.Generator, count: int) -> list[str]:
    """Different 22-character ids in base 62; the first is 0 to 7, as 128 bits leave no more."""
    ids: dict[str, None] = {}
    while len(ids) < count:
        digits = (rng.random(22) * 62).astype(int)
        ids[_BASE62[digits[0] % 8] + "".join(_BASE62[digit] for digit in digits[1:])] = None
    return list(ids)


def draw_names(rng: np.random.Generator, count: int, most_words: int) -> list[str]:
    """Different names of one to ``most_words`` words."""
    names: dict[str, None] = {}
    while len(names) < count:
        words = 1 + int(rng.random() * most_words)
        names[" ".join(_draw_word(rng) for _ in range(words))] = None
    return list(names)


def _draw_word(rng: np.random.Generator) -> str:
    syllables = 2 + int(rng.random() * 1.6)
    parts = (_pick(rng, _ONSETS) + _pick(rng, _VOWELS) for _ in range(syllables))
    return ("".join(parts) + _pick(rng, _CODAS)).capitalize()


def _pick(rng: np.random.Generator, choices: tuple[str, ...]) -> str:
    return choices[int(rng.random() * len(choices))]
