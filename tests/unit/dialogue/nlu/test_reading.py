"""What is read once, and which vector belongs to which word."""

from __future__ import annotations

import gc
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from city311.dialogue.nlu.encoding import encoder_for
from city311.dialogue.nlu.reading import Reading, read
from city311.dialogue.nlu.tokens import tokens_of, word_vectors
from city311.language.encoder import Encoder

TEXTS = ["no heat", "hole at 22 Prospect", "no heat", "dark"]


def test_a_word_is_the_mean_of_its_pieces() -> None:
    tokens = tokens_of("ab cd €x")
    pieces = np.arange(12, dtype=np.float32).reshape(6, 2)
    #         start   a       b       cd      mark    end
    offsets = [(0, 0), (0, 1), (1, 2), (3, 5), (6, 7), (0, 0)]
    assert [token.text for token in tokens] == ["ab", "cd", "€", "x"]
    assert word_vectors(tokens, pieces, offsets).tolist() == [[3, 4], [6, 7], [8, 9], [0, 0]]
    assert word_vectors([], pieces, offsets).shape == (0, 2)
    assert word_vectors(tokens, pieces[:1], offsets[:1]).tolist() == [[0, 0]] * 4


def test_a_reading_gives_what_is_asked_in_its_order() -> None:
    encoder = encoder_for("")
    reading = read(encoder, TEXTS)
    vectors, layers = reading.sentences(TEXTS)
    assert (vectors[0] == vectors[2]).all()
    assert layers.shape == (4, encoder.layers, encoder.dimensions)
    assert np.allclose(reading.sentences(["dark"])[0], encoder.encode(["dark"]), atol=0.05)
    words = reading.words(["hole at 22 Prospect", "dark"])
    assert words.shape == (5, encoder.dimensions)
    assert (words[4] == reading.words(["dark"])[0]).all()


def test_two_that_learn_at_once_share_it(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    original = Encoder.encode_layers

    def encode_layers(self: Encoder, texts: list[str], look: object = None) -> object:
        asked.append(len(texts))
        return original(self, texts, look)  # type: ignore[arg-type]

    monkeypatch.setattr(Encoder, "encode_layers", encode_layers)
    with ThreadPoolExecutor(2) as pool:
        orders = [TEXTS, TEXTS[::-1]]
        first, other = pool.map(lambda texts: read(encoder_for(""), texts), orders)
    assert first is other
    assert asked == [3]
    assert isinstance(read(encoder_for(""), ["other words"]), Reading)
    assert asked == [3, 1]
    del first, other
    gc.collect()
    read(encoder_for(""), TEXTS)
    assert asked == [3, 1, 3], "nobody had it any longer"
