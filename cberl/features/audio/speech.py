"""Speech networks of the wav2vec 2.0 family as clip encoders."""

import logging
from pathlib import Path
from typing import Any

import numpy as np

from cberl.corpus.media.samples import from_int16
from cberl.errors import InputError
from cberl.features.encoders import AUDIO_ENCODER
from cberl.features.text.transformer import open_pretrained
from cberl.provenance import find_path
from cberl.seeding import choose_device
from cberl.torchvision_guard import guard_torchvision

LONGEST_S = 30.0
"""Longer clips are encoded in pieces: attention costs memory by the square of the length."""


class SpeechNetwork:
    """wav2vec 2.0, HuBERT, WavLM or another network over raw samples, by name or folder.

    A clip's vector is the mean of the outputs of all transformer layers over layers and time.
    Emotion is read best from a mix of layers rather than from the last one (Pepino, Riera and
    Ferrer, Interspeech 2021, arXiv 2104.03502); the plain mean needs no labels.

    Clips are encoded one by one. Padding changes the values of networks that normalise over
    time, so that a batch's other clips would change a clip's vector.
    """

    def __init__(self, encoder: str, device: str) -> None:
        """
        Args:
            encoder: Hugging Face name, with ``@`` and a commit behind it or not, or folder.
            device: ``auto``, ``cpu`` or ``cuda``.

        Raises:
            InputError: the network is not available, or does not take raw samples.
        """
        guard_torchvision()
        from transformers import AutoFeatureExtractor

        self._name = encoder
        self._device = choose_device(device)
        source = str(find_path(encoder)) if find_path(encoder).is_dir() else encoder
        self._model, self._extractor, self._commit = open_pretrained(
            encoder, source, AutoFeatureExtractor, AUDIO_ENCODER, "preprocessor_config.json"
        )
        configuration = self._model.config
        if not hasattr(configuration, "conv_kernel"):
            raise InputError(
                f"{AUDIO_ENCODER}: {encoder} does not read raw samples;"
                " expected a network such as wav2vec2, HuBERT or WavLM"
            )
        self._model.to(self._device)
        self._sample_rate = int(self._extractor.sampling_rate)
        self._shortest = receptive_field(configuration.conv_kernel, configuration.conv_stride)
        self.width: int = configuration.hidden_size

    def describe(self) -> dict[str, Any]:
        """Facts for a reader of the features."""
        name = f"{self._name.partition('@')[0]}@{self._commit}" if self._commit else self._name
        return {
            "encoder": name if self._commit else Path(name).name,
            "over_layers_and_time": "mean",
        }

    def encode(self, name: str, samples: np.ndarray, sample_rate: int) -> np.ndarray:
        """Encode one clip.

        Args:
            name: of the utterance, for the log.
            samples: int16 [samples], mono.
            sample_rate: in Hz.

        Returns:
            float32 [width]; all NaN where the clip is shorter than one frame of the network.

        Raises:
            InputError: the clip's sampling rate is not the network's.
        """
        import torch

        if sample_rate != self._sample_rate:
            raise InputError(
                f"media.sample_rate: {sample_rate}, but {self._name} takes {self._sample_rate} Hz"
            )
        if len(samples) < self._shortest:
            logging.warning("%s: %d samples are too few for %s", name, len(samples), self._name)
            return np.full(self.width, np.nan, dtype=np.float32)
        prepared = self._extractor(
            from_int16(samples), sampling_rate=sample_rate, return_tensors="pt"
        )["input_values"]  # [1, samples]
        total, frames = torch.zeros(self.width, device=self._device), 0
        for piece in self._pieces(prepared):
            vectors = self._encode_piece(piece)
            total += vectors.sum(dim=0)
            frames += len(vectors)
        return (total / frames).cpu().numpy()

    def _pieces(self, prepared: Any) -> list[Any]:
        """Cut [1, samples] into pieces of at most `LONGEST_S`, none too short to encode."""
        longest = round(LONGEST_S * self._sample_rate)
        pieces = prepared.split(longest, dim=1)
        return [piece for piece in pieces if piece.shape[1] >= self._shortest]

    def _encode_piece(self, piece: Any) -> Any:
        """Mean over layers: float32 [frames, width]."""
        import torch

        cuda = self._device == "cuda"
        with torch.inference_mode(), torch.autocast(self._device, torch.bfloat16, enabled=cuda):
            states = self._model(piece.to(self._device), output_hidden_states=True).hidden_states
        # The first state is the convolutions' output, before any transformer layer.
        return torch.stack([state[0].float() for state in states[1:]]).mean(dim=0)


def receptive_field(kernels: list[int], strides: list[int]) -> int:
    """Samples that the first output frame of a stack of convolutions sees."""
    samples = 1
    for kernel, stride in zip(reversed(kernels), reversed(strides), strict=True):
        samples = (samples - 1) * stride + kernel
    return samples
