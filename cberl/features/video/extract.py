"""Video features: a torchvision image or video network over each utterance's frames."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cberl.artifacts import read_batches
from cberl.corpus.tables import MEDIA
from cberl.features.feature_rows import count_rows, feature_rows
from cberl.features.settings import VideoSettings
from cberl.features.video.backbone import load_backbone
from cberl.log import progress
from cberl.seeding import choose_device

PIXELS_AT_ONCE = 16 * 224 * 224
"""Pixels that go through an image network together: more cost memory and save no time."""


class VideoExtractor:
    """Encodes frames with a network without its classifier.

    An image network encodes every frame by itself; the utterance's vector is their mean over
    time. A video network encodes the frames as one clip; where it takes a fixed number of frames
    or a least number, frames are repeated or left out evenly in time. Frames go through the
    transforms that belong to the network's published weights; for an image network without weights
    no frame is enlarged beyond what the network insists on. An utterance without frames is
    unavailable.
    """

    def __init__(
        self,
        settings: VideoSettings,
        fetched: str | Path | None = None,
        device: str = "auto",
    ) -> None:
        """
        Args:
            settings: of the video encoder.
            fetched: file of the published weights; see
                `cberl.features.video.backbone.load_backbone`.
            device: auto, cpu or cuda.

        Raises:
            InputError: there is no such network, or its weights are not available.
        """
        import torch

        self._settings = settings
        self._device = choose_device(device)
        self._network = load_backbone(settings.encoder, settings.weights, fetched)
        # Pixel by pixel in memory, pictures are convolved faster by a fifth and more on a CPU.
        layout = torch.channels_last_3d if self._network.of_clips else torch.channels_last
        self._network.module.to(self._device, memory_format=layout)

    def describe(self) -> dict[str, Any]:
        """Facts for a reader of the features."""
        return {
            "modality": "video",
            "encoder": f"torchvision {self._settings.encoder}",
            "weights": self._network.weights,
            "trained": self._network.trained,
            "width": self._network.width,
            "over_time": "frames as one clip" if self._network.of_clips else "mean over frames",
        }

    def extract(self, media: str | Path) -> Iterator[tuple[pd.DataFrame, np.ndarray]]:
        """Encode one shard's decoded clips.

        Args:
            media: a table of media.

        Yields:
            (frame [utterance_id, available, is_synthetic], float32 [rows, width], NaN where
            unavailable), in the order of ``media``.
        """
        size = self._settings.batch_size
        pieces = -(-count_rows(media) // size)
        batches = read_batches(media, MEDIA, size, ["utterance_id", "frames"])
        for batch in progress(batches, pieces, f"pieces of {size} clips"):
            features = np.full((len(batch), self._network.width), np.nan, dtype=np.float32)
            clips = {
                row: frames
                for row, frames in enumerate(batch["frames"])
                if frames is not None and len(frames)
            }
            if clips:
                features[list(clips)] = self._encode(list(clips.values()))
            yield feature_rows(batch["utterance_id"], features), features
        if pieces == 0:
            nothing = np.empty((0, self._network.width), dtype=np.float32)
            yield feature_rows([], nothing), nothing

    def _encode(self, clips: Sequence[Sequence[bytes]]) -> np.ndarray:
        """Vectors float32 [len(clips), width] of clips of JPEG frames."""
        import torch

        with torch.inference_mode():
            prepared = [self._prepare(frames) for frames in clips]
            if self._network.of_clips:
                vectors = self._encode_clips(prepared)
            else:
                vectors = self._encode_images(prepared)
        return vectors.float().cpu().numpy()

    def _prepare(self, frames: Sequence[bytes]) -> Any:
        """Decoded and transformed frames: float32 [T, 3, H, W]."""
        import torch

        pictures = [decode_frame(frame) for frame in frames]
        if self._network.of_clips:
            pictures = [pictures[index] for index in self._network.frames_of(len(pictures))]
        short_side = min(min(picture.shape[:2]) for picture in pictures)
        if len({picture.shape for picture in pictures}) == 1:
            stacked = torch.from_numpy(np.stack(pictures))  # [T, H, W, 3]
            return self._network.transform(stacked.permute(0, 3, 1, 2), short_side)
        # Face crops and full frames may differ in size; the transforms make them alike.
        single = [torch.from_numpy(picture)[None].permute(0, 3, 1, 2) for picture in pictures]
        return torch.cat([self._network.transform(picture, short_side) for picture in single])

    def _encode_images(self, clips: Sequence[Any]) -> Any:
        import torch

        vectors = torch.empty(len(clips), self._network.width, device=self._device)
        for shape in sorted({tuple(clip.shape[2:]) for clip in clips}):
            rows = [row for row, clip in enumerate(clips) if tuple(clip.shape[2:]) == shape]
            pictures = torch.cat([clips[row] for row in rows])  # [pictures, 3, H, W]
            pictures = pictures.to(self._device, memory_format=torch.channels_last)
            pieces = pictures.split(max(1, PIXELS_AT_ONCE // (shape[0] * shape[1])))
            codes = torch.cat([self._network.module(piece) for piece in pieces])
            lengths = [len(clips[row]) for row in rows]
            vectors[rows] = torch.stack([part.mean(dim=0) for part in codes.split(lengths)])
        return vectors

    def _encode_clips(self, clips: Sequence[Any]) -> Any:
        import torch

        vectors = torch.empty(len(clips), self._network.width, device=self._device)
        for length in sorted({len(clip) for clip in clips}):
            rows = [row for row, clip in enumerate(clips) if len(clip) == length]
            batch = torch.stack([clips[row] for row in rows])  # [B, T, 3, H, W]
            batch = batch.transpose(1, 2)  # [B, 3, T, H, W]
            batch = batch.to(self._device, memory_format=torch.channels_last_3d)
            vectors[rows] = self._network.module(batch)
        return vectors


def decode_frame(frame: bytes) -> np.ndarray:
    """Decode one JPEG: uint8 [H, W, 3], RGB."""
    import cv2

    return cv2.imdecode(np.frombuffer(frame, dtype=np.uint8), cv2.IMREAD_COLOR_RGB)
