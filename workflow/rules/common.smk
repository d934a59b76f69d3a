"""Configuration and its validation, wildcard constraints, and small named input functions."""

import sys
from dataclasses import asdict
from functools import cache
from pathlib import Path

from snakemake.utils import validate

from cberl.configuration import (
    check_context,
    check_encoders,
    check_finetuning,
    check_settings,
    has_gpu,
    in_order,
    read_variants,
)
from cberl.corpus.annotations import PICKLE_SUFFIXES, annotation_files
from cberl.corpus.settings import CorpusSettings
from cberl.corpus.shards import count_shards
from cberl.errors import InputError
from cberl.features.encoders import PUBLISHED, auxiliary_files, encoder_files, is_speech_network
from cberl.features.settings import FeatureSettings, TextEncoderSettings, TextSettings
from cberl.modalities import MODALITIES as MODALITY_ORDER
from cberl.modalities import SPLITS
from cberl.preflight import check_names, check_readable
from cberl.provenance import file_digest, find_path, settings_digest
from cberl.settings import read_settings

# A mistake ends the run here, with one line and before any job.
try:
    check_settings(config, schema("config.schema.yaml"), CONFIG_SOURCE)
    validate(config, str(PROJECT / "workflow/schemas/config.schema.yaml"))
    check_encoders(config, asdict(TextEncoderSettings()), CONFIG_SOURCE)
    check_context(config, CONFIG_SOURCE)
    check_finetuning(config, CONFIG_SOURCE)
    config = in_order(config)
    VARIANTS = read_variants(find_path(config["variants"]), schema("variants.schema.yaml"))
    ROOT = find_path(config["corpus"]["root"])
    CORPUS_SETTINGS = read_settings(CorpusSettings, config["corpus"])
    ANNOTATIONS = annotation_files(CORPUS_SETTINGS, ROOT)
    ENCODER_FILES = encoder_files(
        read_settings(FeatureSettings, config["features"]), config["modalities"]
    )
    TEXT_ENCODERS = read_settings(TextSettings, config["features"]["text"]).each
    # For each text encoder, other labelled texts that it is trained on.
    AUXILIARY_FILES = [auxiliary_files(encoder) for encoder in TEXT_ENCODERS]
    RAW_FILES = [*ANNOTATIONS, *(file for files in ENCODER_FILES.values() for file in files)]
    RAW_FILES += [file for files in AUXILIARY_FILES for file in files]
    check_names(RAW_FILES)
    check_readable(RAW_FILES)
except InputError as error:
    raise SystemExit(f"error: {error}")

NAME = CORPUS = config["corpus"]["name"]
MODALITIES = [name for name in MODALITY_ORDER if name in config["modalities"]]
# Published features are not extracted, and files of them are large.
CLIP_SHARDS, TEXT_SHARDS = count_shards(
    config["shards"], ANNOTATIONS if config["corpus"]["kind"] != "features" else []
)
# A pickle is built whole in memory; other files of features are read in pieces.
PICKLED = any(file.suffix.lower() in PICKLE_SUFFIXES for file in ANNOTATIONS)
MEDIA_MODALITIES = [name for name in MODALITIES if name != "text"]
SEEDS = config["seeds"]
# The oversamplers that are not trained, and the keys of the section oversample that each reads: the
# GAN's settings remake no SMOTE samples.
RESAMPLING = {"none": [], "random": ["target"], "smote": ["target", "smote"]}
# Without repeats, in the order of the variants table.
OVERSAMPLERS = [
    o for o in dict.fromkeys(v["oversampler"] for v in VARIANTS.values()) if o != "none"
]
FUSIONS = list(dict.fromkeys(v["fusion"] for v in VARIANTS.values()))
FUSED = list(dict.fromkeys(f"{v['oversampler']}-{v['fusion']}" for v in VARIANTS.values()))
# Folders of results/{corpus}/ that hold a training history.
TRAINED = expand(
    "{trained}/seed{seed}",
    trained=[
        *(f"train/{variant}" for variant in VARIANTS),
        *(f"fuse/{name}" for name in FUSIONS if name == "vae"),
        *(f"oversample/{name}" for name in OVERSAMPLERS if name == "gan"),
    ],
    seed=SEEDS,
)
EVENTS = "events.out.tfevents.0.cberl"
# Position of the encoder, and number of its fold, for each text encoder that is trained; the folds
# of several encoders are numbered consecutively.
TUNED = [
    (position, fold)
    for position, encoder in enumerate(TEXT_ENCODERS)
    if "text" in MODALITIES and encoder.finetune.enabled
    for fold in range(encoder.finetune.folds)
]
FOLDS = list(range(len(TUNED)))
TRAINED += [f"features/text/fold{fold}" for fold in FOLDS]


wildcard_constraints:
    corpus=CORPUS,
    modality="|".join(MODALITIES),
    split="|".join(SPLITS),
    oversampler="|".join([*RESAMPLING, "gan"]),
    fusion="concat|vae",
    variant="|".join(VARIANTS),
    seed="|".join(map(str, SEEDS)),
    fold="|".join(map(str, FOLDS or [0])),


scattergather:
    shard=CLIP_SHARDS,
    text_shard=TEXT_SHARDS,


def assets_of(folder):
    """Digest of the files that a stage reads beside its code."""
    files = sorted((PROJECT / folder).iterdir())
    return settings_digest({path.name: file_digest(path) for path in files})


def shards_of_modality(wildcards):
    """The files that one modality's features are gathered from."""
    cut = gather.text_shard if wildcards.modality == "text" else gather.shard
    return cut(
        "results/{corpus}/features/{modality}/shards/{{scatteritem}}.parquet".format(**wildcards)
    )


def gpus_of_job():
    """One GPU per network job, unless the device is cpu or the machine has no GPU."""
    # The executor is not known yet, but only one that submits jobs is given a number of them.
    on_cluster = workflow.remote_exec or workflow.resource_settings.nodes is not None
    without = config["device"] == "cpu" or (
        config["device"] == "auto" and not on_cluster and not has_gpu()
    )
    return 0 if without else 1


GPUS = gpus_of_job()


def settings_of_fold(wildcards):
    position, fold = TUNED[int(wildcards.fold)]
    settings = asdict(TEXT_ENCODERS[position])
    settings.pop("encoders", None)
    return {"position": position, "fold": fold, "encoder": settings}


def encoder_of_fold(wildcards):
    """The files of the encoder that a fold trains, if it is the user's own."""
    position, _ = TUNED[int(wildcards.fold)]
    folder = find_path(TEXT_ENCODERS[position].encoder)
    return [file for file in ENCODER_FILES["text"] if Path(file).parent == folder]


def auxiliary_of_fold(wildcards):
    position, _ = TUNED[int(wildcards.fold)]
    return AUXILIARY_FILES[position]


def without_tuning(settings):
    return {key: value for key, value in settings.items() if key != "finetune"}


def settings_of_resampling(wildcards):
    read = RESAMPLING[wildcards.oversampler]
    return {key: config["oversample"][key] for key in read}


def variant_of(wildcards):
    return VARIANTS[wildcards.variant]


def events_beside(history):
    """TensorBoard's file beside a training history, if it is asked for."""
    return [str(Path(history).with_name(EVENTS))] if config["tensorboard"] else []


def all_events():
    """TensorBoard's files of the whole run: asked for late, they are made by training anew."""
    histories = [f"results/{CORPUS}/{trained}/history.parquet" for trained in TRAINED]
    return [file for history in histories for file in events_beside(history)]


def fused_folder(wildcards):
    variant = VARIANTS[wildcards.variant]
    return f"results/{wildcards.corpus}/fuse/{variant['oversampler']}-{variant['fusion']}/seed{wildcards.seed}"


def graph_folder(wildcards):
    oversampler = VARIANTS[wildcards.variant]["oversampler"]
    return f"results/{wildcards.corpus}/graph/{oversampler}/seed{wildcards.seed}"


def synthetic_of_variant(wildcards):
    oversampler = VARIANTS[wildcards.variant]["oversampler"]
    return f"results/{wildcards.corpus}/oversample/{oversampler}/seed{wildcards.seed}/synthetic.parquet"


def latents_of(*splits):
    return lambda wildcards: [f"{fused_folder(wildcards)}/{split}.parquet" for split in splits]


def graphs_of(*splits):
    return lambda wildcards: [f"{graph_folder(wildcards)}/{split}.safetensors" for split in splits]


def nodes_of(*splits):
    return lambda wildcards: [
        f"{graph_folder(wildcards)}/{split}_nodes.parquet" for split in splits
    ]


def of_every_seed(path):
    """A file of a variant for each seed; the path may name the variant's oversampler and fusion."""

    def files(wildcards):
        variant = VARIANTS[wildcards.variant]
        chosen = {key: variant[key] for key in ("variant", "oversampler", "fusion")}
        return expand(path, corpus=wildcards.corpus, seed=SEEDS, **chosen)

    return files


def vaes_of_variant(wildcards):
    if VARIANTS[wildcards.variant]["fusion"] != "vae":
        return []
    return of_every_seed("results/{corpus}/fuse/vae/seed{seed}/vae.safetensors")(wildcards)


@cache
def corpus_as_read():
    """The corpus, or the error of reading it; the process that plans the jobs reads it once."""
    from cberl.corpus.readers.read_corpus import read_corpus
    from cberl.log import unlogged

    try:
        with unlogged():
            return read_corpus(CORPUS_SETTINGS, ROOT)
    except InputError as error:
        return error


def announce_corpus():
    """Print what is to be known of the corpus; end the run if it cannot be trained on."""
    from cberl.commands.check import print_check, print_remarks
    from cberl.config_schema import Configuration

    settings = read_settings(Configuration, config)
    if "check" in workflow.dag_settings.targets:
        raise SystemExit(print_check(settings))
    print_remarks(corpus_as_read(), ROOT, settings)


@cache
def states_of_clips():
    from cberl.corpus.media.clip_files import clip_states

    corpus = corpus_as_read()
    if isinstance(corpus, InputError):
        return {}  # no job starts
    return clip_states(corpus.utterances, ROOT, CLIP_SHARDS)


def state_of_clips(wildcards):
    """The shard's media files at present: an added or changed clip is decoded again."""
    # Only the process that plans the jobs reads the corpus, not the jobs that it submits.
    return states_of_clips().get(wildcards.scatteritem) if workflow.is_main_process else None


def names_of_clips(wildcards):
    """Which clips there are, for a reader that chooses among them."""
    from cberl.corpus.media.clip_files import clip_names

    return clip_names(CORPUS_SETTINGS, ROOT) if workflow.is_main_process else None


VERDICT = Path(f"results/{CORPUS}/report/verdict.txt")


def time_of_verdict():
    """When the verdict was last written, in nanoseconds; None before the first time."""
    return VERDICT.stat().st_mtime_ns if VERDICT.exists() else None


VERDICT_BEFORE = time_of_verdict()


def print_verdict():
    """Print the per-class table, if this run made it."""
    if time_of_verdict() != VERDICT_BEFORE:
        *lines, _digest = VERDICT.read_text(encoding="utf-8").splitlines()
        print("\n".join(lines), file=sys.stderr)
