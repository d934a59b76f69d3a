"""The graph network as a classifier of scikit-learn."""

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from cberl.api.parameters import check_parameter, seed_of, settings_of
from cberl.api.widths import check_widths
from cberl.errors import InputError
from cberl.f1 import f1_of_classes
from cberl.fuse.concatenate import concatenate_modalities
from cberl.graph.conversations import Conversations, assemble
from cberl.graph.edges import build_edges
from cberl.graph.settings import GraphSettings
from cberl.graph.turn_table import pick_turns
from cberl.rows import LabelledRows
from cberl.train.fit import fit_classifier
from cberl.train.predict import predict_classes
from cberl.train.settings import TrainSettings, VariantSettings


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
        check_widths(latents, self.widths_)
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
