"""What the bare libraries do for one modality, with nothing around them: the yardstick of speed.

Each function loads its encoder, waits for the processes beside it, and returns the seconds that the
rest took.
"""

import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from every_core import start_clock

from cberl.features.settings import AudioSettings, TextSettings, VideoSettings


def encode_texts(texts: Sequence[str], settings: TextSettings) -> float:
    """Tokenise, sort by length, encode in batches, take the mean over tokens."""
    import torch

    from cberl.features.text.transformer import load_transformer

    transformer = load_transformer(settings.encoder)
    started = start_clock()
    encoded = transformer.tokenizer(texts, truncation=True, max_length=settings.max_tokens)
    order = np.argsort([-len(ids) for ids in encoded["input_ids"]], kind="stable")
    with torch.inference_mode():
        for start in range(0, len(order), settings.batch_size):
            rows = order[start : start + settings.batch_size]
            batch = transformer.tokenizer.pad(
                {name: [values[row] for row in rows] for name, values in encoded.items()},
                return_tensors="pt",
            )
            hidden = transformer.model(**batch).last_hidden_state  # [B, T, width]
            mask = batch["attention_mask"].unsqueeze(-1)
            ((hidden * mask).sum(dim=1) / mask.sum(dim=1)).numpy()
    return time.perf_counter() - started


def process_sounds(
    sounds: Sequence[np.ndarray], sample_rate: int, settings: AudioSettings
) -> float:
    """Compute openSMILE's functionals of each sound: int16 [samples]."""
    import opensmile

    smile = opensmile.Smile(opensmile.FeatureSet[settings.encoder])
    started = start_clock()
    for samples in sounds:
        smile(samples.astype(np.float32) / 32768, sample_rate)
    return time.perf_counter() - started


def encode_clips(
    paths: Sequence[Path], frames: int, short_side: int, settings: VideoSettings
) -> float:
    """Decode each clip, keep frames evenly in time, encode them in batches of clips."""
    import torch

    from cberl.features.video.backbone import load_backbone

    network = load_backbone(settings.encoder, settings.weights)
    started = start_clock()
    with torch.inference_mode():
        for start in range(0, len(paths), settings.batch_size):
            clips = []
            for path in paths[start : start + settings.batch_size]:
                pictures = torch.from_numpy(_decode(path, frames, short_side))  # [T, H, W, 3]
                clips.append(
                    network.transform(pictures.permute(0, 3, 1, 2), short_side).transpose(0, 1)
                )
            network.module(torch.stack(clips)).numpy()  # [B, 3, T, H, W] -> [B, width]
    return time.perf_counter() - started


def _decode(path: Path, frames: int, short_side: int) -> np.ndarray:
    import av

    pictures = []
    with av.open(path) as clip:
        stream = clip.streams.video[0]
        stream.codec_context.thread_count = 1
        width = round(stream.width * short_side / stream.height)
        wanted = set(((np.arange(frames) + 0.5) * stream.frames / frames).astype(int))
        for number, frame in enumerate(clip.decode(stream)):
            if number in wanted:
                scaled = frame.reformat(width, short_side, "rgb24", threads=1)
                pictures.append(scaled.to_ndarray())
    return np.stack(pictures)
