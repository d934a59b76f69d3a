"""All that a finished run has to show, read once for every section of the report."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from cberl.artifacts import read_header, read_table
from cberl.corpus.tables import LABELS, QUALITY, UTTERANCES
from cberl.evaluate.tables import SCORED
from cberl.oversample.tables import SYNTHETIC, SYNTHETIC_QUALITY
from cberl.report.findings import Evaluation, read_evaluation
from cberl.tables import HISTORY


class Place(NamedTuple):
    """Where a file lies in ``results/{corpus}/{stage}/{name}/``, or ``seed{seed}/`` in it.

    For a text encoder's ``fold{fold}/`` the fold is part of the name.
    """

    stage: str
    name: str
    seed: int | None


@dataclass(frozen=True)
class Run:
    """A finished run.

    Attributes:
        config: the whole configuration.
        variants: variant -> its row of the variants table.
        utterances: the corpus, with the column ``label`` beside those of its table.
        quality: the table of quality.
        encoders: modality -> facts about the encoder of its features.
        synthetic: place -> columns label and is_synthetic of the synthetic utterances.
        synthetic_quality: place -> their table of quality.
        histories: place -> a training run's history.
        choices: place -> what was chosen after that training, see
            `cberl.train.network.ConversationNetwork`.
        latents: place -> split -> path of its latents.
        provenance: of the report itself.
    """

    evaluation: Evaluation
    config: Mapping[str, Any]
    variants: Mapping[str, Mapping[str, Any]]
    utterances: pd.DataFrame
    quality: pd.DataFrame
    encoders: Mapping[str, Mapping[str, Any]]
    synthetic: Mapping[Place, pd.DataFrame]
    synthetic_quality: Mapping[Place, pd.DataFrame]
    histories: Mapping[Place, pd.DataFrame]
    choices: Mapping[Place, Mapping[str, Any]]
    latents: Mapping[Place, Mapping[str, Path]]
    provenance: Mapping[str, Any]


def read_run(
    evaluation: Mapping[str, str | Path],
    corpus: Mapping[str, str | Path],
    labels_train: str | Path,
    features: Iterable[str | Path],
    synthetic: Iterable[str | Path],
    synthetic_quality: Iterable[str | Path],
    histories: Iterable[str | Path],
    latents: Iterable[str | Path],
    settings: Mapping[str, Any],
    provenance: Mapping[str, Any],
) -> Run:
    """Read what the report shows.

    Args:
        evaluation: the evaluate stage's tables by their names.
        corpus: ``utterances`` and ``quality``.
        labels_train: labels of the training split; those of dev and test are in the evaluation.
        features: one table per modality, for its metadata.
        synthetic, synthetic_quality, histories, latents: tables in folders as of `Place`.
        settings: ``config`` and ``variants``.

    Raises:
        InputError: a file is absent or of another kind.
    """
    scored = read_table(evaluation["scored"], SCORED, ["utterance_id", "label"])
    histories = list(histories)
    truth = pd.concat([read_table(labels_train, LABELS), scored.drop_duplicates("utterance_id")])
    utterances = read_table(corpus["utterances"], UTTERANCES)
    columns = ["utterance_id", "label", "is_synthetic"]
    return Run(
        evaluation=read_evaluation(evaluation),
        config=settings["config"],
        variants=settings["variants"],
        utterances=utterances.merge(truth, on="utterance_id", how="left", validate="1:1"),
        quality=read_table(corpus["quality"], QUALITY),
        encoders={Path(path).parent.name: read_header(path)["metadata"] for path in features},
        synthetic={place_of(path): read_table(path, SYNTHETIC, columns) for path in synthetic},
        synthetic_quality={
            place_of(path): read_table(path, SYNTHETIC_QUALITY) for path in synthetic_quality
        },
        histories={place_of(path): read_table(path, HISTORY) for path in histories},
        choices={place_of(path): read_header(path)["metadata"] for path in histories},
        latents=_by_split(latents),
        provenance=provenance,
    )


def _by_split(paths: Iterable[str | Path]) -> dict[Place, dict[str, Path]]:
    found: dict[Place, dict[str, Path]] = {}
    for path in paths:
        found.setdefault(place_of(path), {})[Path(path).stem] = Path(path)
    return found


def place_of(path: str | Path) -> Place:
    """Read stage, name (with a fold in it) and seed from a path of ``results/``."""
    *folders, last, _ = Path(path).parts
    if last.startswith("seed"):
        return Place(folders[-2], folders[-1], int(last.removeprefix("seed")))
    if last.startswith("fold"):
        return Place(folders[-2], f"{folders[-1]} {last}", None)
    return Place(folders[-1], last, None)
