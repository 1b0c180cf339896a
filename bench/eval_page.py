"""The figures of `make eval` as a web page: tables, a reliability figure, and every confusion with its texts."""

from __future__ import annotations

import html
from collections.abc import Sequence
from pathlib import Path

from bench.scores import Scores

_SIDE = 320
_EDGE = 44
_STYLE = """
:root { color-scheme: light dark; }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 75rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; margin: 1rem 0 2rem; }
caption { text-align: left; font-weight: 600; padding-bottom: .3rem; }
th, td { border: 1px solid #888; padding: .3rem .6rem; text-align: left; vertical-align: top; }
td.number { text-align: right; font-variant-numeric: tabular-nums; }
ul { margin: 0; padding-left: 1.2rem; }
svg { max-width: 100%; height: auto; }
svg text { font-size: 12px; fill: currentColor; }
"""


def page(scores: Scores, figures: Sequence[tuple[str, str]]) -> str:
    """The whole page.

    Args:
        scores: what was measured.
        figures: name and value of every figure, in order.
    """
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Understanding: figures and confusions</title>
<style>{_STYLE}</style></head><body><main>
<h1>Understanding: figures and confusions</h1>
{_table("Figures", ("Measure", "Value"), figures)}
<h2>Is confidence what it says?</h2>
{reliability_figure(scores.reliability)}
{_table("The same as numbers", ("Mean confidence", "Right", "Messages"), _bands(scores))}
<h2>Entities</h2>
{_table("Entities", ("Entity", "Precision", "Recall", "F1", "Number"), _entities(scores))}
<h2>Confusions</h2>
{_confusions(scores)}
</main></body></html>
"""


def write(scores: Scores, figures: Sequence[tuple[str, str]], target: Path) -> None:
    """Write the page to ``target``, with its folder."""
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(page(scores, figures), encoding="utf-8")


def reliability_figure(bands: Sequence[tuple[float, float, int]]) -> str:
    """Share right against confidence, a dot a band, larger for more messages; on the diagonal confidence is honest."""
    most = max((count for _, _, count in bands), default=1)
    dots = "\n".join(
        f'<circle cx="{_x(mean):.1f}" cy="{_y(right):.1f}" r="{3 + 9 * (count / most) ** 0.5:.1f}"'
        f' fill="#0b62c4" fill-opacity=".75"><title>confidence {_percent(mean)}: {_percent(right)} right,'
        f" {count} messages</title></circle>"
        for mean, right, count in bands
    )
    ticks = "\n".join(
        f'<text x="{_x(at):.0f}" y="{_SIDE - _EDGE + 18}" text-anchor="middle">{at:.0%}</text>'
        f'<text x="{_EDGE - 6}" y="{_y(at) + 4:.0f}" text-anchor="end">{at:.0%}</text>'
        for at in (0.0, 0.5, 1.0)
    )
    described = "; ".join(f"{_percent(right)} right at {_percent(mean)}" for mean, right, _ in bands)
    return f"""<figure><svg viewBox="0 0 {_SIDE} {_SIDE}" width="{_SIDE}" role="img" aria-labelledby="r-title r-text">
<title id="r-title">Share of right answers by confidence</title>
<desc id="r-text">{html.escape(described)}</desc>
<path d="M{_EDGE} 12V{_SIDE - _EDGE}H{_SIDE - 12}" fill="none" stroke="currentColor"/>
<path d="M{_x(0)} {_y(0)}L{_x(1)} {_y(1)}" stroke="currentColor" stroke-dasharray="4 4"/>
{ticks}
<text x="{_SIDE / 2}" y="{_SIDE - 8}" text-anchor="middle">confidence</text>
<text transform="rotate(-90)" x="{-_SIDE / 2}" y="11" text-anchor="middle">right</text>
{dots}
</svg><figcaption>On the dashed line, 80 % sure means right 8 times in 10.</figcaption></figure>"""


def _x(share: float) -> float:
    return _EDGE + share * (_SIDE - _EDGE - 16)


def _y(share: float) -> float:
    return _SIDE - _EDGE - share * (_SIDE - _EDGE - 16)


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _bands(scores: Scores) -> list[tuple[str, ...]]:
    return [(_percent(mean), _percent(right), str(count)) for mean, right, count in scores.reliability]


def _entities(scores: Scores) -> list[tuple[str, ...]]:
    return [(name, *map(_percent, (p, r, f)), str(number)) for name, (p, r, f, number) in scores.entities.items()]


def _table(caption: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f'<th scope="col">{html.escape(one)}</th>' for one in heads)
    body = "\n".join(
        f'<tr><th scope="row">{html.escape(first)}</th>'
        + "".join(f'<td class="number">{html.escape(cell)}</td>' for cell in rest)
        + "</tr>"
        for first, *rest in rows
    )
    title = html.escape(caption)
    return f"<table><caption>{title}</caption><thead><tr>{head}</tr></thead><tbody>\n{body}\n</tbody></table>"


def _confusions(scores: Scores) -> str:
    rows = "\n".join(
        f'<tr><td class="number">{len(texts)}</td><td>{html.escape(true)}</td><td>{html.escape(said)}</td>'
        f'<td><ul dir="auto">{"".join(f"<li>{html.escape(text)}</li>" for text in texts)}</ul></td></tr>'
        for true, said, texts in scores.confusions
    )
    heads = "".join(f'<th scope="col">{one}</th>' for one in ("Number", "True", "Said", "Texts"))
    return (
        f"<table><caption>Every confusion, the most frequent first</caption><thead><tr>{heads}</tr></thead><tbody>\n"
        f"{rows}\n</tbody></table>"
    )
