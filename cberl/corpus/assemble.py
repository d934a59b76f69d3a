"""From a reader's rows to the corpus that every later stage sees, whatever its kind."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pandas as pd

from cberl.corpus.blank_text import is_blank
from cberl.corpus.tables import UTTERANCES
from cberl.corpus.trainable import find_gaps, find_repeats, refuse_unlabelled
from cberl.errors import InputError
from cberl.modalities import SPLITS
from cberl.printable import has_control

REQUIRED = ("split", "dialogue", "utterance", "speaker", "text", "label", "where")
"""Columns that every reader gives; the others of `UTTERANCES` are null if it does not."""

_NAME_OF_COPY = re.compile(r"~\d+(?:/|$)")  # before a slash too: it may part dialogue and utterance


@dataclass(frozen=True)
class Corpus:
    """Conversations and, separately, their labels.

    Attributes:
        utterances: table `UTTERANCES`, by split, dialogue and turn.
        classes: names of the classes in the order of their numbers.
        labels: ``utterance_id``, ``split`` and ``label`` (null: context only), same rows.
        notices: what the owner of the corpus should know of how it was read, a line each.
        split_by: what stays together in a split, and is resampled for intervals: ``dialogue``,
            ``speaker`` or ``group``; column ``split_group`` of the utterances names it.
        published: modalities that a file of features has; empty for other corpora.
    """

    utterances: pd.DataFrame
    classes: list[str]
    labels: pd.DataFrame
    notices: tuple[str, ...] = ()
    split_by: str = "dialogue"
    published: tuple[str, ...] = ()

    def labels_of(self, split: str) -> pd.DataFrame:
        """Table `LABELS` of one split."""
        rows = self.labels["split"] == split
        return self.labels.loc[rows, ["utterance_id", "label"]].reset_index(drop=True)


def assemble_corpus(
    rows: pd.DataFrame,
    classes: Sequence[str],
    notices: Iterable[str] = (),
    split_by: str = "dialogue",
) -> Corpus:
    """Name, number and check utterances.

    Splits come in their fixed order, dialogues in the order of their first row, the turns of a
    dialogue in the order of its rows.

    Args:
        rows: one row per utterance with the columns of `REQUIRED`, and those of `UTTERANCES` that
            the corpus has. ``dialogue`` and ``utterance`` are the corpus's own names, unique
            within a split; ``label`` is null where there is none; ``where`` is the place of
            the row ("train.csv: line 7").
        classes: the labels that are allowed, in the order of their numbers.
        notices: remarks of the reader.
        split_by: what ``split_group`` in the rows is: dialogue, speaker or group. Without that
            column each dialogue is a group of its own.

    Raises:
        InputError: a key repeats, a dialogue has the name of a copy, a label is not among the
            classes, a class has a control character in its name, a split has no rows, train or dev
            no label.
    """
    _refuse_unprintable(classes)
    rows = name_utterances(rows)
    refuse_repeated_keys(rows)
    _refuse_names_of_copies(rows)
    _refuse_unknown_labels(rows, classes)
    refuse_unlabelled(rows)
    rows["text"] = rows["text"].mask(rows["text"].map(is_blank), "")
    rows = number_turns(rows)
    if split_by == "dialogue":
        rows["split_group"] = rows["dialogue_id"]
    return Corpus(
        utterances=rows.reindex(columns=UTTERANCES.names),
        classes=list(classes),
        labels=rows[["utterance_id", "split", "label"]].copy(),
        notices=(*notices, *find_gaps(rows, classes), *find_repeats(rows)),
        split_by=split_by,
    )


def name_utterances(rows: pd.DataFrame) -> pd.DataFrame:
    """Add ``dialogue_id`` and ``utterance_id`` to rows."""
    dialogue_ids = rows["split"] + "/" + rows["dialogue"]
    return rows.assign(
        dialogue_id=dialogue_ids, utterance_id=dialogue_ids + "/" + rows["utterance"]
    )


def number_turns(rows: pd.DataFrame) -> pd.DataFrame:
    """Put rows into the order that `assemble_corpus` gives them and add ``turn``."""
    rows = rows.iloc[_reading_order(rows)].reset_index(drop=True)
    return rows.assign(turn=rows.groupby("dialogue_id", sort=False).cumcount())


def _reading_order(rows: pd.DataFrame) -> pd.Index:
    """Positions by split, then by first appearance of the dialogue; else as they stand."""
    order = pd.DataFrame(
        {
            "split": rows["split"].map({split: rank for rank, split in enumerate(SPLITS)}),
            "dialogue": pd.factorize(rows["dialogue_id"])[0],
        }
    ).reset_index(drop=True)
    return order.sort_values(["split", "dialogue"], kind="stable").index


def refuse_repeated_keys(rows: pd.DataFrame) -> None:
    """Raise `InputError` if two rows have the same ``utterance_id``."""
    repeated = rows["utterance_id"].duplicated()
    if not repeated.any():
        return
    second = rows[repeated].iloc[0]
    first = rows[rows["utterance_id"] == second["utterance_id"]].iloc[0]
    raise InputError(
        f"{second['where']}: key {second['utterance_id']!r} (split/dialogue/utterance) was already "
        f"used at {first['where']}; expected each key once"
    )


def _refuse_names_of_copies(rows: pd.DataFrame) -> None:
    """Oversampling calls the third copy of dialogue 12 ``12~3``: no recorded one may be."""
    alike = rows["dialogue"].str.contains(_NAME_OF_COPY)
    if alike.any():
        row = rows[alike].iloc[0]
        raise InputError(
            f"{row['where']}: dialogue {row['dialogue']!r} is named like a copy of a training "
            "dialogue; expected no ~ and number at the end or before a /"
        )


def _refuse_unprintable(classes: Sequence[str]) -> None:
    """Classes are printed, and name rows of tables and views of figures."""
    for name in classes:
        if has_control(name):
            raise InputError(
                f"class {name!r} has a line break or another control character in its name;"
                " expected printable text (corpus.labels can rename it)"
            )


def _refuse_unknown_labels(rows: pd.DataFrame, classes: Sequence[str]) -> None:
    unknown = rows["label"].notna() & ~rows["label"].isin(list(classes))
    if unknown.any():
        row = rows[unknown].iloc[0]
        raise InputError(
            f"{row['where']}: label {row['label']!r}; expected one of {', '.join(classes)} "
            "(corpus.labels renames a label, or makes it context)"
        )
