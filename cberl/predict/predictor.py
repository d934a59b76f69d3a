"""The path of a conversation through a bundle, by the code that training went through.

Turns are decoded (`cberl.corpus.media`), encoded (`cberl.features`), scaled with the training rows'
statistics, fused (`cberl.fuse`), laid out as a graph (`cberl.graph`) and classified by the
networks of all seeds (`cberl.train`), each at its own temperature. The seeds' log-probabilities are
averaged, a geometric mean of their probabilities (Hinton, Products of Experts, ICANN 1999).
"""

import ctypes
import logging
import tempfile
from collections.abc import Iterator
from pathlib import Path
from queue import Queue
from threading import Thread
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from cberl.artifacts import write_table
from cberl.corpus import reasons
from cberl.corpus.media.decode import decode_clips
from cberl.corpus.settings import MediaSettings
from cberl.corpus.tables import MEDIA
from cberl.errors import InputError
from cberl.features.scaler import scale_rows
from cberl.features.text.extract import log_softmax
from cberl.graph.conversations import assemble
from cberl.graph.edges import build_edges, list_nodes
from cberl.modalities import MODALITIES
from cberl.predict.bundle.load import Models
from cberl.predict.new_conversations import NEW, NewConversations
from cberl.predict.prediction import Prediction, make_prediction
from cberl.rows import LabelledRows
from cberl.seeding import torch_threads
from cberl.settings import read_settings
from cberl.train.predict import predict_classes

Item = TypeVar("Item")
UNREAD = (reasons.MISSING, reasons.OUTSIDE_ROOT, reasons.UNREADABLE)
"""Why a file that a turn names is not used, where the user can do something about it."""


def predict_conversations(
    models: Models, new: NewConversations, keep_encoders: bool = True
) -> Prediction:
    """Predict every turn of new conversations.

    Memory is bounded by a piece of the recording at a time, whatever its length.

    Args:
        keep_encoders: have them ready for the next conversations, in memory.

    Raises:
        InputError: no turn has any of the modalities that the bundle reads, or another bundle
            stands in its place since it was opened.
    """
    models.check_unchanged()
    # As in the jobs of a run: sums over threads differ, and near-constant features magnify that.
    with torch_threads(1):
        features, why, seconds = extract_features(models, new)
        _note_unread_media(new, why)
        if not keep_encoders:
            models.release_encoders()
            _return_freed_memory()
        log_probabilities = classify(models, new.utterances, features)
    return make_prediction(
        _rows_of(new, features, why, seconds),
        log_probabilities,
        models.manifest.classes,
        models.describe(),
    )


def extract_features(
    models: Models, new: NewConversations
) -> tuple[LabelledRows, dict[str, np.ndarray], np.ndarray]:
    """Decode and encode.

    Returns:
        scaled features of N turns; modality -> why it is not available, object [N], one of the
        codes of `cberl.corpus.reasons` or None; seconds that were decoded, float64 [N], NaN where
        nothing was.

    Raises:
        InputError: no turn has any of the modalities that the bundle reads.
    """
    ids = new.utterances["utterance_id"].to_numpy(dtype=object)
    vectors, why, seconds = extract_media(models, new)
    if models.text is not None:
        pieces = [features for _, features in models.text.extract(new.utterances)]
        vectors["text"] = np.concatenate(pieces)
        _return_freed_memory()
        why["text"] = np.where(np.isnan(vectors["text"]).all(axis=1), reasons.EMPTY_TEXT, None)
    wanted = models.manifest.modalities
    if all(np.isnan(vectors[modality]).all() for modality in wanted):
        found = sorted({str(reason) for modality in wanted for reason in why[modality]})
        source = " (text: of a transcript or a table)" if "text" in wanted else ""
        raise InputError(
            f"{new.names.iloc[0]}: has none of what the bundle reads ({', '.join(wanted)}):"
            f" {', '.join(found)}; expected one of them in one turn at least{source}"
        )
    rows = scale_rows(ids, {modality: vectors[modality] for modality in wanted}, models.scale)
    return rows, why, seconds


def extract_media(
    models: Models, new: NewConversations
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray], np.ndarray]:
    """Decode and encode sound and pictures, a piece at a time.

    Returns:
        modality -> unscaled vectors float32 [N, width], NaN where unavailable; modality -> why;
        seconds that were decoded; the last two as in `extract_features`.
    """
    names = [name for name in ("audio", "video") if name in models.manifest.modalities]
    count = len(new.utterances)
    vectors = {
        name: np.full((count, len(models.scale[f"{name}.mean"])), np.nan, dtype=np.float32)
        for name in names
    }
    why = {name: np.full(count, reasons.MISSING, dtype=object) for name in names}
    seconds = np.full(count, np.nan)
    has_media = new.utterances[["media_path", "audio_path"]].notna().any(axis=1)
    rows = np.flatnonzero(has_media)
    if not names or not len(rows):
        return vectors, why, seconds
    extractors = {name: getattr(models, name) for name in names}
    settings = read_settings(MediaSettings, models.manifest.media)
    pieces = decode_clips(new.utterances.iloc[rows], new.root, settings, tuple(extractors))
    done = 0
    with tempfile.TemporaryDirectory(prefix="cberl-") as folder:
        media = Path(folder) / "media.parquet"
        # One piece is decoded, in a process of its own, while the one before it is encoded.
        for piece in _ahead(pieces):
            own = rows[done : done + len(piece)]
            done += len(piece)
            seconds[own] = piece["duration_s"].astype(float)
            write_table(media, MEDIA, piece, {})
            for name, extractor in extractors.items():
                found = np.concatenate([features for _, features in extractor.extract(media)])
                vectors[name][own] = found
                why[name][own] = _reasons(piece[f"{name}_reason"], found)
            _return_freed_memory()
    return vectors, why, seconds


def _note_unread_media(new: NewConversations, why: dict[str, np.ndarray]) -> None:
    """Note on the terminal which turns name files that are not used for them."""
    has = new.utterances[["media_path", "audio_path"]].notna()
    named = {"audio": has.any(axis=1), "video": has["media_path"]}
    for modality in (name for name in named if name in why):
        unread = (named[modality] & pd.Series(why[modality]).isin(UNREAD)).to_numpy()
        if unread.any():
            first = int(np.argmax(unread))
            logging.warning(
                "%s of %d turns is not used, first %s: %s",
                *(modality, unread.sum()),
                new.utterances["utterance_id"].iloc[first].removeprefix(f"{NEW}/"),
                reasons.REASONS[why[modality][first]],
            )


def classify(models: Models, utterances: pd.DataFrame, features: LabelledRows) -> np.ndarray:
    """Calibrated log-probabilities of the seeds together: float64 [N, K].

    Args:
        utterances: table UTTERANCES [N]; dialogue after dialogue, each in the order of turns.
        features: of the same rows.
    """
    settings = models.manifest.graph
    nodes = list_nodes(utterances, pd.DataFrame(), NEW)
    edges = build_edges(nodes, settings["past_window"], settings["future_window"])
    total = np.zeros((len(nodes), len(models.manifest.classes)))
    for position, network in enumerate(models.networks):
        latents = models.fuse(position, features)
        graph = assemble(nodes, latents, features.labels, edges, models.manifest.online)
        frame, probabilities = predict_classes(network, graph, models.manifest.classes)
        order = pd.Index(frame["utterance_id"]).get_indexer(utterances["utterance_id"])
        with np.errstate(divide="ignore"):  # a class without a training row has probability 0
            total += np.log(probabilities[order].astype(np.float64))
    return log_softmax(total / len(models.networks))


def _reasons(decoded: pd.Series, features: np.ndarray) -> np.ndarray:
    """The decoder's reasons; what was decoded but has no vector was too short to be encoded."""
    absent = np.isnan(features).all(axis=1)
    known = decoded.to_numpy(dtype=object)
    return np.where(absent & pd.isna(known), reasons.TOO_SHORT, known)


def _rows_of(
    new: NewConversations, features: LabelledRows, why: dict[str, np.ndarray], seconds: np.ndarray
) -> pd.DataFrame:
    """The columns of table TURNS about the turns themselves."""
    utterances = new.utterances
    start_s, end_s = _lay_end_to_end(new, seconds)
    rows = pd.DataFrame(
        {
            "conversation": new.names,
            "turn": utterances["turn"].astype(int),
            "utterance": [
                name.removeprefix(f"{dialogue}/")
                for dialogue, name in zip(
                    utterances["dialogue_id"], utterances["utterance_id"], strict=True
                )
            ],
            "start_s": start_s,
            "end_s": end_s,
            "speaker": utterances["speaker"],
            "text": utterances["text"],
            "note": _notes_of(new, features),
            "media_path": _rooted(new.root, utterances["media_path"]),
            "media_start_s": utterances["media_start_s"].astype(float),
            "media_end_s": utterances["media_end_s"].astype(float),
            "audio_path": _rooted(new.root, utterances["audio_path"]),
        }
    )
    for modality in MODALITIES:
        if modality in features.available:
            available, reason = features.available[modality], why[modality]
        else:
            available, reason = False, reasons.NOT_REQUESTED
        rows[f"{modality}_available"] = available
        rows[f"{modality}_reason"] = reason
    return rows


def _rooted(root: Path, paths: pd.Series) -> list[str | None]:
    """Paths under a folder; none stays none."""
    return [None if pd.isna(path) else str(root / path) for path in paths]


def _notes_of(new: NewConversations, features: LabelledRows) -> np.ndarray:
    """The notes of the turns, and of those from which nothing could be read."""
    nothing = "nothing of it could be read: predicted from the turns around it alone"
    return np.array(
        [
            note if seen else "; ".join(filter(None, (note, nothing)))
            for note, seen in zip(new.notes, features.present, strict=True)
        ],
        dtype=object,
    )


def _lay_end_to_end(new: NewConversations, seconds: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Starts and ends; clips of a conversation without times follow one upon the other."""
    start_s, end_s = new.start_s.copy(), new.end_s.copy()
    for rows in new.utterances.groupby("dialogue_id", sort=False).indices.values():
        if np.isnan(start_s[rows]).all():
            ends = np.nancumsum(seconds[rows])
            start_s[rows], end_s[rows] = ends - seconds[rows], ends + 0 * seconds[rows]
    return start_s, end_s


def _return_freed_memory() -> None:
    """Give what was freed back to the system, where the C library can (glibc).

    Between tensors that stay it would keep more and more, piece after piece of a long recording.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def _ahead(items: Iterator[Item]) -> Iterator[Item]:
    """The same items, each made in another thread while the previous one is processed."""
    waiting: Queue[tuple[str, Any]] = Queue(maxsize=1)

    def work() -> None:
        try:
            for item in items:
                waiting.put(("item", item))
            waiting.put(("end", None))
        except BaseException as error:
            waiting.put(("error", error))

    Thread(target=work, daemon=True).start()
    while True:
        what, value = waiting.get()
        if what == "end":
            return
        if what == "error":
            raise value
        yield value
