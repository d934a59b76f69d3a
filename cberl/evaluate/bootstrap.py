"""How certain the scores are: a bootstrap over the units that the split was drawn by.

Utterances of a dialogue depend on each other, and so do dialogues of a speaker or of a session, so
whole groups are drawn with replacement: dialogues, speakers or the corpus's own groups, whatever
stays together in a split (the cluster bootstrap: Davison and Hinkley, "Bootstrap Methods and their
Application", 1997, section 3.8). A resample is only how often each group counts; with one
confusion matrix per group, the matrices of all resamples are one matrix product.

With few groups, a bootstrap finds less spread than there is. Intervals are expanded percentile
intervals and p-values are corrected alike (Hesterberg, "What Teachers Should Know About the
Bootstrap", The American Statistician 69(4), 2015): with 4 groups an interval reaches to the worst
and the best of them, with 280 the change is invisible. One group has no interval.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from cberl.evaluate.predictions import ModelPredictions
from cberl.f1 import f1_of_counts
from cberl.tables import ALL_CLASSES

CLASS_METRICS = ("precision", "recall", "f1")
MEAN_METRICS = ("weighted_f1", "macro_f1", "uar", "accuracy")


def list_scores(classes: Sequence[str]) -> list[tuple[str, str]]:
    """Names (class, metric) of the columns that `score_confusions` gives: [3K + 4]."""
    return [(name, metric) for metric in CLASS_METRICS for name in classes] + [
        (ALL_CLASSES, metric) for metric in MEAN_METRICS
    ]


@dataclass(frozen=True)
class Resampled:
    """Scores of a split, and of its resamples.

    Attributes:
        scores: float64 [M].
        resampled: float64 [resamples, M]; NaN where a score is undefined.
        groups: how many groups were drawn from.
    """

    scores: np.ndarray
    resampled: np.ndarray
    groups: int

    def __sub__(self, other: "Resampled") -> "Resampled":
        """The differences from other scores of the same groups, resampled alike."""
        return Resampled(self.scores - other.scores, self.resampled - other.resampled, self.groups)


def draw_groups(groups: int, resamples: int) -> np.ndarray:
    """How often each group counts in each resample: float64 [resamples, groups].

    The same draw at every call, so that all models are compared on the same groups.
    """
    chances = np.full(groups, 1 / groups)
    return np.random.default_rng(0).multinomial(groups, chances, size=resamples).astype(float)


def group_confusions(model: ModelPredictions, classes: int) -> np.ndarray:
    """One confusion matrix per group with a label in it: float64 [groups, K, K]."""
    labelled = model.labelled
    groups = model.utterances["split_group"].to_numpy()[labelled]
    numbers = np.unique(groups, return_inverse=True)[1]
    count = int(numbers.max(initial=-1)) + 1
    cells = (numbers * classes + model.truth[labelled]) * classes
    cells += model.predicted[labelled]
    matrices = np.bincount(cells, minlength=count * classes**2)
    return matrices.reshape(count, classes, classes).astype(float)


def score_confusions(matrices: np.ndarray) -> np.ndarray:
    """Scores of confusion matrices, as scikit-learn defines them.

    Args:
        matrices: [..., K, K], rows the truth.

    Returns:
        [..., 3K + 4] in the order of `list_scores`; NaN for a class without an utterance, which
        the means leave out.
    """
    hits = np.diagonal(matrices, axis1=-2, axis2=-1)  # [..., K]
    support, predicted = matrices.sum(axis=-1), matrices.sum(axis=-2)  # [..., K] each
    present = support > 0
    filled = np.where(present, support, np.nan)
    precision = np.where(present, hits / np.maximum(predicted, 1), np.nan)
    recall = hits / filled
    f1 = f1_of_counts(hits, filled, predicted)
    classes, total = present.sum(axis=-1), support.sum(axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        means = [
            np.nansum(f1 * support, axis=-1) / total,
            np.nansum(f1, axis=-1) / classes,
            np.nansum(recall, axis=-1) / classes,
            hits.sum(axis=-1) / total,
        ]
    return np.concatenate([precision, recall, f1, np.stack(means, axis=-1)], axis=-1)


def bootstrap_scores(models: Sequence[ModelPredictions], classes: int, resamples: int) -> Resampled:
    """Scores of models on a split, and on its resampled groups, as means over the models.

    Args:
        models: the same split under several seeds.

    Returns:
        M = 3K + 4 scores in the order of `list_scores`.
    """
    confusions = np.stack([group_confusions(one, classes) for one in models])  # [S, G, K, K]
    seeds, groups = confusions.shape[:2]
    scores = score_confusions(confusions.sum(axis=1)).mean(axis=0)
    if not groups:
        return Resampled(scores, np.full((resamples, len(scores)), np.nan), 0)
    weights = draw_groups(groups, resamples)
    drawn = weights @ confusions.reshape(seeds, groups, -1)  # [S, R, K * K]
    matrices = drawn.reshape(seeds, resamples, classes, classes)
    return Resampled(scores, score_confusions(matrices).mean(axis=0), groups)


def interval(drawn: Resampled, confidence: float) -> tuple[np.ndarray, np.ndarray]:
    """Expanded percentile interval of each score: lower [M] and upper [M].

    Resamples in which a score is undefined (NaN) are left out; NaN if all are, and with one group.
    """
    ends = np.full((2, len(drawn.scores)), np.nan)
    if drawn.groups > 1:
        degrees = drawn.groups - 1
        reach = special.stdtrit(degrees, (1 + confidence) / 2) * np.sqrt(drawn.groups / degrees)
        tail = special.ndtr(-reach)
        defined = ~np.isnan(drawn.resampled).all(axis=0)
        quantiles = np.nanquantile(drawn.resampled[:, defined], [tail, 1 - tail], axis=0)
        ends[:, defined] = quantiles
    return ends[0], ends[1]


def two_sided_p(differences: Resampled) -> np.ndarray:
    """Bootstrap p-value of no difference, for each score: [M]; NaN with one group.

    Twice the smaller share of resampled differences on either side of zero, one added to counts
    so that no finite bootstrap claims zero (Davison and Hinkley, chapter 4); then as `interval`
    corrects its tails, so that both agree.
    """
    resampled, groups = differences.resampled, differences.groups
    defined = (~np.isnan(resampled)).sum(axis=0)
    if groups < 2:
        return np.full(len(defined), np.nan)
    smaller = np.minimum((resampled <= 0).sum(axis=0), (resampled >= 0).sum(axis=0))
    share = np.minimum(1, 2 * (smaller + 1) / (defined + 1))
    reach = special.ndtri(1 - share / 2) * np.sqrt((groups - 1) / groups)
    return np.where(defined, 2 * special.stdtr(groups - 1, -reach), np.nan)
