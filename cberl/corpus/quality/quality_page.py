"""A readable page of the quality table: the counts first, then the rows to look at."""

from collections.abc import Callable, Iterable, Sequence
from html import escape

import pandas as pd

from cberl.corpus.quality.media_quality import count_reasons
from cberl.corpus.reasons import REASONS

MOST_ROWS = 500
STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 75rem; padding: 0 1rem;
  color: #1d1d1f; background: #fff; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2.2rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; margin: .6rem 0; }
th, td { text-align: left; padding: .25rem .7rem; border-bottom: 1px solid #ddd;
  vertical-align: top; overflow-wrap: break-word; max-width: 30rem; }
th { border-bottom: 2px solid #888; } td.n, th.n { text-align: right; }
p.note { color: #555; }
@media (prefers-color-scheme: dark) { body { color: #eee; background: #1b1b1d; }
  th, td { border-color: #444; } p.note { color: #aaa; } }
"""


def render_quality_page(quality: pd.DataFrame, notices: Sequence[str] = ()) -> str:
    """Render the table QUALITY as a self-contained page, HTML without scripts.

    Args:
        quality: rows of the table QUALITY.
        notices: remarks on the annotations, one line each.
    """
    utterances = quality["utterance_id"].nunique()
    sections = [
        "<h1>Quality of the corpus</h1>",
        f"<p>{utterances} utterances. Every row of every modality is in quality.parquet beside "
        "this page; a row that cannot be used stays in the run without that modality.</p>",
        _notices(notices),
        _summary(quality),
        _reasons(quality),
        *(_listing(quality, *listing) for listing in LISTINGS),
    ]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Quality of the corpus</title><style>{STYLE}</style></head>\n<body>\n"
        + "\n".join(filter(None, sections))
        + "\n</body></html>\n"
    )


def _notices(notices: Sequence[str]) -> str:
    if not notices:
        return ""
    lines = "\n".join(f"<li>{escape(notice)}</li>" for notice in notices)
    return f"<h2>Remarks on the annotations</h2><ul>{lines}</ul>"


def _summary(quality: pd.DataFrame) -> str:
    rows = []
    for modality, part in quality.groupby("modality", sort=False):
        usable = int(part["available"].astype(bool).sum())
        rows.append((modality, usable, len(part) - usable, f"{1 - usable / len(part):.1%}"))
    heads = ("modality", "usable", "not usable", "share not usable")
    return "<h2>Usable rows</h2>" + _table(heads, rows, 1)


def _reasons(quality: pd.DataFrame) -> str:
    rows = [
        (modality, reason, REASONS.get(reason, ""), count)
        for modality, part in quality.groupby("modality", sort=False)
        for reason, count in count_reasons(part).items()
    ]
    if not rows:
        return "<p>Nothing is missing.</p>"
    return "<h2>Why rows cannot be used</h2>" + _table(
        ("modality", "reason", "meaning", "rows"), rows, 3
    )


def _listing(
    quality: pd.DataFrame,
    title: str,
    explanation: str,
    choose: Callable[[pd.DataFrame], pd.Series],
    columns: Sequence[str],
) -> str:
    chosen = quality[choose(quality).astype(bool)]
    if chosen.empty:
        return ""
    more = len(chosen) - MOST_ROWS
    rows = chosen[list(columns)].head(MOST_ROWS).itertuples(index=False, name=None)
    rest = f'<p class="note">and {more} more in quality.parquet</p>' if more > 0 else ""
    return (
        f'<h2>{escape(title)} ({len(chosen)})</h2><p class="note">{escape(explanation)}</p>'
        + _table([name.replace("_", " ") for name in columns], rows)
        + rest
    )


def _table(heads: Iterable[str], rows: Iterable[Sequence], numbers_from: int | None = None) -> str:
    def cell(tag: str, position: int, value: object) -> str:
        right = numbers_from is not None and position >= numbers_from
        return f"<{tag}{' class=n' if right else ''}>{escape(_shown(value))}</{tag}>"

    lines = [
        "<tr>" + "".join(cell("th", at, head) for at, head in enumerate(heads)) + "</tr>",
        *(
            "<tr>" + "".join(cell("td", at, value) for at, value in enumerate(row)) + "</tr>"
            for row in rows
        ),
    ]
    return '<div class="scroll"><table>' + "\n".join(lines) + "</table></div>"


def _shown(value: object) -> str:
    if value is None or value != value:
        return ""
    return f"{value:.2f}".removesuffix(".00") if isinstance(value, float) else str(value)


def _unavailable(quality: pd.DataFrame) -> pd.Series:
    return ~quality["available"].astype(bool)


def _decoded_with_trouble(quality: pd.DataFrame) -> pd.Series:
    return quality["available"].astype(bool) & quality["detail"].notna()


def _lasts_otherwise(quality: pd.DataFrame) -> pd.Series:
    decoded = pd.to_numeric(quality["duration_s"])
    annotated = pd.to_numeric(quality["annotated_duration_s"])
    first = ~quality.duplicated(["utterance_id", "duration_s"])
    return first & ((decoded - annotated).abs() > 0.5 + 0.1 * annotated)


def _duplicated(quality: pd.DataFrame) -> pd.Series:
    return quality["duplicate_of"].notna() & ~quality.duplicated(["utterance_id", "duplicate_of"])


def _without_speech(quality: pd.DataFrame) -> pd.Series:
    return quality["available"].astype(bool) & quality["speech_seen"].map(
        lambda seen: seen is False
    )


def _without_face(quality: pd.DataFrame) -> pd.Series:
    return pd.to_numeric(quality["face_share"]) == 0


def _noted(quality: pd.DataFrame) -> pd.Series:
    return quality["note"].notna() & ~quality.duplicated("utterance_id")


LISTINGS = (
    (
        "Rows that cannot be used",
        "The run goes on without them; other modalities of the same utterance stay.",
        _unavailable,
        ("utterance_id", "modality", "reason", "media_path", "detail"),
    ),
    (
        "Decoded with trouble",
        "Usable, though the decoder complained.",
        _decoded_with_trouble,
        ("utterance_id", "modality", "media_path", "detail"),
    ),
    (
        "Mended or substituted",
        "What reading the annotations changed or chose.",
        _noted,
        ("utterance_id", "note"),
    ),
    (
        "Duration differs from the annotation",
        "By more than half a second and a tenth.",
        _lasts_otherwise,
        ("utterance_id", "media_path", "duration_s", "annotated_duration_s"),
    ),
    (
        "Same bytes as another utterance",
        "Kept as they are; look whether their labels agree.",
        _duplicated,
        ("utterance_id", "duplicate_of", "media_path"),
    ),
    (
        "No speech seen",
        "By the sound's energy alone: a hint, the rows are used.",
        _without_speech,
        ("utterance_id", "media_path", "duration_s"),
    ),
    (
        "No face found",
        "The full frames are used.",
        _without_face,
        ("utterance_id", "media_path", "width", "height"),
    ),
)
