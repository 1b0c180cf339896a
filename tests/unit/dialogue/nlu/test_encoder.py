"""The sentence encoder's files and vectors."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from city311.dialogue.nlu.encoding import encoder_for, house_folder
from city311.language import encoder, encoder_build


def test_kindred_sentences_are_near() -> None:
    vectors = encoder_for("").encode(["a pothole in my street", "the road has a hole in it", "I like opera"])
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-3)
    assert vectors[0] @ vectors[1] > 0.5 > vectors[0] @ vectors[2] + 0.2


def test_a_process_has_one_copy() -> None:
    assert encoder_for("") is encoder_for("")


def test_whole_words_of_its_vocabulary_are_known() -> None:
    words = encoder_for("").words()
    assert {"monday", "bakery"} <= words
    assert not {"[CLS]", "##ing", "pothol"} & words


def test_word_pieces_are_shown_without_what_fills_a_batch() -> None:
    seen = {}
    texts = ["no heat", "the heat is off in our building"]
    encoder_for("").encode_layers(texts, lambda row, *pieces: seen.__setitem__(row, pieces))
    for row, text in enumerate(texts):
        vectors, offsets = seen[row]
        assert vectors.shape == (len(offsets), 384)
        assert [text[start:end] for start, end in offsets[1:-1]] == text.split()
    alone = {}
    encoder_for("").encode_layers(texts[:1], lambda row, *pieces: alone.__setitem__(row, pieces))
    assert np.allclose(alone[0][0], seen[0][0], atol=1e-3)


def test_a_long_text_is_cut_and_an_empty_list_is_empty() -> None:
    assert encoder_for("").encode(["word " * 5000]).shape == (1, 384)
    assert encoder_for("").encode([]).shape == (0, 384)


def test_the_last_layer_is_the_sentence() -> None:
    vectors, layers = encoder_for("").encode_layers(["no heat", "the heat is off in our building"])
    assert layers.shape == (2, encoder_for("").layers, 384)
    last = layers[:, -1] / np.linalg.norm(layers[:, -1], axis=1, keepdims=True)
    assert np.allclose(last, vectors, atol=1e-5)


def test_an_encoder_of_an_earlier_version_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "encoder"
    encoder_for("")
    shutil.copytree(house_folder(), folder)
    manifest = json.loads((folder / encoder.MANIFEST).read_text(encoding="utf-8"))
    del manifest["fingerprint"]
    (folder / encoder.MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")
    with pytest.raises(encoder.EncoderError, match="earlier version"):
        encoder.load(folder)


def test_damage_is_noticed(tmp_path: Path) -> None:
    folder = tmp_path / "encoder"
    encoder_for("")
    shutil.copytree(house_folder(), folder)
    (folder / encoder.TOKENIZER).write_text("{}", encoding="utf-8")
    with pytest.raises(encoder.EncoderError, match="damaged"):
        encoder.load(folder)


def test_absence_is_explained(tmp_path: Path) -> None:
    with pytest.raises(encoder.EncoderError, match="make train"):
        encoder.load(tmp_path)


def test_other_weights_are_refused(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"other")
    with pytest.raises(encoder.EncoderError, match="SHA-256"):
        encoder_build.build(tmp_path / "encoder", tmp_path)
    assert not (tmp_path / "encoder").exists()


def test_a_text_means_the_same_whatever_thread_takes_its_batch() -> None:
    texts = [
        f"{thing} on {number} Elm Street" for thing in ("pothole", "dark lamp", "mattress") for number in range(40)
    ]
    first, again = (encoder_for("").encode_layers(texts) for _ in range(2))
    assert all((one == other).all() for one, other in zip(first, again, strict=True))
    alone = encoder_for("").encode([texts[50]])[0]
    assert np.allclose(first[0][50], alone, atol=1e-4)


def test_8_bits_change_little(tmp_path: Path) -> None:
    texts = [
        "they never came for the couch",
        "NO LIGHTS 3 DAYS!!",
        "¿Quién arregla los baches?",
        "🔥" * 9,
        "word " * 200,
    ]
    published = load_file(encoder_build.package_folder() / "model.safetensors")
    encoder_build.write_float(published, tmp_path / encoder.MODEL)
    house = house_folder()
    small = encoder_for("")
    for name in (encoder.TOKENIZER, encoder.SECOND_LOOK):
        shutil.copy(house / name, tmp_path)
    manifest = json.loads((house / encoder.MANIFEST).read_text(encoding="utf-8"))
    manifest["sha256"] = {}
    (tmp_path / encoder.MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")
    assert ((small.encode(texts) * encoder.load(tmp_path).encode(texts)).sum(axis=1) > 0.975).all()
