"""Tunes a copy of the sentence encoder to tell danger from what only sounds like it: `make tune`, half an hour.

It is done once, and again when many examples have come; what comes of it is kept in ``second_look.npz`` beside the
code that builds the encoder (:mod:`city311.language.second_look`). All layers learn, on every example of the training
data, to say the danger (or none) and the fine label. Only here TensorFlow is used, which Rasa brings.
"""

from __future__ import annotations

import logging
import math
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from city311 import settings
from city311.dialogue.nlu.labels import DANGERS, is_learnt, texts_and_labels
from city311.language.batches import of_like_length
from city311.language.encoder import TOKENIZER, padded, tokenizer
from city311.language.encoder_build import HEADS, LAYERS, NORM_EPSILON, package_folder
from city311.language.second_look import DANGER, FILE, save

_log = logging.getLogger(__name__)

_ROUNDS = 3
_BATCH = 32
_POOL = 50
_RATE, _RATE_OF_HEADS = 5e-5, 1e-3
_WARM_UP = 0.1
_DROPPED = 0.1
_DECAY = 0.01
_DANGER_COUNTS = 2.0
_LARGEST_STEP = 1.0
_SEED = 1
_NONE = 0


def tune(texts: Sequence[str], labels: Sequence[str], target: Path = FILE) -> None:
    """Learn from ``texts`` and their fine ``labels``, and write what differs from the published encoder."""
    import tensorflow as tf
    from safetensors.numpy import load_file

    tf.keras.utils.set_random_seed(_SEED)
    random = np.random.default_rng(_SEED)
    source = package_folder()
    published = load_file(str(source / "model.safetensors"))
    ids = [one.ids for one in tokenizer(source / TOKENIZER).encode_batch(list(texts))]
    known = sorted(set(labels))
    fine = np.array([known.index(label) for label in labels])
    dangers = np.array([1 + DANGERS.index(label) if label in DANGERS else _NONE for label in labels])

    learnt = {
        name: tf.Variable(value) for name, value in published.items() if name.startswith(("encoder.", "embeddings.L"))
    }
    fixed = {name: tf.constant(value) for name, value in published.items() if name not in learnt}
    width = published["embeddings.LayerNorm.weight"].size
    heads = {name: _head(random, width, count) for name, count in ((DANGER, 1 + len(DANGERS)), ("fine", len(known)))}
    of_heads = [variable for head in heads.values() for variable in head]
    body = tf.keras.optimizers.AdamW(_RATE, weight_decay=_DECAY)
    top = tf.keras.optimizers.AdamW(_RATE_OF_HEADS, weight_decay=_DECAY)

    @tf.function(
        autograph=False,
        input_signature=[
            tf.TensorSpec([None, None], tf.int64),
            tf.TensorSpec([None, None], tf.int64),
            tf.TensorSpec([None], tf.int64),
            tf.TensorSpec([None], tf.int64),
        ],
    )
    def step(pieces: Any, there: Any, danger: Any, label: Any) -> Any:
        with tf.GradientTape() as tape:
            mean = tf.nn.dropout(mean_of(pieces, there, {**fixed, **learnt}), _DROPPED)
            losses = [
                weight * tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(wanted, mean @ matrix + bias))
                for weight, wanted, (matrix, bias) in (
                    (_DANGER_COUNTS, danger, heads[DANGER]),
                    (1.0, label, heads["fine"]),
                )
            ]
            loss = tf.add_n(losses)
        slopes = tape.gradient(loss, [*learnt.values(), *of_heads])
        below, _ = tf.clip_by_global_norm(slopes[: len(learnt)], _LARGEST_STEP)
        body.apply_gradients(zip(below, learnt.values(), strict=True))
        top.apply_gradients(zip(slopes[len(learnt) :], of_heads, strict=True))
        return loss

    lengths = np.array([len(one) for one in ids])
    chosen = [
        batch for _ in range(_ROUNDS) for batch in of_like_length(np.arange(len(ids)), lengths, _BATCH, _POOL, random)
    ]
    began = time.monotonic()
    for number, batch in enumerate(chosen):
        done = number / len(chosen)
        pace = min(done / _WARM_UP, (1 - done) / (1 - _WARM_UP))
        body.learning_rate.assign(_RATE * pace)
        top.learning_rate.assign(_RATE_OF_HEADS * pace)
        pieces, there = padded([ids[index] for index in batch])
        loss = step(pieces, there, dangers[batch], fine[batch])
        if number % 100 == 99:
            left = (time.monotonic() - began) / (number + 1) * (len(chosen) - number - 1) / 60
            _log.info("%d of %d batches, loss %.3f, %.0f min left", number + 1, len(chosen), float(loss), left)

    tuned = {name: variable.numpy() for name, variable in learnt.items()}
    matrix, bias = (variable.numpy() for variable in heads[DANGER])
    save(target, published, {**tuned, f"{DANGER}.weight": matrix.T, f"{DANGER}.bias": bias})
    _log.info("Written: %s, %.1f MB", target, target.stat().st_size / 1e6)


def _head(random: np.random.Generator, width: int, count: int) -> tuple[Any, Any]:
    import tensorflow as tf

    bound = 1 / math.sqrt(width)
    start = random.uniform(-bound, bound, (width, count)).astype(np.float32)
    return tf.Variable(start), tf.Variable(np.zeros(count, np.float32))


def mean_of(pieces: Any, there: Any, weights: Mapping[str, Any], dropped: float = _DROPPED) -> Any:
    """The mean of what the last layer makes of every word piece of a text, ``(texts, width)``.

    Args:
        pieces: numbers of the word pieces, ``(texts, longest)``.
        there: 1 where there is one, else 0.
        weights: by their published names.
        dropped: share of the numbers that is left out between layers.
    """
    import tensorflow as tf

    there = tf.cast(there, tf.float32)
    count, length = tf.shape(pieces)[0], tf.shape(pieces)[1]
    width = weights["embeddings.LayerNorm.weight"].shape[0]

    def linear(value: Any, name: str) -> Any:
        return tf.nn.bias_add(tf.matmul(value, weights[f"{name}.weight"], transpose_b=True), weights[f"{name}.bias"])

    def normed(value: Any, name: str) -> Any:
        middle, spread = tf.nn.moments(value, [-1], keepdims=True)
        even = (value - middle) * tf.math.rsqrt(spread + NORM_EPSILON)
        return even * weights[f"{name}.weight"] + weights[f"{name}.bias"]

    def by_head(value: Any) -> Any:
        return tf.transpose(tf.reshape(value, [count, length, HEADS, width // HEADS]), [0, 2, 1, 3])

    start = tf.gather(weights["embeddings.word_embeddings.weight"], pieces)
    start += weights["embeddings.position_embeddings.weight"][:length]
    start += weights["embeddings.token_type_embeddings.weight"][0]
    # Rows of all texts in one matrix: a product with each text by itself takes several times as long.
    hidden = tf.nn.dropout(normed(tf.reshape(start, [-1, width]), "embeddings.LayerNorm"), dropped)
    absent = (1 - there[:, None, None, :]) * -1e9
    for layer in range(LAYERS):
        name = f"encoder.layer.{layer}"
        query, key, value = (
            by_head(linear(hidden, f"{name}.attention.self.{part}")) for part in ("query", "key", "value")
        )
        alike = tf.matmul(query, key, transpose_b=True) / math.sqrt(width // HEADS) + absent
        seen = tf.reshape(tf.transpose(tf.matmul(tf.nn.softmax(alike), value), [0, 2, 1, 3]), [-1, width])
        attended = tf.nn.dropout(linear(seen, f"{name}.attention.output.dense"), dropped)
        hidden = normed(hidden + attended, f"{name}.attention.output.LayerNorm")
        inner = tf.nn.gelu(linear(hidden, f"{name}.intermediate.dense"))
        hidden = normed(
            hidden + tf.nn.dropout(linear(inner, f"{name}.output.dense"), dropped), f"{name}.output.LayerNorm"
        )
    kept = tf.reshape(hidden, [count, length, width]) * there[:, :, None]
    return tf.reduce_sum(kept, 1) / tf.reduce_sum(there, 1, keepdims=True)


def main() -> None:
    """Tune with the training data of the house."""
    from city311.dialogue.nlu.importer import CityDataImporter

    house = settings.HOUSE
    importer = CityDataImporter(str(house / "config.yml"), str(house / "domain.yml"), [str(house / "data")])
    texts, labels = texts_and_labels(filter(is_learnt, importer.get_nlu_data("en").training_examples))
    _log.info("%d examples", len(texts))
    tune(texts, labels, *map(Path, sys.argv[1:2]))


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    main()
