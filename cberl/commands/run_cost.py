"""Estimated time and disk space of a run, from measured runs."""

import os
from collections.abc import Iterator, Mapping
from typing import Any

from cberl.config_schema import Configuration
from cberl.corpus.assemble import Corpus
from cberl.features.settings import TextEncoderSettings

# Seconds of one core, from the tables of docs/results.md and docs/slurm.md.
DECODING_S = {"audio": 0.1, "video": 0.5}
TEXT_S = 0.004
CONTEXT_TURN_S = 0.004
AUDIO_S = {"eGeMAPSv02": 0.04, "ComParE_2016": 0.15}
SPEECH_NETWORK_S = 1.0
FRAME_S = 0.08
FINETUNING_S = 0.024
GAN_EPOCH_S, VAE_EPOCH_S, NETWORK_EPOCH_S = 0.0004, 0.00014, 0.00018
JOB_S = {"gan": 12.0, "vae": 10.0, "variant": 16.0, "whole": 30.0}
SECOND_OF_SOUND_BYTES = 32_000
USUAL_UTTERANCE_S = 3.0
PIXELS_A_BYTE = 5
RESULTS_BYTES = 6_000
"""For an utterance, variant and seed: latents with each modality removed, nodes, predictions."""


def estimate_cost(
    corpus: Corpus, settings: Configuration, variants: Mapping[str, Mapping[str, Any]]
) -> Iterator[str]:
    """Estimate a whole run; two lines.

    Args:
        settings: the whole configuration.
        variants: the variants table.
    """
    seconds = _extraction_s(corpus, settings) + _training_s(corpus, settings, variants)
    cores = len(os.sched_getaffinity(0))
    yield (
        f"a whole run: roughly {_duration(seconds)} of one core, {_duration(seconds / cores)} on "
        f"the {cores} of this machine (within a factor of three; without a GPU, and for encoders "
        "of the size of the default ones)"
    )
    yield f"disk: roughly {_size(_disk_bytes(corpus, settings, variants))} under results/"


def _extraction_s(corpus: Corpus, settings: Configuration) -> float:
    """Decoding and encoding; nothing for published features."""
    if settings.corpus.kind == "features":
        return 0.0
    count, features = len(corpus.utterances), settings.features
    modalities = [name for name in settings.modalities if name != "text"]
    cost = max((DECODING_S[name] for name in modalities), default=0.0)
    if "audio" in modalities:
        encoder = features.audio.encoder
        slow = SPEECH_NETWORK_S if "/" in encoder else 0.15
        cost += AUDIO_S.get(encoder, slow)
    if "video" in modalities:
        cost += settings.media.frames * FRAME_S * (settings.media.frame_size / 224) ** 2
    if "text" in settings.modalities:
        trained = float((corpus.utterances["split"] == "train").mean())
        for encoder in features.text.each:
            cost += _text_s(encoder, trained)
    return cost * count


def _text_s(encoder: TextEncoderSettings, trained: float) -> float:
    """Seconds of one encoder for an utterance; ``trained`` is the share of split train."""
    turns = encoder.context_turns
    cost = TEXT_S + CONTEXT_TURN_S * (turns + encoder.next_turns if isinstance(turns, int) else 1)
    tuning = encoder.finetune
    if tuning.enabled:
        exact = 1 if tuning.precision == "bfloat16" else 2
        cost += FINETUNING_S * exact * tuning.epochs * tuning.folds * trained
    return cost


def _training_s(
    corpus: Corpus, settings: Configuration, variants: Mapping[str, Mapping[str, Any]]
) -> float:
    rows = int((corpus.utterances["split"] == "train").sum())
    oversamplers = {variant["oversampler"] for variant in variants.values()}
    fusions = {variant["fusion"] for variant in variants.values()}
    each = JOB_S["whole"] / len(settings.seeds)
    if "gan" in oversamplers:
        each += JOB_S["gan"] + settings.oversample.gan.epochs * rows * GAN_EPOCH_S
    if "vae" in fusions:
        each += JOB_S["vae"] + settings.fuse.vae.epochs * rows * VAE_EPOCH_S
    network = settings.train.epochs * rows * NETWORK_EPOCH_S
    each += len(variants) * (JOB_S["variant"] + network)
    return each * len(settings.seeds)


def _disk_bytes(
    corpus: Corpus, settings: Configuration, variants: Mapping[str, Mapping[str, Any]]
) -> float:
    seconds = corpus.utterances["annotated_duration_s"].astype(float).fillna(USUAL_UTTERANCE_S)
    cost = RESULTS_BYTES * len(variants) * len(settings.seeds) * len(seconds)
    if settings.corpus.kind == "features":
        return cost
    if "audio" in settings.modalities:
        cost += SECOND_OF_SOUND_BYTES * float(seconds.clip(lower=0).sum())
    if "video" in settings.modalities:
        media = settings.media
        cost += media.frames * media.frame_size**2 / PIXELS_A_BYTE * len(seconds)
    return cost


def _duration(seconds: float) -> str:
    if seconds < 5400:
        return f"{max(1, round(seconds / 60))} min"
    return f"{seconds / 3600:.1f} h"


def _size(count: float) -> str:
    return f"{count / 1e9:.1f} GB" if count > 1e9 else f"{max(1, round(count / 1e6))} MB"
