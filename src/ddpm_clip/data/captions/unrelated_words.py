"""Filler words without a meaning for the pictures: common words and invented ones.

In captions that contain them, a text encoder learns to find the words that matter; captions of
nothing else teach it what it does not know.
"""

import random

WORDS = (
    "nice", "old", "clear", "hand", "ink", "paper", "pencil", "line", "black", "white", "sketch",
    "simple", "page", "clean", "plain", "some", "this", "that", "here", "there", "very", "with",
    "and", "for", "from", "like", "just", "today", "please", "could", "you", "see", "it", "my",
    "our", "was", "is", "on", "in", "of", "to", "as", "would", "handwritten", "written", "drawn",
    "dog", "cat", "bird", "horse", "house", "tree", "garden", "street", "car", "boat", "table",
    "window", "door", "kitchen", "school", "teacher", "children", "friend", "mother", "morning",
    "evening", "winter", "summer", "music", "story", "game", "colour", "red", "blue", "green",
    "yellow", "purple", "golden", "strange", "funny", "happy", "quiet", "quick", "slow", "soft",
    "hard", "wall", "card", "book", "screen", "lamp", "shop", "ticket", "price", "year", "bus",
    "team", "shirt", "cake", "candle", "made", "found", "saw", "gave", "took", "hold", "keep",
    "think", "know", "need", "make", "find", "only", "again", "never", "always", "maybe",
    "another", "every", "over", "under", "beside", "behind", "between", "without", "near",
)  # fmt: skip
SYLLABLES = (
    "ba", "be", "bi", "bo", "ca", "ce", "co", "da", "de", "do", "er", "es", "fa", "fi", "fo",
    "ga", "gi", "go", "ha", "he", "ho", "in", "ja", "ka", "ki", "la", "le", "li", "lo", "ma",
    "me", "mi", "mo", "na", "ni", "no", "ou", "pa", "pe", "po", "ra", "re", "ri", "ro", "sa",
    "se", "so", "ta", "ti", "to", "un", "va", "vi", "wa", "we", "wo", "ya", "th", "sh", "ch",
    "st",
)  # fmt: skip


def chatter(rng: random.Random) -> str:
    """Return one word: sometimes a common one, mostly an invented one."""
    if rng.random() < 0.35:
        return rng.choice(WORDS)
    return "".join(rng.choices(SYLLABLES, k=rng.randrange(1, 4)))
