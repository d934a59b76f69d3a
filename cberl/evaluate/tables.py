"""The tables of the evaluate stage."""

from cberl.tables import (
    ALL_CLASSES,
    COUNT,
    FLAG,
    NUMBER,
    REMOVED,
    TEXT,
    UTTERANCE_ID,
    VECTOR,
    Column,
    TableKind,
)

CORPUS = Column("corpus", TEXT, "name of the corpus in the configuration")
VARIANT = Column("variant", TEXT, "row of the variants table")
SEED = Column("seed", COUNT, "seed of the oversampling, fusion and training")
SPLIT = Column("split", TEXT, "dev or test")
CLASS = Column("class", TEXT, "an emotion")
CLASS_OR_ALL = Column("class", TEXT, f"an emotion, or {ALL_CLASSES}")
METRIC = Column("metric", TEXT, "a score's name, as the columns of per_class and overall have it")
MODEL = (CORPUS, VARIANT, SEED, SPLIT)

PER_CLASS = TableKind(
    "per_class",
    "How good each model is at each emotion. Shares from 0 to 1; null: no such utterance.",
    ("corpus", "variant", "seed", "split", "removed", "class"),
    (
        *MODEL,
        REMOVED,
        CLASS,
        Column("support", COUNT, "utterances of the class"),
        Column("predicted", COUNT, "utterances that the model takes for the class"),
        Column(
            "precision", NUMBER, "share of what is predicted as it that is; 0 if nothing is", True
        ),
        Column("recall", NUMBER, "share of the class that is predicted as it", True),
        Column("f1", NUMBER, "harmonic mean of precision and recall", True),
        Column("accuracy", NUMBER, "share of all utterances rightly put in or out of the class"),
        Column(
            "average_precision",
            NUMBER,
            "area under the precision-recall curve; null if removed is not none",
            True,
        ),
    ),
)

OVERALL = TableKind(
    "overall",
    "How good each model is over all emotions that occur in the split. Shares from 0 to 1.",
    ("corpus", "variant", "seed", "split", "removed"),
    (
        *MODEL,
        REMOVED,
        Column("utterances", COUNT, "utterances with a label"),
        Column("weighted_f1", NUMBER, "mean F1, each class weighted by its support", True),
        Column("macro_f1", NUMBER, "mean F1, each class counting the same", True),
        Column("uar", NUMBER, "unweighted average recall (balanced accuracy)", True),
        Column("accuracy", NUMBER, "share that is right (weighted accuracy, WA)", True),
        Column("calibration_error", NUMBER, "expected calibration error, 15 bins", True),
        Column("uncalibrated_error", NUMBER, "the same before the temperature", True),
    ),
)

CONFUSION = TableKind(
    "confusion",
    "What is taken for what.",
    ("corpus", "variant", "seed", "split", "removed", "true", "predicted"),
    (
        *MODEL,
        REMOVED,
        Column("true", TEXT, "class of the utterances"),
        Column("predicted", TEXT, "class that the model takes them for"),
        Column("count", COUNT, "utterances"),
        Column("share", NUMBER, "count over the utterances of the true class; null: none", True),
    ),
)

SUMMARY = TableKind(
    "summary",
    "Each variant's scores over seeds, with bootstrap intervals.",
    ("corpus", "variant", "split", "removed", "class", "metric"),
    (
        CORPUS,
        VARIANT,
        SPLIT,
        REMOVED,
        CLASS_OR_ALL,
        METRIC,
        Column("mean", NUMBER, "over seeds; null: the score is undefined", nullable=True),
        Column("std", NUMBER, "standard deviation over seeds (n - 1); null: one seed", True),
        Column("n", COUNT, "seeds"),
        Column("lower", NUMBER, "lower end of the interval of the mean; null: not made", True),
        Column("upper", NUMBER, "upper end of the interval of the mean; null: not made", True),
    ),
)

DIFFERENCE = (
    Column("difference", NUMBER, "of the means over seeds; null: undefined", nullable=True),
    Column("lower", NUMBER, "lower end of its bootstrap interval", nullable=True),
    Column("upper", NUMBER, "upper end of its bootstrap interval", nullable=True),
    Column("p_value", NUMBER, "two-sided, of the same bootstrap; not corrected", nullable=True),
)

COMPARISON = TableKind(
    "comparison",
    "Each pair of variants: score of variant less score of reference, on the same resamples.",
    ("corpus", "variant", "reference", "split", "class", "metric"),
    (
        CORPUS,
        VARIANT,
        Column("reference", TEXT, "a variant that stands earlier in the variants table"),
        SPLIT,
        CLASS_OR_ALL,
        METRIC,
        *DIFFERENCE,
    ),
)

CONTRIBUTION = TableKind(
    "contribution",
    "What a modality adds: score with all modalities less score of the same models without it.",
    ("corpus", "variant", "split", "removed", "class", "metric"),
    (CORPUS, VARIANT, SPLIT, REMOVED, CLASS_OR_ALL, METRIC, *DIFFERENCE),
)

ENSEMBLE = TableKind(
    "ensemble",
    "The seeds of a variant predicting together, by the mean of their probabilities.",
    ("corpus", "variant", "split", "class", "metric"),
    (
        CORPUS,
        VARIANT,
        SPLIT,
        CLASS_OR_ALL,
        METRIC,
        Column("value", NUMBER, "the score; null: undefined", nullable=True),
        Column("n", COUNT, "seeds"),
        Column("lower", NUMBER, "lower end of its bootstrap interval", nullable=True),
        Column("upper", NUMBER, "upper end of its bootstrap interval", nullable=True),
    ),
)

SUBGROUPS = TableKind(
    "subgroups",
    "The same models on parts of a split.",
    ("corpus", "variant", "seed", "split", "grouping", "group"),
    (
        *MODEL,
        Column("grouping", TEXT, "emotion_shift, dialogue_length, speaker or modalities"),
        Column("group", TEXT, "which part of the split"),
        Column("utterances", COUNT, "utterances with a label"),
        Column("accuracy", NUMBER, "share that is right"),
        Column("weighted_f1", NUMBER, "mean F1, each class weighted by its support in the group"),
        Column("macro_f1", NUMBER, "mean F1 of the classes that occur in the group"),
    ),
)

CALIBRATION = TableKind(
    "calibration",
    "How often a model is right when it is so sure: bins of the highest probability.",
    ("corpus", "variant", "seed", "split", "calibrated", "bin"),
    (
        *MODEL,
        Column("calibrated", FLAG, "logits were divided by the network's temperature"),
        Column("bin", COUNT, "from 0; bins are equally wide and closed above"),
        Column("above", NUMBER, "lower edge of the bin"),
        Column("up_to", NUMBER, "upper edge of the bin"),
        Column("utterances", COUNT, "utterances with a label in the bin"),
        Column("confidence", NUMBER, "mean of the highest probability; null: none", True),
        Column("accuracy", NUMBER, "share that is right; null: none", nullable=True),
    ),
)

SCORED = TableKind(
    "scored",
    "Every model's prediction for every dev and test utterance, no modality removed.",
    ("corpus", "variant", "seed", "utterance_id"),
    (
        *MODEL,
        UTTERANCE_ID,
        Column("dialogue_id", TEXT, "split/dialogue"),
        Column("turn", COUNT, "rank of the utterance in its dialogue, from 0"),
        Column("speaker", TEXT, "who speaks, as the corpus names them"),
        Column("label", TEXT, "the truth; null: none, the utterance is context", nullable=True),
        Column("predicted", TEXT, "the most probable class"),
        Column("correct", FLAG, "predicted is label; null: no label", nullable=True),
        Column(
            "emotion_shift", FLAG, "label differs from this speaker's last; null: no last", True
        ),
        Column("probabilities", VECTOR, "one per class, in the order of the metadata's classes"),
    ),
)

TABLES = (
    *(PER_CLASS, OVERALL, CONFUSION, SUMMARY, COMPARISON, CONTRIBUTION, ENSEMBLE, SUBGROUPS),
    *(CALIBRATION, SCORED),
)
