"""What can be used of a corpus, and whether it is enough."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from cberl.artifacts import read_table, row_positions
from cberl.corpus import reasons
from cberl.corpus.blank_text import is_blank
from cberl.corpus.tables import MEDIA, QUALITY
from cberl.errors import InputError

BLOBS = ("audio", "frames", "frame_times_s")
SHORTEST_SPEECH_S = 0.1
FACTS_OF = {
    "text": {},
    "audio": {"channels": "source_channels", "sample_rate": "source_sample_rate"},
    "video": {
        "fps": "source_fps",
        "frames": "source_frames",
        "width": "source_width",
        "height": "source_height",
    },
}


def read_media_facts(paths: Iterable[str | Path]) -> pd.DataFrame:
    """Read the shards' media tables without the sound and the frames.

    Returns:
        All other columns of the table MEDIA, one row per utterance; no rows without paths.

    Raises:
        InputError: a file is not a table of media, or two of them hold the same utterance.
    """
    names = [name for name in MEDIA.names if name not in BLOBS]
    shards = [read_table(path, MEDIA, names).astype(object) for path in paths]
    facts = pd.concat([pd.DataFrame(columns=names, dtype=object), *shards], ignore_index=True)
    repeated = facts["utterance_id"].duplicated()
    if repeated.any():
        raise InputError(
            f"media: utterance {facts['utterance_id'][repeated].iloc[0]} is in two shards"
        )
    return facts


def assess_quality(
    utterances: pd.DataFrame, facts: pd.DataFrame, modalities: Sequence[str]
) -> pd.DataFrame:
    """Assess for every utterance and modality whether it can be used, and if not, why.

    Args:
        utterances: rows of the table UTTERANCES.
        facts: from `read_media_facts`; ignored if text is the only modality.
        modalities: those that the run uses.

    Returns:
        Rows of the table QUALITY: utterances in their order, each with its modalities in theirs.

    Raises:
        InputError: an utterance is in no shard.
    """
    if set(modalities) - {"text"}:
        positions = row_positions(facts["utterance_id"], utterances["utterance_id"], "media")
        facts = facts.iloc[positions].reset_index(drop=True)
    utterances = utterances.reset_index(drop=True).astype(object)
    parts = [
        _assess_text(utterances)
        if modality == "text"
        else _assess_media(utterances, facts, modality)
        for modality in modalities
    ]
    return by_utterance(parts)


def by_utterance(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Rows of table QUALITY, utterance by utterance, from equally long parts, one a modality."""
    joined = pd.concat(parts, ignore_index=True)
    order = np.arange(len(joined)).reshape(len(parts), -1).T.ravel()
    return joined.iloc[order].reset_index(drop=True).reindex(columns=QUALITY.names)


def find_duplicates(utterances: pd.DataFrame, facts: pd.DataFrame, modality: str) -> pd.Series:
    """Name, for each utterance, the first one with the same part of the same bytes, or None.

    Utterances cut from one recording are duplicates only if start and end agree too, and of their
    pictures the crop. Sound in a file of its own is not cut.

    Args:
        utterances: rows of the table UTTERANCES.
        facts: what `read_media_facts` read of the same utterances, in their order.
        modality: audio or video, whose files are compared.
    """
    parts = utterances[["media_start_s", "media_end_s", "media_crop"]]
    if modality == "audio":
        parts = parts.drop(columns="media_crop")
        parts = parts.where(utterances["audio_path"].isna(), None)
    first: dict[tuple, str] = {}
    found: list[str | None] = []
    for digest, part, utterance_id in zip(
        facts[f"{modality}_sha256"],
        parts.itertuples(index=False, name=None),
        utterances["utterance_id"],
        strict=True,
    ):
        known = utterance_id
        if not pd.isna(digest):
            known = first.setdefault((digest, *map(_plain, part)), utterance_id)
        found.append(known if known != utterance_id else None)
    return pd.Series(found, dtype=object)


def refuse_too_few(quality: pd.DataFrame, max_unavailable: float) -> None:
    """Stop a run if too large a share of its rows cannot be used.

    Args:
        quality: rows of the table QUALITY.
        max_unavailable: largest share per modality that may be unavailable (0 to 1).

    Raises:
        InputError: one line with the counts per modality and reason, and a row to look at.
    """
    complaints = []
    for modality, rows in quality.groupby("modality", sort=False):
        absent = rows[~rows["available"].astype(bool)]
        if len(absent) > max_unavailable * len(rows):
            counts = ", ".join(f"{name} {count}" for name, count in count_reasons(absent).items())
            complaints.append(
                f"{modality}: {len(absent)} of {len(rows)} ({counts}), first {_example(absent)}"
            )
    if complaints:
        raise InputError(
            f"too much of the corpus cannot be used; {'; '.join(complaints)}; "
            f"corpus.max_unavailable allows {max_unavailable:.0%} per modality"
        )


def _example(rows: pd.DataFrame) -> str:
    """The first of some unavailable rows, in a few words."""
    row = rows.iloc[0]
    detail = next((row[name] for name in ("detail", "media_path") if not pd.isna(row[name])), None)
    return f"{row['utterance_id']} ({detail})" if detail else str(row["utterance_id"])


def count_reasons(rows: pd.DataFrame) -> dict[str, int]:
    """Count rows per reason, the commonest first, then by name."""
    counts = rows["reason"].dropna().value_counts()
    return {name: int(counts[name]) for name in sorted(counts.index, key=lambda n: (-counts[n], n))}


def _assess_text(utterances: pd.DataFrame) -> pd.DataFrame:
    empty = utterances["text"].map(is_blank)
    return _rows(
        utterances,
        modality="text",
        available=~empty.astype(bool),
        reason=empty.map({True: reasons.EMPTY_TEXT, False: None}),
    )


def _assess_media(utterances: pd.DataFrame, facts: pd.DataFrame, modality: str) -> pd.DataFrame:
    reason = facts[f"{modality}_reason"]
    path = utterances["media_path"]
    if modality == "audio":
        path = utterances["audio_path"].where(utterances["audio_path"].notna(), path)
    rows = _rows(
        utterances,
        modality=modality,
        available=reason.isna(),
        reason=reason,
        detail=_objects(_own_words(detail, modality) for detail in facts["detail"]),
        media_path=path,
        duration_s=facts["duration_s"],
        annotated_duration_s=utterances["annotated_duration_s"],
        duplicate_of=find_duplicates(utterances, facts, modality),
        **{name: facts[source] for name, source in FACTS_OF[modality].items()},
    )
    if modality == "audio":
        rows["speech_seen"] = _objects(_speech_seen(seconds) for seconds in facts["speech_s"])
    else:
        rows["face_share"] = _objects(_share(found) for found in facts["face_found"])
    return rows


def _rows(utterances: pd.DataFrame, **columns: object) -> pd.DataFrame:
    shared = {"utterance_id": utterances["utterance_id"], "note": utterances["note"]}
    given = pd.DataFrame(shared | columns, index=utterances.index)
    rows = given.reindex(columns=QUALITY.names).astype(object)
    return rows.where(rows.notna(), None)


def _objects(values: Iterable[object]) -> pd.Series:
    return pd.Series(list(values), dtype=object)


def _plain(value: object) -> object:
    return None if pd.isna(value) else value


def _own_words(detail: object, modality: str) -> str | None:
    """The part of a detail that is about one modality or both, without that about the other."""
    other = "video: " if modality == "audio" else "audio: "
    parts = [] if pd.isna(detail) else str(detail).split("; ")
    return "; ".join(part for part in parts if not part.startswith(other)) or None


def _speech_seen(seconds: object) -> bool | None:
    return None if pd.isna(seconds) else bool(seconds >= SHORTEST_SPEECH_S)


def _share(found: object) -> float | None:
    return float(np.mean(found)) if isinstance(found, list | np.ndarray) and len(found) else None
