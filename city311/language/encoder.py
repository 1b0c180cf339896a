"""Sentences as vectors: all-MiniLM-L6-v2 in int8 on ONNX Runtime.

The files come from :mod:`city311.language.encoder_build` (or from anywhere else, by a configured folder). A process
holds one copy of an encoder however many parts of it ask.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

MODEL = "encoder.onnx"
SECOND_LOOK = "second_look.onnx"
TOKENIZER = "tokenizer.json"
MANIFEST = "manifest.json"

MAX_TOKENS = 128
_BATCH = 8

Look = Callable[[int, Any, Sequence[tuple[int, int]]], None]
"""Is given the number of a text, the vectors of its word pieces (``(pieces, width)``) and where each piece begins and
ends in the text (marks of the encoder's own: where they begin)."""

_shared: dict[Path, Encoder] = {}
_lock = threading.Lock()


class EncoderError(RuntimeError):
    """The encoder cannot be built or loaded; the message names the file and the way out."""


def is_complete(folder: Path) -> bool:
    """Whether a built encoder is in ``folder``. Its contents are checked on loading."""
    return all((folder / name).is_file() for name in (MODEL, SECOND_LOOK, TOKENIZER, MANIFEST))


def load(folder: Path) -> Encoder:
    """The process's one copy of the encoder in ``folder``.

    Raises:
        EncoderError: a file is missing or is not what the manifest says.
    """
    folder = folder.resolve()
    with _lock:
        if folder not in _shared:
            _shared[folder] = Encoder(folder)
        return _shared[folder]


def tokenizer(file: Path) -> Any:
    """What cuts a text into its word pieces, the first 128 of them."""
    from tokenizers import Tokenizer

    found = Tokenizer.from_file(str(file))
    found.enable_truncation(MAX_TOKENS)
    found.no_padding()
    return found


def padded(ids: Sequence[Sequence[int]]) -> tuple[Any, Any]:
    """Texts of different lengths, as numbers of word pieces, in one array, and 1 where there is a piece."""
    pieces = np.zeros((len(ids), max(map(len, ids))), np.int64)
    there = np.zeros_like(pieces)
    for row, one in enumerate(ids):
        pieces[row, : len(one)], there[row, : len(one)] = one, 1
    return pieces, there


class Encoder:
    """One loaded encoder. Thread-safe. Use :func:`load` to share it."""

    dimensions: int
    """Length of a vector."""
    layers: int
    """Number of layers that :meth:`encode_layers` gives."""
    fingerprint: str
    """Of what it was built from, and how: vectors of encoders with different ones must not be mixed."""

    def __init__(self, folder: Path) -> None:
        import onnxruntime

        manifest = _manifest(folder)
        self.dimensions = int(manifest["dimensions"])
        self.layers = int(manifest["layers"])
        self.fingerprint = str(manifest["fingerprint"])
        self._tokenizer = tokenizer(folder / TOKENIZER)
        options = onnxruntime.SessionOptions()
        # One message takes about 2 ms on one core. More threads would spin for it and starve the neighbours.
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self._session, self._second = (
            onnxruntime.InferenceSession(str(folder / name), options, providers=["CPUExecutionProvider"])
            for name in (MODEL, SECOND_LOOK)
        )

    def _tokens(self, texts: list[str]) -> list[Any]:
        # Several go through threads of the tokenizer's own, which a single message would wait for.
        return [self._tokenizer.encode(texts[0])] if len(texts) == 1 else self._tokenizer.encode_batch(texts)

    def check(self, fingerprint: str) -> None:
        """Raise EncoderError unless ``fingerprint``, of the encoder with which a model was trained, is this one's."""
        if fingerprint != self.fingerprint:
            raise EncoderError("The model was trained with another sentence encoder. Run `make train`.")

    def words(self) -> frozenset[str]:
        """Every whole word of the vocabulary, in lower case."""
        return frozenset(word for word in self._tokenizer.get_vocab() if word.isalpha())

    def danger(self, text: str) -> float:
        """The chance, from 0 to 1, that ``text`` speaks of danger now, by the copy of the encoder tuned for it.

        It takes three times as long as a vector.
        """
        ids, there = padded([self._tokenizer.encode(text).ids])
        ((none, *_dangers),) = self._second.run(["danger"], {"input_ids": ids, "attention_mask": there})[0]
        return 1 - float(none)

    def encode(self, texts: Sequence[str]) -> Any:
        """Unit vectors of ``texts``: float32, shape ``(len(texts), dimensions)``. Only the first 128 tokens count."""
        return self.encode_layers(texts)[0]

    def encode_layers(self, texts: Sequence[str], look: Look | None = None) -> tuple[Any, Any]:
        """What :meth:`encode` gives, and the mean of each of the last layers: ``(len(texts), layers, dimensions)``.

        Args:
            texts: what to encode.
            look: is given the word pieces of every text, in any order and from several threads.
        """
        vectors = np.zeros((len(texts), self.dimensions), np.float32)
        layers = np.zeros((len(texts), self.layers, self.dimensions), np.float32)
        encoded = self._tokens(list(texts))
        # Neighbours in length share a batch, so that hardly anything is padding.
        order = sorted(range(len(texts)), key=lambda index: len(encoded[index].ids))
        batches = [order[start : start + _BATCH] for start in range(0, len(order), _BATCH)]

        def encode_batch(chosen: list[int]) -> None:
            ids, there = padded([encoded[index].ids for index in chosen])
            inputs = {"input_ids": ids, "attention_mask": there}
            if look is None:
                vectors[chosen], layers[chosen] = self._session.run(["sentence", "layers"], inputs)
                return
            vectors[chosen], layers[chosen], pieces = self._session.run(["sentence", "layers", "pieces"], inputs)
            for index, seen in zip(chosen, pieces, strict=True):
                offsets = encoded[index].offsets
                look(index, seen[: len(offsets)], offsets)

        if len(batches) < 2:
            for batch in batches:
                encode_batch(batch)
        else:  # a training: a batch for each processor at a time, always the same batches
            with ThreadPoolExecutor(os.cpu_count()) as pool:
                list(pool.map(encode_batch, batches))
        return vectors, layers


def _manifest(folder: Path) -> Any:
    if not is_complete(folder):
        raise EncoderError(f"{folder} holds no sentence encoder. `make train` builds it there.")
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    if "fingerprint" not in manifest:
        raise EncoderError(f"{folder} was built by an earlier version. Delete it and run `make train`.")
    for name, expected in manifest["sha256"].items():
        if hashlib.sha256((folder / name).read_bytes()).hexdigest() != expected:
            raise EncoderError(f"{folder / name} is damaged. Delete {folder} and run `make train`.")
    return manifest
