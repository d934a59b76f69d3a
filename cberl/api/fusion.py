"""The joint VAE as a transformer of scikit-learn."""

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from cberl.api.parameters import seed_of, settings_of
from cberl.api.widths import check_widths
from cberl.errors import InputError
from cberl.fuse.settings import VAESettings
from cberl.fuse.vae.encode import encode_vae
from cberl.fuse.vae.fit import fit_vae
from cberl.rows import LabelledRows, make_rows

LATENT = "latent"


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
            check_widths(X, self.widths_)
            return _as_latents(X, encode_vae(self.vae_, X))
        rows = make_rows(validate_data(self, X, dtype=np.float32, reset=False))
        check_widths(rows, self.widths_)
        return encode_vae(self.vae_, rows)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags


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
