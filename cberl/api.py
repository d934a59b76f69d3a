"""The parts of cberl for use from Python, in the manner of scikit-learn and imbalanced-learn.

    from cberl.api import ConversationClassifier, JointVAE, MultimodalGAN, load_bundle

Parameters go into the constructor and have defaults; ``fit`` returns the estimator; what was learnt
ends in an underscore. The workflow's scripts call the same functions. The caller's random state,
thread count and determinism flags are the same after each call as before it.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from imblearn.base import BaseSampler
from imblearn.utils._validation import ArraysTransformer
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin
from sklearn.preprocessing import label_binarize
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from cberl.errors import InputError
from cberl.f1 import f1_of_classes
from cberl.fuse.concatenate import concatenate_modalities
from cberl.fuse.settings import VAESettings
from cberl.fuse.vae.encode import encode_vae
from cberl.fuse.vae.fit import fit_vae
from cberl.graph.conversations import Conversations, assemble
from cberl.graph.edges import build_edges
from cberl.graph.settings import GraphSettings
from cberl.graph.turn_table import pick_turns
from cberl.oversample.gan.fit import fit_gan
from cberl.oversample.gan.sample import sample_gan
from cberl.oversample.settings import GANSettings
from cberl.oversample.target_counts import target_counts
from cberl.parameters import check_parameter, seed_of, settings_of
from cberl.predict.bundle_model import Bundle, load_bundle
from cberl.rows import LabelledRows, join_rows, make_rows
from cberl.train.fit import fit_classifier
from cberl.train.predict import predict_classes
from cberl.train.settings import TrainSettings, VariantSettings

__all__ = [
    "Bundle",
    "ConversationClassifier",
    "JointVAE",
    "LabelledRows",
    "MultimodalGAN",
    "load_bundle",
    "make_rows",
]

LATENT = "latent"


class MultimodalGAN(BaseSampler):
    """Oversampling of rare classes by the multimodal GAN, in all modalities at once.

    ``fit_resample`` takes `LabelledRows`, or ``X, y`` as one modality: then it stands in for SMOTE
    in a pipeline of imbalanced-learn.

    Args:
        target: rows per class to reach: ``balanced``, ``sqrt`` (geometric mean of the class and
            the largest one) or a number.
        random_state: seed; None draws one.
        device: auto, cpu or cuda.
        Others: see `cberl.oversample.settings.GANSettings`.

    Attributes:
        gan_: the trained `cberl.oversample.gan.network.GANNetwork`.
        history_: loss by epoch.
        classes_: the classes in the order of their numbers.
        sampling_strategy_: class -> rows to make.
    """

    _sampling_type = "over-sampling"

    def __init__(
        self,
        *,
        target: str | int = "sqrt",
        latent_size: int = GANSettings.latent_size,
        hidden_size: int = GANSettings.hidden_size,
        epochs: int = GANSettings.epochs,
        batch_size: int = GANSettings.batch_size,
        learning_rate: float = GANSettings.learning_rate,
        class_weight: float = GANSettings.class_weight,
        identity_weight: float = GANSettings.identity_weight,
        divergence_weight: float = GANSettings.divergence_weight,
        average_decay: float = GANSettings.average_decay,
        random_state: int | np.random.RandomState | None = None,
        device: str = "auto",
    ) -> None:
        self.target = target
        self.latent_size = latent_size
        self.hidden_size = hidden_size
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.class_weight = class_weight
        self.identity_weight = identity_weight
        self.divergence_weight = divergence_weight
        self.average_decay = average_decay
        self.random_state = random_state
        self.device = device

    def fit(self, X: Any, y: Any = None) -> "MultimodalGAN":
        """Train the GAN on rows with labels.

        Args:
            X: `LabelledRows`, or one modality as [N, width] with ``y``.

        Raises:
            InputError: a setting or row cannot be used.
            ValueError: ``X`` and ``y`` are not what scikit-learn calls valid.
        """
        if not isinstance(X, LabelledRows):
            X, y, _ = self._check_X_y(X, y)
        self._fit(X, y)
        return self

    def fit_resample(self, X: Any, y: Any = None) -> Any:
        """Train the GAN and add the rows that it makes.

        Returns:
            The given rows, then the new ones: `LabelledRows`, or ``X, y`` as they were given.
        """
        if isinstance(X, LabelledRows):
            self._fit(X, None)
            return join_rows(X, self._sample(self._wanted))
        check_classification_targets(y)
        as_given = ArraysTransformer(X, y)
        X, y, one_versus_all = self._check_X_y(X, y)
        if len(np.unique(y)) < 2:
            raise InputError("y has a single class; oversampling needs more than one class")
        X, labels = self._fit_resample(X, y)
        if one_versus_all:
            labels = label_binarize(labels, classes=np.unique(y))
        return as_given.transform(X, labels)

    def _fit_resample(self, X: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        self._fit(X, y)
        made = self._sample(self._wanted)
        values = made.values["features"].astype(X.dtype)
        return np.concatenate([X, values]), np.concatenate([y, self.classes_[made.labels]])

    def sample(self, classes: Sequence[Any]) -> Any:
        """Make one row of each class named.

        Returns:
            `LabelledRows`, or an array float32 [rows, width] if the GAN was fitted on one.
        """
        check_is_fitted(self)
        numbers = pd.Index(self.classes_).get_indexer(list(classes))
        if (numbers < 0).any():
            unknown = list(classes)[int(np.argmin(numbers))]
            raise InputError(f"class {unknown!r}; expected one of {list(self.classes_)}")
        made = self._sample(numbers)
        return made.values["features"] if self._from_array else made

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = False
        return tags

    def _check_X_y(self, X: Any, y: Any, accept_sparse: Any = False) -> tuple[Any, Any, bool]:
        return super()._check_X_y(X, y, accept_sparse)

    def _fit(self, X: Any, y: Any) -> None:
        settings = settings_of(self, GANSettings)
        self._from_array = not isinstance(X, LabelledRows)
        self._rows = make_rows(X, y) if self._from_array else X
        self.classes_ = np.unique(y) if self._from_array else np.array(X.classes, dtype=object)
        self._seed = seed_of(self.random_state)
        counts = target_counts(self._rows, self.target)
        self._wanted = np.repeat(np.arange(len(counts)), counts)
        self.sampling_strategy_ = dict(zip(self.classes_, counts.tolist(), strict=True))
        self.gan_, self.history_ = fit_gan(self._rows, settings, self._seed, self.device)

    def _sample(self, numbers: np.ndarray) -> LabelledRows:
        return sample_gan(self.gan_, self._rows, numbers, self._seed)


class JointVAE(TransformerMixin, BaseEstimator):
    """Fusion of the modalities into one latent vector per row; any modality may be absent.

    Args:
        validation_share: of the training rows that choose the epoch where no dev rows are given.
        random_state: seed; None draws one.
        device: auto, cpu or cuda.
        Others: see `cberl.fuse.settings.VAESettings`. Set ``class_weight`` to 0 for features that
            hold class log-probabilities (`cberl.fuse.vae.fit.without_labels`).

    Attributes:
        vae_: the trained `cberl.fuse.vae.network.VAENetwork`.
        history_: loss by epoch.
        widths_: modality -> width of the training rows.
    """

    def __init__(
        self,
        *,
        latent_size: int = VAESettings.latent_size,
        hidden_size: int = VAESettings.hidden_size,
        dropout: float = VAESettings.dropout,
        epochs: int = VAESettings.epochs,
        patience: int = VAESettings.patience,
        batch_size: int = VAESettings.batch_size,
        learning_rate: float = VAESettings.learning_rate,
        kl_weight: float = VAESettings.kl_weight,
        annealing_epochs: int = VAESettings.annealing_epochs,
        class_weight: float = VAESettings.class_weight,
        modality_dropout: float = VAESettings.modality_dropout,
        validation_share: float = 0.1,
        random_state: int | np.random.RandomState | None = None,
        device: str = "auto",
    ) -> None:
        self.latent_size = latent_size
        self.hidden_size = hidden_size
        self.dropout = dropout
        self.epochs = epochs
        self.patience = patience
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.kl_weight = kl_weight
        self.annealing_epochs = annealing_epochs
        self.class_weight = class_weight
        self.modality_dropout = modality_dropout
        self.validation_share = validation_share
        self.random_state = random_state
        self.device = device

    def fit(self, X: Any, y: Any = None, dev: LabelledRows | None = None) -> "JointVAE":
        """Train the VAE.

        Args:
            X: `LabelledRows`, or one modality as [N, width].
            y: classes of an array's rows, if known; dev rows may stand here for `LabelledRows`.
            dev: rows that choose the epoch; a share of the training rows if not given.

        Raises:
            InputError: a setting or row cannot be used.
        """
        settings = settings_of(self, VAESettings)
        if isinstance(X, LabelledRows):
            dev = y if dev is None else dev
        else:
            X = make_rows(validate_data(self, X, dtype=np.float32), y)
        seed = seed_of(self.random_state)
        if dev is None:
            X, dev = _hold_out(X, self.validation_share, seed)
        if not isinstance(dev, LabelledRows):
            raise InputError(
                f"dev is a {type(dev).__name__}; expected LabelledRows, as made by make_rows"
            )
        self.vae_, self.history_ = fit_vae(X, dev, settings, seed, self.device)
        self.widths_ = X.widths
        return self

    def transform(self, X: Any) -> Any:
        """Encode rows by the mean of their posterior.

        Returns:
            `LabelledRows` with one modality ``latent``, or an array float32 [N, latent_size].
        """
        check_is_fitted(self)
        if isinstance(X, LabelledRows):
            _check_widths(X, self.widths_)
            return _as_latents(X, encode_vae(self.vae_, X))
        rows = make_rows(validate_data(self, X, dtype=np.float32, reset=False))
        _check_widths(rows, self.widths_)
        return encode_vae(self.vae_, rows)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags

    @property
    def _n_features_out(self) -> int:
        return self.latent_size


class ConversationClassifier(ClassifierMixin, BaseEstimator):
    """The multi-task graph network over conversations.

    Args:
        loss: a name in `cberl.train.loss.LOSSES`.
        dialogue_sampling: uniform or class_aware.
        mask_weight: weight of the masked-node reconstruction; 0 leaves the task out.
        adjustment: none or chosen, see `cberl.train.adjustment`.
        past_window, future_window: turns before and after that an utterance is connected with.
        random_state: seed; None draws one.
        device: auto, cpu or cuda.
        Others: see `cberl.train.settings.TrainSettings`.

    Attributes:
        network_: the trained `cberl.train.network.ConversationNetwork`.
        history_: loss and F1 by epoch.
        classes_: the classes in the order of their numbers.
        widths_: modality -> width of the training rows.
    """

    def __init__(
        self,
        *,
        loss: str = "cross_entropy",
        dialogue_sampling: str = "uniform",
        mask_weight: float = 0.0,
        adjustment: str = "none",
        past_window: int = GraphSettings.past_window,
        future_window: int = GraphSettings.future_window,
        hidden_size: int = TrainSettings.hidden_size,
        graph_layers: int = TrainSettings.graph_layers,
        dropout: float = TrainSettings.dropout,
        epochs: int = TrainSettings.epochs,
        patience: int = TrainSettings.patience,
        batch_dialogues: int = TrainSettings.batch_dialogues,
        learning_rate: float = TrainSettings.learning_rate,
        weight_decay: float = TrainSettings.weight_decay,
        mask_rate: float = TrainSettings.mask_rate,
        random_state: int | np.random.RandomState | None = None,
        device: str = "auto",
    ) -> None:
        self.loss = loss
        self.dialogue_sampling = dialogue_sampling
        self.mask_weight = mask_weight
        self.adjustment = adjustment
        self.past_window = past_window
        self.future_window = future_window
        self.hidden_size = hidden_size
        self.graph_layers = graph_layers
        self.dropout = dropout
        self.epochs = epochs
        self.patience = patience
        self.batch_dialogues = batch_dialogues
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.mask_rate = mask_rate
        self.random_state = random_state
        self.device = device

    def fit(
        self, latents: LabelledRows, conversations: pd.DataFrame, dev: LabelledRows
    ) -> "ConversationClassifier":
        """Train the network; the epoch with the best macro-F1 on dev is kept.

        Args:
            latents: labelled training rows; several modalities are put side by side.
            conversations: columns utterance_id, dialogue_id, turn and speaker, a row for each
                utterance of ``latents`` and ``dev``.
            dev: labelled dev rows.

        Raises:
            InputError: a setting, row or column cannot be used.
        """
        settings = settings_of(self, TrainSettings)
        check_parameter(self, "mask_weight", VariantSettings)
        self.network_, self.history_ = fit_classifier(
            self._connect(latents, conversations),
            self._connect(dev, conversations),
            settings,
            self.loss,
            self.dialogue_sampling,
            self.mask_weight,
            self.adjustment,
            "all",
            seed_of(self.random_state),
            self.device,
        )
        self.classes_ = np.array(latents.classes, dtype=object)
        self.widths_ = latents.widths
        return self

    def predict_proba(self, latents: LabelledRows, conversations: pd.DataFrame) -> np.ndarray:
        """Probabilities of the classes: float32 [N, classes], in the order of ``latents``."""
        check_is_fitted(self)
        connected = self._connect(latents, conversations)
        _check_widths(latents, self.widths_)
        frame, probabilities = predict_classes(self.network_, connected, self.classes_)
        order = pd.Index(frame["utterance_id"]).get_indexer(latents.ids)
        return probabilities[order]

    def predict(self, latents: LabelledRows, conversations: pd.DataFrame) -> np.ndarray:
        """The most probable class of each row, in the order of ``latents``."""
        numbers = self.predict_proba(latents, conversations).argmax(axis=1)
        return self.classes_[numbers]

    def score(self, latents: LabelledRows, conversations: pd.DataFrame) -> float:
        """Macro-F1 over the classes that occur among the labelled rows.

        Raises:
            InputError: also if no row is labelled, or by other classes than in training.
        """
        predicted = self.predict_proba(latents, conversations).argmax(axis=1)
        if latents.classes != tuple(self.classes_):
            raise InputError(
                f"rows of classes {latents.classes}; expected those of training,"
                f" {tuple(self.classes_)} (make_rows takes them as classes)"
            )
        if not latents.labelled.any():
            raise InputError("no row has a label; expected some to score by")
        truth, predicted = latents.labels[latents.labelled], predicted[latents.labelled]
        scores = f1_of_classes(truth, predicted, len(self.classes_))
        return float(scores[np.unique(truth)].mean())

    def _connect(self, latents: LabelledRows, conversations: pd.DataFrame) -> Conversations:
        if not isinstance(latents, LabelledRows):
            raise InputError("rows without ids; expected LabelledRows, as made by make_rows")
        windows = settings_of(self, GraphSettings)
        nodes = pick_turns(conversations, latents.ids)
        edges = build_edges(nodes, windows.past_window, windows.future_window)
        return assemble(
            nodes.assign(is_synthetic=False),
            concatenate_modalities(latents),
            latents.labels,
            edges,
            online=windows.future_window == 0,
            classes=latents.classes,
        )


def _check_widths(rows: LabelledRows, widths: dict[str, int]) -> None:
    if list(rows.widths.items()) != list(widths.items()):
        raise InputError(
            f"rows of widths {rows.widths}; expected those of training, in that order: {widths}"
        )


def _hold_out(rows: LabelledRows, share: float, seed: int) -> tuple[LabelledRows, LabelledRows]:
    if not 0 < share < 1:
        raise InputError(f"validation_share is {share}; expected a share between 0 and 1")
    count = max(1, round(share * len(rows)))
    if count >= len(rows):
        raise InputError(f"n_samples={len(rows)}: too few to hold {count} out; expected 2 or more")
    held_out = np.zeros(len(rows), dtype=bool)
    held_out[np.random.default_rng(seed).choice(len(rows), count, replace=False)] = True
    return rows.take(~held_out), rows.take(held_out)


def _as_latents(rows: LabelledRows, latents: np.ndarray) -> LabelledRows:
    return LabelledRows(
        rows.ids, {LATENT: latents}, {LATENT: rows.present}, rows.labels, rows.classes
    )
