"""Where synthetic turns stand: copied training dialogues whose other turns stay as context.

A network that reads neighbouring turns learns little from a sample without a conversation.
So each new row takes the turn of a real training utterance of its own class, in a copy of that
utterance's dialogue: speakers, order and neighbours are real, only the features are new. Turns of
a copy that are not replaced carry no label, so that no real row counts twice in the loss.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import pandas as pd

from cberl.artifacts import read_table, row_positions
from cberl.corpus.labels import class_numbers
from cberl.corpus.tables import UTTERANCES
from cberl.errors import InputError
from cberl.features.read_rows import open_rows
from cberl.oversample.tables import SYNTHETIC
from cberl.oversample.target_counts import target_counts
from cberl.oversample.usable import usable_rows
from cberl.row_files import RowFiles, VectorFile
from cberl.rows import NO_LABEL, LabelledRows, join_rows

CONTEXT_TURNS = 24
"""Turns kept before the first and after the last synthetic turn of a copy. All but the longest
dialogues are copied whole; a dialogue of thousands of turns does not multiply for one of them."""

ROWS_AT_ONCE = 4096
"""Rows written at once, so that null rows of wide features never stand in memory together."""

SAMPLES_AT_ONCE = 16384
"""Samples taken at once; each time the whole training split may be read for them."""


class Samples(Protocol):
    """S rows that can be taken: `LabelledRows`, or what makes them then."""

    classes: tuple[str, ...]

    def __len__(self) -> int: ...

    def take(self, positions: slice) -> LabelledRows: ...


@dataclass(frozen=True)
class DialogueCopies:
    """Copied dialogues, R rows of which S are to be filled.

    Attributes:
        frame: columns of table SYNTHETIC but label and features, R rows in order of speaking.
        labels: classes of the rows with ``is_synthetic``, in their order, int64 [S].
    """

    frame: pd.DataFrame
    labels: np.ndarray


def read_training(
    features: Iterable[str | Path],
    scaler: str | Path,
    utterances: str | Path,
    labels: str | Path,
    target: str | int,
    seed: int,
) -> tuple[RowFiles, DialogueCopies]:
    """Open the training split and plan where its new rows stand.

    Args:
        features: tables FEATURES of the training split.
        scaler: see `cberl.features.read_rows.open_rows`.
        utterances: table UTTERANCES, of all splits.
        labels: table LABELS of the training split.
        target: rows per class, see `cberl.oversample.target_counts.target_counts`.
        seed: of the choice of places.

    Returns:
        The training rows, those without any modality as if unlabelled; and copied dialogues with
        a place for each new row.

    Raises:
        InputError: a file is not what it should be, or lacks an utterance of the features.
    """
    rows = open_rows(features, scaler, labels)
    rows = rows.with_labels(np.where(usable_rows(rows), rows.labels, NO_LABEL), rows.classes)
    table = read_table(utterances, UTTERANCES)
    train = table.iloc[row_positions(table["utterance_id"], rows.ids, utterances)]
    wanted = target_counts(rows, target)
    return rows, plan_copies(train, rows.labels, wanted, seed)


def plan_copies(
    train: pd.DataFrame, labels: np.ndarray, wanted: np.ndarray, seed: int
) -> DialogueCopies:
    """Choose which turns of which copied dialogues take synthetic features.

    Classes are processed from the scarcest (most new rows per training row) to the most
    common. For each, its dialogues are copied in turn, in a random order, until the copies made
    so far hold as many turns of the class as are wanted; which of them are replaced is then drawn
    evenly. The scarcest class decides how often a dialogue is copied; others come along with it.

    Args:
        train: rows of table UTTERANCES, all of the split train, N rows.
        labels: their class numbers, int64 [N].
        wanted: new rows per class, int64 [classes].
        seed: of the choice.

    Returns:
        DialogueCopies with exactly ``wanted`` rows of each class.

    Raises:
        InputError: a row is not of the split train.
        ValueError: rows are wanted of a class that no row has.
    """
    other = train["split"] != "train"
    if other.any():
        raise InputError(f"row {train['utterance_id'][other].iloc[0]} is not of the split train")
    generator = np.random.default_rng(seed)
    dialogues = pd.factorize(train["dialogue_id"])[0]
    order = np.lexsort((train["turn"].to_numpy(), dialogues))
    train, labels, dialogues = train.iloc[order], labels[order], dialogues[order]
    copied = _choose_dialogues(dialogues, labels, wanted, generator)

    starts = np.searchsorted(dialogues, np.arange(dialogues.max(initial=-1) + 2))
    lengths = np.diff(starts)[copied]
    rows = np.repeat(starts[copied], lengths) + _ranks(lengths)  # [R] rows of train
    copies = np.repeat(np.arange(len(copied)), lengths)  # [R] which copy
    replaced = _choose_turns(labels[rows], wanted, generator)

    kept = _near_replaced(copies, replaced, lengths)
    rows, copies, replaced = rows[kept], copies[kept], replaced[kept]
    return DialogueCopies(_describe(train, rows, copies, replaced), labels[rows[replaced]])


def _choose_dialogues(
    dialogues: np.ndarray, labels: np.ndarray, wanted: np.ndarray, generator: np.random.Generator
) -> np.ndarray:
    """Dialogue numbers to copy, int64 [copies]: enough turns of each class, none to spare."""
    holds = np.zeros((dialogues.max(initial=-1) + 1, len(wanted)), dtype=np.int64)
    labelled = labels != NO_LABEL
    np.add.at(holds, (dialogues[labelled], labels[labelled]), 1)
    totals = holds.sum(axis=0)
    chosen = [np.empty(0, dtype=np.int64)]
    supplied = np.zeros(len(wanted), dtype=np.int64)
    for number in np.argsort(-wanted / np.maximum(totals, 1), kind="stable"):
        missing = wanted[number] - supplied[number]
        if missing <= 0:
            continue
        if not totals[number]:
            raise ValueError(f"class number {number} has no training turn to take")
        candidates = np.flatnonzero(holds[:, number])
        rounds = -(-missing // totals[number])
        cycle = np.concatenate([generator.permutation(candidates) for _ in range(rounds)])
        enough = np.searchsorted(np.cumsum(holds[cycle, number]), missing) + 1
        chosen.append(cycle[:enough])
        supplied += holds[cycle[:enough]].sum(axis=0)
    return np.concatenate(chosen)


def _choose_turns(
    labels: np.ndarray, wanted: np.ndarray, generator: np.random.Generator
) -> np.ndarray:
    """Draw ``wanted`` of the copied turns of each class evenly: bool [R]."""
    replaced = np.zeros(len(labels), dtype=bool)
    for number in np.flatnonzero(wanted):
        turns = np.flatnonzero(labels == number)
        replaced[generator.choice(turns, wanted[number], replace=False)] = True
    return replaced


def _near_replaced(copies: np.ndarray, replaced: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Rows at most `CONTEXT_TURNS` outside their copy's synthetic turns: bool [R].

    A copy in which no turn was drawn has none.
    """
    ranks = _ranks(lengths)
    first = np.full(len(lengths), len(ranks) + CONTEXT_TURNS)
    last = np.full(len(lengths), -CONTEXT_TURNS - 1)
    np.minimum.at(first, copies[replaced], ranks[replaced])
    np.maximum.at(last, copies[replaced], ranks[replaced])
    return (ranks >= first[copies] - CONTEXT_TURNS) & (ranks <= last[copies] + CONTEXT_TURNS)


def _describe(
    train: pd.DataFrame, rows: np.ndarray, copies: np.ndarray, replaced: np.ndarray
) -> pd.DataFrame:
    """Name the copies: the k-th copy of dialogue D is D~k, k from 1."""
    source = train.iloc[rows]
    dialogue = source["dialogue_id"].to_numpy(dtype=object)
    utterance = source["utterance_id"].to_numpy(dtype=object)
    starts = np.flatnonzero(np.diff(copies, prepend=-1))
    number = pd.Series(dialogue[starts]).groupby(dialogue[starts]).cumcount().to_numpy() + 1
    lengths = np.diff(np.append(starts, len(copies)))
    number = np.repeat(number, lengths)
    copy = [f"{name}~{count}" for name, count in zip(dialogue, number, strict=True)]
    # An utterance's own name may hold a slash: what follows the dialogue's is all of it.
    own = [name.removeprefix(f"{place}/") for name, place in zip(utterance, dialogue, strict=True)]
    return pd.DataFrame(
        {
            "utterance_id": pd.Series(
                [f"{place}/{name}" for place, name in zip(copy, own, strict=True)], dtype=object
            ),
            "source_utterance_id": utterance,
            "dialogue_id": pd.Series(copy, dtype=object),
            "turn": _ranks(lengths).astype(np.int32),
            "speaker": source["speaker"].to_numpy(dtype=object),
            "is_synthetic": replaced,
        }
    )


def _ranks(lengths: np.ndarray) -> np.ndarray:
    """0 .. length-1 for each length, one after the other: int64 [sum of lengths]."""
    ends = np.cumsum(lengths)
    return np.arange(ends[-1] if len(ends) else 0) - np.repeat(ends - lengths, lengths)


def fill_copies(
    plan: DialogueCopies, samples: Samples
) -> Iterator[tuple[pd.DataFrame, dict[str, np.ndarray]]]:
    """Put samples into their places, piece by piece: context rows are many, and wide.

    Args:
        plan: R rows, S of them to be filled.
        samples: S rows, in the order of ``plan.labels``; made when they are taken, or before.

    Yields:
        Up to `ROWS_AT_ONCE` rows of table SYNTHETIC without vectors, and per modality a float32
        array [rows, width] that is NaN on context rows and where the sample has not that
        modality. Without any row one empty piece, which still has the widths.

    Raises:
        ValueError: there are not as many samples as places.
    """
    synthetic = plan.frame["is_synthetic"].to_numpy(dtype=bool)
    if len(samples) != synthetic.sum():
        raise ValueError(f"{len(samples)} samples for {synthetic.sum()} places")
    names = np.asarray(samples.classes, dtype=object)[plan.labels]
    parts = [
        slice(start, start + ROWS_AT_ONCE)
        for start in range(0, max(len(synthetic), 1), ROWS_AT_ONCE)
    ]
    portions = _portions(samples, [int(synthetic[part].sum()) for part in parts])
    filled = 0
    for part, portion in zip(parts, portions, strict=True):
        own = names[filled : filled + len(portion)]
        filled += len(portion)
        yield _fill(plan.frame.iloc[part], synthetic[part], portion, own)


def _portions(samples: Samples, counts: Iterable[int]) -> Iterator[LabelledRows]:
    """So many samples at a time, in order; taken in larger blocks, as each may cost a file."""
    first, used = 0, 0
    block = samples.take(slice(0, SAMPLES_AT_ONCE))
    for count in counts:
        positions = np.arange(used, used + count)
        used += count
        inside = positions < first + len(block)
        portion = block.take(positions[inside] - first)
        if not inside.all():
            first += len(block)
            block = samples.take(slice(first, first + SAMPLES_AT_ONCE))
            portion = join_rows(portion, block.take(positions[~inside] - first))
        yield portion


def _fill(
    frame: pd.DataFrame, synthetic: np.ndarray, samples: LabelledRows, names: np.ndarray
) -> tuple[pd.DataFrame, dict[str, np.ndarray]]:
    columns = {"label": _spread(names, synthetic)}
    matrices = {}
    for modality in samples.modalities:
        present = samples.available[modality]
        columns[f"{modality}_available"] = _spread(present, synthetic)
        matrix = np.full((len(frame), samples.values[modality].shape[1]), np.nan, np.float32)
        matrix[np.flatnonzero(synthetic)[present]] = samples.values[modality][present]
        matrices[modality] = matrix
    return pd.concat([frame, pd.DataFrame(columns, index=frame.index)], axis=1), matrices


def _spread(values: np.ndarray, where: np.ndarray) -> np.ndarray:
    """Values in the rows ``where``, None in the others: object [rows]."""
    spread = np.full(len(where), None, dtype=object)
    spread[where] = values
    return spread


def open_synthetic(
    path: str | Path, modalities: Sequence[str], classes: Sequence[str] = ()
) -> RowFiles:
    """Open the generated rows of table SYNTHETIC, without the context around them.

    Args:
        path: the table.
        modalities: whose features to read.
        classes: names of the classes; without them the rows come without labels.

    Raises:
        InputError: the file is absent, not of that kind, or lacks a modality.
    """
    names = [f"{modality}_available" for modality in modalities]
    frame = read_table(path, SYNTHETIC, ["utterance_id", "label", "is_synthetic", *names])
    made = np.flatnonzero(frame["is_synthetic"])
    rows = frame.iloc[made]
    samples = RowFiles(
        {modality: VectorFile(path, modality) for modality in modalities},
        made,
        rows["utterance_id"].to_numpy(dtype=object),
        {
            modality: rows[name].to_numpy(dtype=bool)
            for modality, name in zip(modalities, names, strict=True)
        },
        np.full(len(made), NO_LABEL),
    )
    if not classes:
        return samples
    return samples.with_labels(class_numbers(rows["label"], list(classes)), classes)
