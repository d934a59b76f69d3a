"""Decoding a shard's clips, each where it can hurt no other."""

import hashlib
import time
from collections.abc import Collection, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cberl.corpus import reasons
from cberl.corpus.cage.sandbox import Garbled, Lost, Sandbox
from cberl.corpus.locate import find_file
from cberl.corpus.media.clip import decode_clip
from cberl.corpus.settings import MediaSettings
from cberl.corpus.tables import MEDIA
from cberl.log import progress
from cberl.tables import COUNT, NUMBER, TEXT

BATCH_ROWS = 64
BATCH_BYTES = 64 * 1024 * 1024
HASH_CHUNK = 1024 * 1024
KINDS = {TEXT: str, COUNT: int, NUMBER: int | float}
FACTS = {
    column.name: KINDS.get(column.dtype, list)
    for column in MEDIA.columns
    if column.name not in ("utterance_id", "audio", "frames")
}
"""What a worker reports about a clip -> its type; each may be None."""

OF_THE_REQUEST = ("sample_rate", "frames", "frame_size", "faces")
"""Settings that a worker is sent."""


def decode_clips(
    shard: pd.DataFrame, root: str | Path, settings: MediaSettings, modalities: Collection[str]
) -> Iterator[pd.DataFrame]:
    """Decode the sound and frames of every utterance of a shard.

    An utterance whose clip is absent, broken or hostile keeps its row, with a reason of
    `cberl.corpus.reasons` for each modality that it lacks.

    Args:
        shard: rows of the table UTTERANCES.
        root: folder of the corpus, which the rows' paths start at and must not leave.
        settings: how to decode.
        modalities: those to decode.

    Yields:
        Rows of the table MEDIA in the order of the shard, few enough to bound memory.
    """
    digests = _Digests(settings.time_limit_s)
    rows: list[dict[str, Any]] = []
    size = 0
    with Sandbox(decode_clip, settings.time_limit_s, settings.memory_limit_mb) as sandbox:
        utterances = shard.to_dict("records")
        for utterance in progress(utterances, len(utterances), "clips"):
            row = _decode_utterance(utterance, Path(root), settings, modalities, sandbox, digests)
            if row["detail"]:
                # The same corpus elsewhere gives the same table.
                row["detail"] = row["detail"].replace(f"{Path(root).absolute()}/", "")
            rows.append(row)
            size += _size(row)
            if len(rows) == BATCH_ROWS or size >= BATCH_BYTES:
                yield _to_frame(rows)
                rows, size = [], 0
    if rows or shard.empty:
        yield _to_frame(rows)


def _decode_utterance(
    utterance: Mapping[str, Any],
    root: Path,
    settings: MediaSettings,
    modalities: Collection[str],
    sandbox: Sandbox,
    digests: "_Digests",
) -> dict[str, Any]:
    row: dict[str, Any] = dict.fromkeys(MEDIA.names)
    row["utterance_id"] = utterance["utterance_id"]
    files: dict[str, str | None] = {}
    details: list[str] = []
    for modality, path in _named_files(utterance).items():
        files[modality] = None
        if modality not in modalities:
            row[f"{modality}_reason"] = reasons.NOT_REQUESTED
            continue
        file, reason, detail = find_file(root, path)
        row[f"{modality}_reason"] = reason
        if detail and detail not in details:
            details.append(detail)
        if file is not None:
            files[modality] = str(file)
            row[f"{modality}_sha256"] = digests.of(file)
    row["detail"] = "; ".join(details) or None
    if any(files.values()):
        _decode_into(row, _request(utterance, files, settings), sandbox)
    return row


def _named_files(utterance: Mapping[str, Any]) -> dict[str, str | None]:
    media = _value(utterance, "media_path")
    return {"audio": _value(utterance, "audio_path") or media, "video": media}


def _request(
    utterance: Mapping[str, Any], files: Mapping[str, str | None], settings: MediaSettings
) -> dict[str, Any]:
    return {
        "audio_file": files["audio"],
        "video_file": files["video"],
        "audio_apart": _value(utterance, "audio_path") is not None,
        "start_s": _value(utterance, "media_start_s"),
        "end_s": _value(utterance, "media_end_s"),
        "crop": _value(utterance, "media_crop"),
        **{name: getattr(settings, name) for name in OF_THE_REQUEST},
    }


def _decode_into(row: dict[str, Any], request: dict[str, Any], sandbox: Sandbox) -> None:
    """Decode both modalities in one pass; if that is lost, one by one, to save the other."""
    wanted = [name for name in ("audio", "video") if request[f"{name}_file"]]
    try:
        facts, blobs = sandbox.call(request, partial(check_answer, wanted))
    except Lost as lost:
        if len(wanted) == 1:
            row[f"{wanted[0]}_reason"] = lost.reason
            row["detail"] = _joined(row["detail"], f"{wanted[0]}: {lost.detail}")
            return
        for modality in wanted:
            other = "video_file" if modality == "audio" else "audio_file"
            _decode_into(row, request | {other: None}, sandbox)
        return
    detail, seconds = row["detail"], row["duration_s"] or 0.0
    row.update(facts)
    row["detail"] = _joined(detail, facts["detail"])
    row["duration_s"] = max(facts["duration_s"] or 0.0, seconds) or None
    blobs = list(blobs)
    if "audio" in wanted and facts["audio_reason"] is None:
        row["audio"] = np.frombuffer(blobs.pop(0), dtype=np.int16)
        row["sample_rate"] = request["sample_rate"]
    if "video" in wanted and facts["video_reason"] is None:
        row["frames"] = blobs


def check_answer(wanted: list[str], facts: dict[str, Any], blobs: list[bytes]) -> None:
    """Garbled unless facts and blobs are as `decode_clip` gives: a clip may have spoiled them."""
    required = {"detail", "duration_s", *(f"{name}_reason" for name in wanted)}
    fit = required <= facts.keys() <= FACTS.keys() and all(
        value is None or isinstance(value, FACTS[name]) for name, value in facts.items()
    )
    if fit:
        has_audio, has_video = (
            name in wanted and facts[f"{name}_reason"] is None for name in ("audio", "video")
        )
        fit = len(blobs) > has_audio if has_video else len(blobs) == has_audio
        if fit and has_audio:
            fit = len(blobs[0]) % np.dtype(np.int16).itemsize == 0
    if not fit:
        raise Garbled


def _joined(*details: str | None) -> str | None:
    return "; ".join(dict.fromkeys(filter(None, details))) or None


def _value(utterance: Mapping[str, Any], name: str) -> Any:
    value = utterance[name]
    return None if pd.isna(value) else value


def _size(row: Mapping[str, Any]) -> int:
    audio = 0 if row["audio"] is None else row["audio"].nbytes
    return audio + sum(map(len, row["frames"] or []))


def _to_frame(rows: list[dict[str, Any]]) -> pd.DataFrame:
    return pd.DataFrame(
        {name: pd.Series([row[name] for row in rows], dtype=object) for name in MEDIA.names}
    )


class _Digests:
    """SHA-256 of files, each read once however many utterances are cut from it.

    There is none for a file that cannot be read, or not within the time that decoding it may take.
    """

    def __init__(self, time_limit_s: float) -> None:
        self._time_limit_s = time_limit_s
        self._known: dict[Path, str | None] = {}

    def of(self, file: Path) -> str | None:
        if file not in self._known:
            try:
                self._known[file] = self._read(file)
            except OSError:
                self._known[file] = None
        return self._known[file]

    def _read(self, file: Path) -> str | None:
        deadline = time.monotonic() + self._time_limit_s
        digest = hashlib.sha256()
        with file.open("rb") as handle:
            while piece := handle.read(HASH_CHUNK):
                if time.monotonic() > deadline:
                    return None
                digest.update(piece)
        return digest.hexdigest()
