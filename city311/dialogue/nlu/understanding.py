"""What a message means: one Rasa component from text to intent, service and ranking.

Encoder, n-grams and classifier run in one step, because Rasa's own way (a component each, sparse matrices in between)
takes several times as long a message.
"""

from __future__ import annotations

import json
import logging
import unicodedata
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.classifiers.classifier import IntentClassifier
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData
from threadpoolctl import threadpool_limits

from city311.dialogue.city_pack import city_pack
from city311.dialogue.nlu.also import Clause, clauses, main_problem, other_problems, sentences
from city311.dialogue.nlu.calibration import chances_of, held_out, sharpness
from city311.dialogue.nlu.classifier import Classifier, Examples, fit, softmax
from city311.dialogue.nlu.danger import danger
from city311.dialogue.nlu.encoding import encoder_for
from city311.dialogue.nlu.features import Features, Rows
from city311.dialogue.nlu.labels import DANGERS, REPORT, is_learnt, texts_and_labels
from city311.dialogue.nlu.neighbours import Neighbours, Views
from city311.dialogue.nlu.rankings import Rankings, mix
from city311.dialogue.nlu.reading import PIECES, read
from city311.dialogue.nlu.recent import Recent
from city311.language.encoder import Encoder
from city311.language.spelling import Speller, count_words

_log = logging.getLogger(__name__)

_Heard = dict[tuple[Clause, ...], tuple[Any, Any]]

FALLBACK = "nlu_fallback"
_RANKING_LENGTH = 10
_FREQUENT_FROM = 3
_SHORT = 5
_SHORT_BELOW = 0.7
_DANGER_BELOW = 0.9
_ALWAYS = 1.1


@DefaultV1Recipe.register([DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER], is_trainable=True)
class Understanding(IntentClassifier, GraphComponent):
    """Sets ``intent``, ``intent_ranking``, the entity ``service``, ``service_ranking``, ``also`` and ``language``."""

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        """Settings and what they mean.

        ``language``: language of the training data. ``encoder``: folder of a built sentence encoder; empty means the
        house's own. ``threshold``: below this confidence the intent is ``nlu_fallback``. ``familiarity``: likewise
        below this confidence times nearness to known examples; 0 is off (with the house's own data it gains nothing
        over the threshold). ``danger``: from this chance on, danger is the intent whatever else is likelier;
        ``danger_in_a_sentence``: likewise where one of several sentences reaches this, at least ``danger_nearby`` of
        the examples nearest to it are dangers, and all sentences together reach ``danger_in_the_whole``.
        ``offered``: codes of the services that may be chosen; empty means those of the city pack. ``neighbours``: how
        much the labels of the nearest examples count, from 0 to 1. ``alike``: how much gist, wording and words count in
        what is near. ``learnt_below``: of many examples, only those are learnt to which a trial without them gives a
        smaller chance (of short ones smaller than .7, of dangers .9); the others would pull at hardly any weight.
        ``cost`` and ``vector_weight``: see
        :func:`~city311.dialogue.nlu.classifier.fit` and :class:`~city311.dialogue.nlu.features.Features`.
        """
        return {
            "language": "en",
            "encoder": "",
            "threshold": 0.4,
            "familiarity": 0.0,
            "danger": 0.4,
            "danger_in_a_sentence": 0.98,
            "danger_in_the_whole": 0.1,
            "danger_nearby": 0.5,
            "offered": [],
            "neighbours": 0.45,
            "alike": [1.0, 1.0, 1.0],
            "learnt_below": 0.35,
            "cost": 30.0,
            "vector_weight": 0.5,
        }

    @staticmethod
    def required_packages() -> list[str]:
        """Python packages that must be there."""
        return ["onnxruntime", "tokenizers", "scipy", "threadpoolctl"]  # scikit-learn brings the last

    def __init__(
        self,
        config: Mapping[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        features: Features | None = None,
        classifier: Classifier | None = None,
        neighbours: Neighbours | None = None,
        speller: Speller | None = None,
        encoder: Encoder | None = None,
        sharpness_of_mix: float = 1.0,
    ) -> None:
        self._config = {**self.get_default_config(), **config}
        self._model_storage = model_storage
        self._resource = resource
        self._features = features
        self._classifier = classifier
        self._neighbours = neighbours
        self._speller = speller
        self._encoder = encoder
        self._sharpness = sharpness_of_mix
        self._recent = Recent()
        self._offered = frozenset(self._config["offered"] or city_pack().services)

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,  # noqa: ARG003
    ) -> Understanding:
        """An untrained component."""
        return cls(config, model_storage, resource)

    def train(self, training_data: TrainingData) -> Resource:
        """Learn every labelled example. Raises EncoderError when the encoder cannot be built."""
        texts, labels = texts_and_labels(message for message in training_data.training_examples if is_learnt(message))
        aside = texts_and_labels(message for message in training_data.training_examples if not is_learnt(message))
        self._encoder = encoder_for(self._config["encoder"])
        _log.info("Understanding: %d examples, %d labels", len(texts), len(set(labels)))
        # What is tried comes first: its rows are the beginning of whatever is learnt in the end.
        tried, added, check = held_out(labels)
        texts, labels = ([column[index] for index in tried + added + check] for column in (texts, labels))
        words = count_words(texts)
        frequent = {word: count for word, count in sorted(words.items()) if count >= _FREQUENT_FROM}
        self._speller = Speller.of(frequent, {*words, *self._encoder.words()})
        with ThreadPoolExecutor(1) as pool:  # the encoder leaves Python time for the n-grams
            reading = pool.submit(read, self._encoder, texts)
            shape = self._encoder.layers, self._encoder.dimensions
            features = Features.fit(texts, shape, self._config["vector_weight"])
            grams = features.grams(texts)
            vectors, layers = reading.result().sentences(texts)
        self._features = features = features.centred(layers)
        rows, views = self._seen(vectors, layers, grams)
        views = replace(views, words=features.words(grams))
        first, last = len(tried), len(tried) + len(added)
        _log.info("Understanding: trying on %d examples", len(tried))
        trial = fit(Examples.of(rows[:first]), labels[:first], self._config["cost"])
        known = trial.classifier.labels
        scores = trial.classifier.scores(rows[first:])
        factor = sharpness(known, scores[last - first :], labels[last:])
        by_trial = chances_of(known, softmax(scores * factor), labels[first:])
        rest = zip(texts[first:], labels[first:], strict=True)
        enough = [self._enough(text, label) if added else _ALWAYS for text, label in rest]
        kept = [*range(first), *(first + np.flatnonzero(by_trial < np.array(enough)))]
        _log.info("Understanding: training on %d examples, all but those that the trial was sure of", len(kept))
        whole = fit(Examples.of(rows[kept]), [labels[index] for index in kept], self._config["cost"], start=trial)
        self._neighbours = Neighbours.of(views, labels, known, self._config["alike"])
        if aside[0]:
            factor = self._calibrate(known, *self._asked(whole.classifier, aside[0]), aside[1])
        else:
            near = Neighbours.of(views[:first], labels[:first], known, self._config["alike"]).shares(views[last:])
            factor = self._calibrate(known, scores[last - first :], near, labels[last:])
        self._classifier = replace(whole.classifier, sharpness=factor)
        self._persist()
        return self._resource

    def _enough(self, text: str, label: str) -> float:
        """Below which chance by the trial an example is learnt."""
        if label in DANGERS:
            return _DANGER_BELOW  # to miss one is worse than to hear one too many
        # Short answers are what dangers in few words are told from: more of them stay.
        return _SHORT_BELOW if _is_short(text) else float(self._config["learnt_below"])

    def _asked(self, classifier: Classifier, texts: Sequence[str]) -> tuple[Any, Any]:
        """What the classifier and the nearest examples say of texts as residents write them: scores and shares."""
        assert self._features and self._neighbours and self._speller and self._encoder  # noqa: S101  # trained or loaded
        corrected = [self._speller.correct(text) for text in texts]
        vectors, layers = self._encoder.encode_layers(corrected)
        rows, views = self._seen(vectors, layers, self._features.grams(corrected))
        return classifier.scores(rows), self._neighbours.shares(views)

    def _seen(self, vectors: Any, layers: Any, grams: Any) -> tuple[Rows, Views]:
        """Texts as the classifier takes them, and as the search for the nearest does."""
        assert self._features  # noqa: S101  # trained or loaded
        directions = self._features.directions(layers)
        return Rows(self._features.dense(directions), grams), Views(vectors, directions[:, 0], grams)

    def _calibrate(self, known: Sequence[str], scores: Any, near: Any, labels: Sequence[str]) -> float:
        """The classifier's own sharpness; that of its mixture with the nearest examples is kept."""
        factor = sharpness(known, scores, labels)
        mixed = mix(softmax(scores * factor), near, self._config["neighbours"])
        self._sharpness = sharpness(known, np.log(mixed), labels)
        return factor

    def _persist(self) -> None:
        assert self._features and self._classifier and self._neighbours and self._speller and self._encoder  # noqa: S101
        with self._model_storage.write_to(self._resource) as folder:
            self._features.save(folder)
            self._classifier.save(folder, "classifier")
            self._neighbours.save(folder)
            words = {"frequent": dict(self._speller.frequent), "right": sorted(self._speller.right)}
            (folder / "spelling.json").write_text(json.dumps(words, ensure_ascii=False), encoding="utf-8")
            about = {"encoder": self._encoder.fingerprint, "sharpness": self._sharpness}
            (folder / "understanding.json").write_text(json.dumps(about), encoding="utf-8")

    @classmethod
    def load(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,  # noqa: ARG003
        **kwargs: Any,  # noqa: ARG003
    ) -> Understanding:
        """The trained component. Raises EncoderError when the model was trained with another encoder."""
        encoder = encoder_for({**cls.get_default_config(), **config}["encoder"])
        # One message is too little work for several threads: they would wait for each other. `city311 run` sees to it
        # for its own process; this holds in `rasa shell` and in the bench, too.
        threadpool_limits(1, "blas")
        with model_storage.read_from(resource) as folder:
            about = json.loads((Path(folder) / "understanding.json").read_text(encoding="utf-8"))
            encoder.check(about["encoder"])
            features, classifier = Features.load(Path(folder)), Classifier.load(Path(folder), "classifier")
            neighbours = Neighbours.load(Path(folder))
            words = json.loads((Path(folder) / "spelling.json").read_text(encoding="utf-8"))
            speller = Speller.of(words["frequent"], words["right"])
        return cls(
            config, model_storage, resource, features, classifier, neighbours, speller, encoder, about["sharpness"]
        )

    def process(self, messages: list[Message]) -> list[Message]:
        """Say what each message means."""
        for message in messages:
            self._recent.process(message, self._understand)
        return messages

    def _understand(self, message: Message) -> None:
        # Rasa trains or loads first
        assert self._features and self._classifier and self._neighbours and self._speller and self._encoder  # noqa: S101
        text = str(message.get("text") or "")
        message.set("language", self._config["language"], add_to_output=True)
        if not _says_something(text):
            message.set("intent", {"name": FALLBACK, "confidence": 1.0}, add_to_output=True)
            message.set("intent_ranking", [], add_to_output=True)
            message.set("service_ranking", [], add_to_output=True)
            message.set("also", [], add_to_output=True)
            return
        corrected = self._speller.correct(text)
        seen: list[Any] = []
        vectors, layers = self._encoder.encode_layers([corrected], lambda _, *pieces: seen.append((corrected, *pieces)))
        message.set(PIECES, seen[0])
        rows, views = self._seen(vectors, layers, self._features.grams([corrected]))
        alone = self._classifier.probabilities(self._classifier.scores(rows)[0])
        near = self._neighbours.shares(views)[0]
        chances = self._mixed(alone, near)
        intents = self._rankings.of_intents(chances, _RANKING_LENGTH)
        services = self._rankings.of_services(chances, _RANKING_LENGTH)
        nonsense = self._rankings.of_nonsense(chances)
        whole = danger(self._labels, alone, near, again=partial(self._encoder.danger, corrected))
        best = self._choose(intents, whole, nonsense, vectors[0])
        heard: _Heard = {}
        if self._config["danger_in_the_whole"] <= whole[1] < self._config["danger_in_a_sentence"]:
            # What is doubtful of the whole may be plain in a part.
            best = self._danger_in_a_sentence(text, heard) or best
        message.set("intent", best, add_to_output=True)
        message.set("intent_ranking", intents, add_to_output=True)
        also: list[dict[str, Any]] = []
        chosen = self._rankings.likeliest_service(chances)
        if best["name"] == REPORT and chosen and chosen in self._offered:
            by_whole = (chosen, services[0]["confidence"])
            chosen, sure, also = main_problem(text, *by_whole, self._others(text, None, heard))
            if (chosen, sure) != by_whole:
                services = _led_by(chosen, sure, services)
            entity = {
                "entity": "service",
                "start": 0,
                "end": len(text),
                "value": chosen,
                "confidence_entity": sure,
                "extractor": type(self).__name__,
            }
            message.set("entities", [*message.get("entities", []), entity], add_to_output=True)
        elif best["name"] in DANGERS:
            also = self._others(text, best["name"], heard)
        message.set("service_ranking", services, add_to_output=True)
        message.set("also", also, add_to_output=True)

    def _danger_in_a_sentence(self, text: str, heard: _Heard) -> dict[str, Any] | None:
        """A danger that one sentence speaks of plainly: beside a missed collection, the whole may not sound like it."""
        parts = sentences(text)
        if not parts or not any(label in DANGERS for label in self._labels):
            return None
        nearby = self._config["danger_nearby"]
        chances = zip(*self._parts(text, parts, heard), strict=True)
        found = [danger(self._labels, alone, near, nearby) for alone, near in chances]
        name, chance = max(found, key=lambda one: one[1])
        return {"name": name, "confidence": chance} if name and chance >= self._config["danger_in_a_sentence"] else None

    def _others(self, text: str, main: str | None, heard: _Heard) -> list[dict[str, Any]]:
        parts = clauses(text)
        if not parts:
            return []
        codes = [
            code if code in self._offered else main if label == main else None
            for label, code in zip(self._labels, self._rankings.codes, strict=True)
        ]
        return other_problems(text, parts, self._mixed(*self._parts(text, parts, heard)), codes, main)

    @property
    def _labels(self) -> Sequence[str]:
        return self._classifier.labels if self._classifier else ()

    @cached_property
    def _rankings(self) -> Rankings:
        return Rankings.of(self._labels, self._offered)

    def _parts(self, text: str, parts: Sequence[Clause], heard: _Heard) -> tuple[Any, Any]:
        """For every part of a text the chances by the classifier alone, and the shares among the nearest examples.

        ``heard`` is what this gave for other parts of the text: where no sentence joins several things, its clauses
        are its sentences.
        """
        if tuple(parts) in heard:
            return heard[tuple(parts)]
        assert self._classifier  # noqa: S101  # Rasa trains or loads first
        scores, near = self._asked(self._classifier, [text[one.start : one.end] for one in parts])
        heard[tuple(parts)] = self._classifier.probabilities(scores), near
        return heard[tuple(parts)]

    def _mixed(self, alone: Any, near: Any) -> Any:
        """Calibrated chances from the classifier's own and the neighbours'."""
        return softmax(np.log(mix(alone, near, self._config["neighbours"])) * self._sharpness)

    def _choose(
        self, intents: Sequence[dict[str, Any]], danger: tuple[str, float], nonsense: float, vector: Any
    ) -> dict[str, Any]:
        name, chance = danger
        if name and chance >= self._config["danger"]:
            return {"name": name, "confidence": chance}
        likeliest = next((one for one in intents if one["name"] not in DANGERS), intents[0])
        if nonsense >= likeliest["confidence"] / 2:  # of what is out of scope, nonsense is a part
            return {"name": FALLBACK, "confidence": nonsense}
        if likeliest["confidence"] < self._config["threshold"] or self._is_strange(likeliest["confidence"], vector):
            return {"name": FALLBACK, "confidence": 1 - likeliest["confidence"]}
        return likeliest

    def _is_strange(self, confidence: float, vector: Any) -> bool:
        least = self._config["familiarity"]
        return bool(least and self._neighbours and confidence * self._neighbours.nearness(vector) < least)


def _led_by(code: str, sure: float, services: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """A ranking with ``code`` first, which is so ``sure``; the others share the rest as before."""
    rest = [{**one, "confidence": one["confidence"] * (1 - sure)} for one in services if one["code"] != code]
    return [{"code": code, "confidence": sure}, *rest][:_RANKING_LENGTH]


def _is_short(text: str) -> bool:
    return len(text.split()) <= _SHORT


def _says_something(text: str) -> bool:
    """Whether there is a letter, a digit or a picture in a text: "…" and "?!" alone mean nothing."""
    return any(unicodedata.category(character)[0] in "LNS" for character in text)
