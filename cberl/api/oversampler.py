"""The multimodal GAN as an oversampler of imbalanced-learn."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from imblearn.base import BaseSampler
from imblearn.utils._validation import ArraysTransformer
from sklearn.preprocessing import label_binarize
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted

from cberl.api.parameters import seed_of, settings_of
from cberl.errors import InputError
from cberl.oversample.gan.fit import fit_gan
from cberl.oversample.gan.sample import sample_gan
from cberl.oversample.settings import GANSettings
from cberl.oversample.target_counts import target_counts
from cberl.rows import LabelledRows, join_rows, make_rows


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
            known = ", ".join(map(str, self.classes_))
            raise InputError(f"class {unknown} is unknown; expected one of {known}")
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
