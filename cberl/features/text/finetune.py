"""Fine-tuning a text encoder on the training split's labels, stopped by the dev split.

The encoder gets a linear classifier over the vector of an utterance, and both are trained with
cross-entropy (Devlin et al., NAACL 2019, section 4.1, with the pooling that extraction uses) and
AdamW; its word embeddings stay as they are. Whole dialogues (``context_turns: all``) are cut into
pieces anew in every epoch, of 1 to 12 turns, so that the encoder also learns to do with little
context. The learning rate rises over the first steps, then falls linearly to 0, which keeps short
fine-tuning stable (Mosbach et al., ICLR 2021). The weights of the epoch with the best macro-F1 on
dev are kept; the classifier is thrown away. No label of the test split is read.

Steps may be shared by several processes (torch's DistributedDataParallel), started by torchrun:
each takes its part of every batch, so that the gradient is that of the whole batch whatever
their number.

With several folds there is one encoder for each, which sees no label of the fold's dialogues.
Features of a training row come from the encoder that has not seen its label, as if it were new
(Wolpert, Stacked Generalization, Neural Networks 1992), and those of dev and test are the mean over
all encoders (`cberl.features.text.extract`). Each fold draws its own dropout, order and classifier:
encoders that err in different places gain more from being averaged (Lakshminarayanan et al.,
NeurIPS 2017).
"""

import json
import logging
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import distributed

from cberl.artifacts import read_table, read_tensors, write_table, write_tensors
from cberl.configuration import export_package_path
from cberl.corpus.labels import NO_LABEL, read_classes, read_labels
from cberl.corpus.split import rank_dialogues
from cberl.corpus.tables import UTTERANCES
from cberl.errors import InputError
from cberl.features.text.fit import LabelledText, train_encoder
from cberl.seeding import choose_device, limit_threads
from cberl.tables import HISTORY

Result = tuple[dict[str, np.ndarray], dict[str, Any], pd.DataFrame]


def finetune_text(
    utterances: str, labels_train: str, labels_dev: str, settings: dict[str, Any]
) -> Result:
    """Fine-tune the encoder.

    Args:
        utterances: table of utterances.
        labels_train, labels_dev: tables of labels.
        settings: section ``features.text`` with that of ``finetune`` in it, ``device`` and
            ``fold``, the number of the one that is held out.

    Returns:
        (weights by name float32, facts about them, table `HISTORY`).

    Raises:
        InputError: a split has no utterance with both label and text; there are more folds than
            training dialogues; the encoder cannot be had.
    """
    if settings["processes"] == 1:
        return _finetune_here(utterances, labels_train, labels_dev, settings)
    return _start_processes(
        {
            "utterances": utterances,
            "labels_train": labels_train,
            "labels_dev": labels_dev,
            "settings": settings,
        }
    )


def _finetune_here(
    utterances: str, labels_train: str, labels_dev: str, settings: dict[str, Any]
) -> Result:
    """Fine-tune in this process, or do its part if it belongs to a group."""
    table = read_table(utterances, UTTERANCES)
    classes = read_classes(labels_train)
    dialogues = table.loc[table["split"] == "train", "dialogue_id"]
    held_out = hold_out(dialogues, settings["folds"], settings["fold"], settings["seed"])
    train = _labelled(table, "train", labels_train, held_out)
    dev = _labelled(table, "dev", labels_dev)
    own_seed = {"seed": settings["seed"] + settings["fold"]}
    tensors, facts, history = train_encoder(train, dev, classes, settings | own_seed)
    return tensors, facts | {"held_out": held_out}, history


def hold_out(dialogues: Iterable[str], folds: int, fold: int, seed: int) -> list[str]:
    """The dialogues of a fold, whose labels its encoder does not see; none if it is the only one.

    Args:
        fold: its number, from 0.
        seed: the same for all folds.

    Raises:
        InputError: there are fewer dialogues than folds.
    """
    if folds == 1:
        return []
    ranked = rank_dialogues(dialogues, seed)
    if folds > len(ranked):
        raise InputError(
            f"features.text.finetune.folds: {folds} folds of {len(ranked)} training dialogues;"
            " expected at most one fold for each"
        )
    return ranked[fold::folds]


def _labelled(
    utterances: pd.DataFrame, split: str, path: str, held_out: Sequence[str] = ()
) -> LabelledText:
    """A split's utterances, and the labels of those with text outside ``held_out`` dialogues."""
    own = utterances[utterances["split"] == split].reset_index(drop=True)
    labels = read_labels(path, own["utterance_id"].to_numpy())
    has_text = (own["text"].fillna("").str.strip() != "").to_numpy()
    counts = has_text & ~own["dialogue_id"].isin(held_out).to_numpy()
    labels = np.where(counts, labels, NO_LABEL)
    if not (labels != NO_LABEL).any():
        where = f" outside the {len(held_out)} dialogues of a fold" if len(held_out) else ""
        raise InputError(f"{path}: no labelled utterance with text{where}; fine-tuning needs some")
    return LabelledText(own, labels)


def _start_processes(task: dict[str, Any]) -> Result:
    """Start torchrun on this machine and collect what its first process wrote."""
    processes = task["settings"]["processes"]
    export_package_path()
    with tempfile.TemporaryDirectory() as folder:
        paths = {name: str(Path(folder, name)) for name in ("task", "encoder", "history")}
        Path(paths["task"]).write_text(json.dumps(task | paths), encoding="utf-8")
        command = [
            *(sys.executable, "-m", "torch.distributed.run", "--standalone"),
            *("--nproc-per-node", str(processes), "-m", "cberl.features.text.finetune"),
            paths["task"],
        ]
        logging.info("fine-tuning in %d processes", processes)
        subprocess.run(command, check=True, env=os.environ | {"OMP_NUM_THREADS": "1"})
        tensors, facts = read_tensors(paths["encoder"], "encoder")
        return tensors, facts, read_table(paths["history"], HISTORY)


def _take_part(task: dict[str, Any]) -> None:
    """What each process of torchrun's does; the first one writes the result."""
    first = os.environ["RANK"] == "0"
    level = logging.INFO if first else logging.WARNING
    logging.basicConfig(level=level, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    limit_threads(1)
    cuda = choose_device(task["settings"]["device"]) == "cuda"
    if cuda:
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    distributed.init_process_group("nccl" if cuda else "gloo")
    try:
        tensors, facts, history = _finetune_here(
            task["utterances"], task["labels_train"], task["labels_dev"], task["settings"]
        )
        if first:
            write_tensors(task["encoder"], "encoder", tensors, {}, facts)
            write_table(task["history"], HISTORY, history, {})
    finally:
        distributed.destroy_process_group()


if __name__ == "__main__":
    _take_part(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
