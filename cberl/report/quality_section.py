"""How good the corpus is: what could be used, and why the rest could not."""

from typing import Any

import pandas as pd

from cberl.corpus.reasons import REASONS
from cberl.report.run import Run

MOST_ROWS = 30


def describe_quality(run: Run) -> dict[str, Any]:
    """Counts per modality and per reason, and the first unavailable rows.

    Returns:
        ``modalities``: rows of counts; ``reasons``: rows modality, reason, meaning, count;
        ``notes``: corrections by the reader, with counts; ``examples``: at most `MOST_ROWS`
        unavailable rows; ``unavailable``: how many there are.
    """
    quality = run.quality
    absent = quality[~quality["available"].astype(bool)]
    reasons = absent.groupby(["modality", "reason"], sort=False, dropna=False).size()
    notes = quality.drop_duplicates("utterance_id")["note"].dropna().value_counts()
    return {
        "modalities": [
            _describe_modality(name, rows) for name, rows in quality.groupby("modality", sort=False)
        ],
        "reasons": [
            {
                "modality": modality,
                "reason": reason,
                "meaning": REASONS.get(reason, ""),
                "count": int(count),
            }
            for (modality, reason), count in reasons.items()
        ],
        "notes": [{"note": note, "count": int(count)} for note, count in notes.head(10).items()],
        "other_notes": int(notes.iloc[10:].sum()),
        "examples": absent.head(MOST_ROWS)[["utterance_id", "modality", "reason"]].to_dict(
            "records"
        ),
        "unavailable": len(absent),
    }


def _describe_modality(name: str, rows: pd.DataFrame) -> dict[str, Any]:
    usable = rows["available"].astype(bool)
    durations = rows["duration_s"].astype(float)
    return {
        "modality": name,
        "rows": len(rows),
        "usable": int(usable.sum()),
        "share": float(usable.mean()),
        "hours": float(durations.sum() / 3600) if durations.notna().any() else None,
        "median_s": float(durations.median()) if durations.notna().any() else None,
        "speech": _share(rows["speech_seen"]),
        "faces": _share(rows["face_share"]),
        "duplicates": int(rows["duplicate_of"].notna().sum()),
    }


def _share(values: pd.Series) -> float | None:
    known = values.dropna().astype(float)
    return float(known.mean()) if len(known) else None
