"""The page of `make eval`."""

from __future__ import annotations

from html.parser import HTMLParser

from bench.eval_page import page
from bench.scores import Answer, Case, Span, score


class Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list) -> None:
        self.seen.append(tag)
        if tag not in ("meta", "circle", "path"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list) -> None:
        self.seen.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in ("circle", "path"):
            return
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def test_every_confusion_is_there_as_text_and_nothing_as_markup() -> None:
    cases = [
        Case("<script>alert(1)</script> no heat", "report/no_heat", (Span("location", "here"),)),
        Case("hello", "greet"),
    ]
    answers = [Answer("report", "report", 0.7, ("mold",)), Answer("greet", "greet", 0.9)]
    reader = Reader()
    reader.feed(page(score(cases, answers), [("service", "50 %")]))
    assert reader.open == []
    assert "script" not in reader.seen
    assert "<script>alert(1)</script> no heat" in reader.words
    assert {"svg", "desc", "caption", "main", "h1"} <= set(reader.seen)
    assert reader.seen.count("circle") == 2
    assert "report/mold" in reader.words
