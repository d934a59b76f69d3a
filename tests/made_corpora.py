"""Small corpora in the exact layouts of each kind, made where a test wants them."""

import csv
import json
import pickle
from dataclasses import replace

import numpy as np

from cberl.corpus.settings import CorpusSettings

MELD_HEADER = [
    *("Sr No.", "Utterance", "Speaker", "Emotion", "Sentiment", "Dialogue_ID", "Utterance_ID"),
    *("Season", "Episode", "StartTime", "EndTime"),
]
MELD_CLIP_FOLDERS = {
    "train": "train_splits",
    "dev": "dev_splits_complete",
    "test": "output_repeated_splits_test",
}
SETTINGS = {
    kind: CorpusSettings(name="made", kind=kind, root="made")
    for kind in ("meld", "iemocap", "table", "features")
}
SETTINGS["features"] = replace(SETTINGS["features"], file="IEMOCAP_features.pkl")


def corpus_section(kind, name, root, **keys):
    """The section ``corpus`` of a configuration, as a user writes it."""
    file = {"file": SETTINGS[kind].file} if kind in ("table", "features") else {}
    return {"name": name, "kind": kind, "root": root, **file, **keys}


IEMOCAP_CODES = ("hap", "sad", "neu", "ang", "exc", "fru", "xxx")


def meld_row(dialogue, utterance, text="Hello.", speaker="Ross", emotion="neutral", **times):
    start, end = times.get("start", "0:00:01,000"), times.get("end", "00:00:02,500")
    return [1, text, speaker, emotion, "neutral", dialogue, utterance, 1, 2, start, end]


def write_meld_csv(path, rows, encoding="utf-8", header=MELD_HEADER):
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding=encoding) as handle:
        csv.writer(handle, lineterminator="\r\n").writerows([header, *rows])


def make_clips(folder, names):
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).write_bytes(b"clip")


def make_meld(root):
    """Two turns per split, with their clips."""
    for split, folder in MELD_CLIP_FOLDERS.items():
        write_meld_csv(
            root / f"{split}_sent_emo.csv", [meld_row(0, 0), meld_row(0, 1, emotion="joy")]
        )
        make_clips(root / folder, ["dia0_utt0.mp4", "dia0_utt1.mp4"])


def iemocap_dialogue(root, name, turns):
    """One dialogue of the release; turns are (utterance, start, end, text, emotion or None)."""
    session = root / f"Session{int(name[3:5])}"
    folders = {
        part: session / part
        for part in ("dialog/transcriptions", "dialog/EmoEvaluation", "dialog/avi/DivX")
    } | {"wav": session / "sentences/wav" / name}
    for folder in folders.values():
        folder.mkdir(parents=True, exist_ok=True)
    lines, ratings = [], ["% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]", ""]
    for utterance, start, end, text, emotion in turns:
        if text is not None:
            lines.append(f"{name}_{utterance} [{start:08.4f}-{end:08.4f}]: {text}")
        if emotion is not None:
            ratings += [
                f"[{start:.4f} - {end:.4f}]\t{name}_{utterance}\t{emotion}\t[2.5, 2.5, 2.5]",
                "C-E2:\tNeutral;\t()",
                "A-E3:\tval 3; act 2; dom  2;\t()",
                "",
            ]
        make_clips(folders["wav"], [f"{name}_{utterance}.wav"])
    (folders["dialog/transcriptions"] / f"{name}.txt").write_text("\n".join(lines) + "\n")
    (folders["dialog/EmoEvaluation"] / f"{name}.txt").write_text("\n".join(ratings) + "\n")
    make_clips(folders["dialog/avi/DivX"], [f"{name}.avi"])


def make_iemocap(root):
    """Five sessions of three dialogues, of seven turns each, one of every emotion."""
    for session in range(1, 6):
        for name in (f"Ses0{session}F_impro01", f"Ses0{session}M_script01_1", "b"):
            name = f"Ses0{session}M_script01_1b" if name == "b" else name
            turns = [
                (f"{'FM'[turn % 2]}{turn:03d}", turn * 2.5, turn * 2.5 + 2, f"Turn {turn}.", code)
                for turn, code in enumerate(IEMOCAP_CODES)
            ]
            iemocap_dialogue(root, name, turns)


def table_rows():
    """Ten dialogues of two turns."""
    return [
        {
            "dialogue": f"d{dialogue}",
            "utterance": f"u{turn}",
            "speaker": "AB"[turn],
            "text": f"It’s {turn}.",
            "label": ["calm", "cross"][(dialogue + turn) % 2],
        }
        for dialogue in range(10)
        for turn in range(2)
    ]


def write_table(path, rows):
    """Write rows in the format that the file's suffix names."""
    if path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    elif path.suffix == ".parquet":
        import pyarrow as pa
        import pyarrow.parquet as pq

        pq.write_table(pa.Table.from_pylist(rows), path)
    else:
        delimiter = {".tsv": "\t", ".csv": ","}[path.suffix]
        with path.open("w", newline="", encoding="utf-8") as handle:
            writer = csv.DictWriter(handle, list(rows[0]), delimiter=delimiter, restval="")
            writer.writeheader()
            writer.writerows(rows)


def published_fields(widths=(("text", 4), ("audio", 3), ("video", 2))):
    """What IEMOCAP_features.pkl holds, small: five training dialogues, one of test, by name."""
    random = np.random.default_rng(0)
    names = [f"Ses0{session}F_impro01" for session in range(1, 6)] + ["Ses05M_impro02"]
    turns = ("F000", "M000", "F001")
    fields = {
        "ids": {name: [f"{name}_{turn}" for turn in turns] for name in names},
        "speakers": {name: ["F", "M", "F"] for name in names},
        "labels": {name: [number % 6, (number + 1) % 6, 2] for number, name in enumerate(names)},
        "sentences": {name: ["Hello.", "Who’s there?", "Me."] for name in names},
        "train": names[:5],
        "test": names[5:],
    }
    for modality, width in widths:
        fields[modality] = {name: [random.standard_normal(width) for _ in turns] for name in names}
    return fields


def matrices_of(published):
    """All features of a `FeatureFile`: modality -> float32 [N, width]."""
    return {name: matrix_of(published, name) for name in published.vectors}


def matrix_of(published, modality):
    """All features of one modality: float32 [N, width]."""
    return np.concatenate([matrix for matrix, _ in published.pieces(modality)])


def reasons_of(published):
    """Why each row of a `FeatureFile` has no features, by modality."""
    return {
        name: [reason for _, reasons in published.pieces(name) for reason in reasons]
        for name in published.vectors
    }


def iemocap_tuple(fields):
    order = ("ids", "speakers", "labels", "text", "audio", "video", "sentences", "train", "test")
    return tuple(fields[name] for name in order)


def make_table(root):
    write_table(root / "utterances.tsv", table_rows())


def make_features(root):
    content = iemocap_tuple(published_fields())
    (root / "IEMOCAP_features.pkl").write_bytes(pickle.dumps(content, protocol=2))


MAKERS = {
    "meld": make_meld,
    "iemocap": make_iemocap,
    "table": make_table,
    "features": make_features,
}
