"""Whether models can be trained and compared on a corpus: checked before any job."""

from collections.abc import Iterator, Sequence

import pandas as pd

from cberl.errors import InputError
from cberl.modalities import SPLITS

MOST_NAMES = 8
NO_TRAINING = "no label in train: no model can predict it"
NO_SCORE = "no label in test: no score shows how well it is predicted"
GAPS = {
    (): "no label in any split",
    ("dev",): NO_TRAINING,
    ("test",): NO_TRAINING,
    ("dev", "test"): NO_TRAINING,
    ("train",): "labels in train alone: no score shows how well it is predicted",
    ("train", "dev"): NO_SCORE,
    ("train", "test"): "no label in dev: epochs are chosen without it",
}
"""Splits in which a class has labels -> what follows from its absence in the others."""


def refuse_unlabelled(rows: pd.DataFrame) -> None:
    """Refuse a corpus without rows in a split, or without labels where they are learnt from.

    Args:
        rows: columns ``split`` and ``label``, null where there is none.

    Raises:
        InputError: a split has no rows, train or dev no label.
    """
    for split in SPLITS:
        if not (rows["split"] == split).any():
            raise InputError(
                f"corpus: no utterance is in split {split}; expected at least one, or no split "
                "given at all, so that all are drawn"
            )
    for split, use in (("train", "models learn from them"), ("dev", "epochs are chosen by them")):
        if rows.loc[rows["split"] == split, "label"].isna().all():
            raise InputError(
                f"corpus: no utterance of split {split} has a label; expected some, as {use}: "
                "label some, or draw other splits (corpus.split_seed, corpus.dev_share)"
            )


def refuse_one_class(labels: pd.DataFrame) -> None:
    """Refuse a corpus with a single class to learn.

    Args:
        labels: columns ``split`` and ``label``, null where there is none.

    Raises:
        InputError: all labels of split train are of one class.
    """
    classes = labels.loc[labels["split"] == "train", "label"].dropna().unique()
    if len(classes) < 2:
        raise InputError(
            f"corpus: all labels of split train are {', '.join(classes)}; expected at least two "
            "classes"
        )


def find_gaps(rows: pd.DataFrame, classes: Sequence[str]) -> Iterator[str]:
    """List what a corpus cannot show, though it can be trained on: one line for each gap.

    Args:
        rows: columns ``split``, ``dialogue`` and ``label``, null where there is none.
        classes: all classes.
    """
    labelled = {split: set(rows.loc[rows["split"] == split, "label"].dropna()) for split in SPLITS}
    if not labelled["test"]:
        yield "split test has no labels: it is predicted, and nothing is scored"
        labelled["test"] = set(classes)
    names: dict[tuple[str, ...], list[str]] = {}
    for name in classes:
        found = tuple(split for split in SPLITS if name in labelled[split])
        names.setdefault(found, []).append(name)
    for found, words in GAPS.items():
        if found in names:
            more = len(names[found]) - MOST_NAMES
            shown = ", ".join(names[found][:MOST_NAMES]) + (f" and {more} more" if more > 0 else "")
            yield f"class {shown}: {words}"
    if rows.loc[rows["split"] == "train", "dialogue"].nunique() == 1:
        yield "split train is one dialogue: models may not generalise to others"


def find_repeats(rows: pd.DataFrame) -> Iterator[str]:
    """List dialogues of dev and test that are in train too, by another name.

    They are if they have the same texts and the same pieces of media files, turn by turn. Single
    sentences without media, which people do say twice, are left out.

    Args:
        rows: columns ``split``, ``dialogue_id``, ``text`` and, if there are media, ``media_path``
            and ``media_start_s``, in the order of speaking.
    """
    text = rows["text"].fillna("").str.strip()
    has_media = rows["media_path"].notna() if "media_path" in rows else text.map(lambda _: False)
    places = [rows[name].map(str) for name in ("media_path", "media_start_s") if name in rows]
    turns = pd.DataFrame(
        {
            "dialogue": rows["dialogue_id"],
            "split": rows["split"],
            "turn": pd.Series(list(zip(text, *places, strict=True)), rows.index),
            "has_content": has_media | text.ne(""),
            "has_media": has_media,
        }
    )
    dialogues = turns.groupby("dialogue", sort=False).agg(
        split=("split", "first"),
        turns=("turn", tuple),
        count=("turn", "size"),
        has_content=("has_content", "any"),
        has_media=("has_media", "any"),
    )
    several = dialogues["has_media"] | (dialogues["count"] > 1)
    dialogues = dialogues[dialogues["has_content"] & several]
    trained = dialogues[dialogues["split"] == "train"].drop_duplicates("turns")
    in_train = dict(zip(trained["turns"], trained.index, strict=True))
    held_out = dialogues[dialogues["split"] != "train"]
    repeats = held_out[held_out["turns"].isin(in_train)]
    if len(repeats):
        yield (
            f"{len(repeats)} of {len(held_out)} dialogues of dev and test are in train too, first "
            f"{repeats.index[0]} (as {in_train[repeats['turns'].iloc[0]]}): what is scored there "
            "was trained on"
        )
