"""The copy of the encoder that was tuned for danger: its weights, what it says, and how it was tuned."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

from city311.dialogue.nlu import tuning
from city311.dialogue.nlu.encoding import encoder_for
from city311.language import encoder, encoder_build, second_look
from city311.language.batches import of_like_length

TEXTS = ["no heat", "the heat is off in our building since Friday and grandma is cold", "SMOKE in the hall!!"]


@pytest.fixture(scope="module")
def published() -> dict[str, Any]:
    return load_file(encoder_build.package_folder() / "model.safetensors")  # type: ignore[no-any-return]


def test_what_differs_is_kept(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    before = {"matrix": random.normal(size=(300, 200)), "bias": random.normal(size=8), "same": np.ones(3)}
    before = {name: values.astype(np.float32) for name, values in before.items()}
    moved = (random.normal(size=(300, 10)) @ random.normal(size=(10, 200)) / 100).astype(np.float32)
    after = {"matrix": before["matrix"] + moved, "bias": before["bias"] + 0.5, "danger.weight": np.ones((3, 4))}
    second_look.save(tmp_path / "kept.npz", before, after)
    found = second_look.weights(before, tmp_path / "kept.npz")
    assert found.keys() == {*before, "danger.weight"}
    assert np.abs(found["matrix"] - after["matrix"]).max() < 0.05 * np.abs(moved).max()
    assert np.allclose(found["bias"], after["bias"], atol=1e-3)
    assert (found["same"] == before["same"]).all()
    assert (found["danger.weight"] == 1).all()


def test_most_of_the_encoder_is_as_published(published: dict[str, Any]) -> None:
    found = second_look.weights(published)
    assert (found["embeddings.word_embeddings.weight"] == published["embeddings.word_embeddings.weight"]).all()
    name = "encoder.layer.5.output.dense.weight"
    assert 0 < np.linalg.norm(found[name] - published[name]) < np.linalg.norm(published[name])


@pytest.mark.parametrize(
    "text",
    [
        "my kitchen is on fire and the kids are upstairs",
        "he took the whole bottle of her pills and wont wake up",
        "i wrote the letters, nobody will miss me after tonight",
    ],
)
def test_danger_is_seen(text: str) -> None:
    assert encoder_for("").danger(text) > 0.9


@pytest.mark.parametrize(
    "text",
    [
        "the sunset over the river is on fire tonight, thank you for the new benches",
        "this water bill is going to give my husband a stroke, can we pay in parts",
        "pothole on Main by the bakery",
        "when is the fire station open house",
    ],
)
def test_what_only_sounds_like_danger_is_seen(text: str) -> None:
    assert encoder_for("").danger(text) < 0.5


def test_a_tuning_starts_from_the_published_encoder(published: dict[str, Any]) -> None:
    import tensorflow as tf

    cut = encoder.tokenizer(encoder_build.package_folder() / encoder.TOKENIZER)
    pieces, there = encoder.padded([one.ids for one in cut.encode_batch(TEXTS)])
    mean = tuning.mean_of(tf.constant(pieces), tf.constant(there), published, dropped=0).numpy()
    mean /= np.linalg.norm(mean, axis=1, keepdims=True)
    assert ((mean * encoder_for("").encode(TEXTS)).sum(axis=1) > 0.98).all()


def test_every_text_is_learnt_once_a_round() -> None:
    lengths = np.array([1 + number % 7 for number in range(2000)])
    batches = list(of_like_length(np.arange(2000), lengths, 32, 50, np.random.default_rng(0)))
    assert sorted(index for batch in batches for index in batch) == list(range(2000))
    assert max(map(len, batches)) <= 32


def test_a_tuning_learns_what_it_is_shown(tmp_path: Path, published: dict[str, Any]) -> None:
    texts = [f"{word} {number}" for number in range(48) for word in ("smoke everywhere", "a nice day", "good bye all")]
    labels = ["emergency", "greet", "self_harm"] * 48
    tuning.tune(texts, labels, tmp_path / "kept.npz")
    graph = tmp_path / "graph.onnx"
    encoder_build.write_float(second_look.weights(published, tmp_path / "kept.npz"), graph)
    import onnxruntime

    cut = encoder.tokenizer(encoder_build.package_folder() / encoder.TOKENIZER)
    session = onnxruntime.InferenceSession(str(graph), providers=["CPUExecutionProvider"])
    found = []
    for text in ("smoke everywhere 7", "a nice day 7", "good bye all 7"):
        ids, there = encoder.padded([cut.encode(text).ids])
        found.append(session.run(["danger"], {"input_ids": ids, "attention_mask": there})[0][0])
    assert [int(chances.argmax()) for chances in found] == [1, 0, 2]
