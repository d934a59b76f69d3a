"""Whether the files that utterances are cut from are still those that a job has seen."""

import os
from collections import defaultdict
from pathlib import Path

import pandas as pd

from cberl.corpus.readers.meld import unusual_clips
from cberl.corpus.readers.read_corpus import read_corpus
from cberl.corpus.settings import CorpusSettings
from cberl.corpus.shards import shard_numbers
from cberl.errors import InputError
from cberl.log import unlogged
from cberl.modalities import SPLITS
from cberl.provenance import settings_digest


def clip_names(settings: CorpusSettings, root: Path) -> str | None:
    """Digest the names of clips that decide what the reader says of an utterance.

    Of MELD there are such: corrected clips stand in for others. A plainly named clip is not among
    them: whether it is there is told by `clip_states`, to its shard alone. None for the other
    kinds, whose annotations name their files.
    """
    if settings.kind != "meld":
        return None
    return settings_digest([unusual_clips(root, split) for split in SPLITS])


def clip_states(settings: CorpusSettings, root: Path, shards: int) -> dict[str, str]:
    """Digest the names, sizes and times of each shard's media files, without opening them.

    A clip that was replaced, added or taken away changes the digest of the shards that need it.

    Args:
        settings: the section ``corpus`` of the configuration.
        root: folder of the corpus.
        shards: number of shards.

    Returns:
        Snakemake's name of the shard (``2-of-16``) -> digest; none of a corpus that its reader
        refuses, which is for the job to say that reads it.
    """
    try:
        with unlogged():  # the job that reads the corpus logs what there is to say
            utterances = read_corpus(settings, root).utterances
    except InputError:
        return {}
    files: dict[int, set[str]] = defaultdict(set)
    numbers = shard_numbers(utterances["dialogue_id"], shards)
    for column in ("media_path", "audio_path"):
        for number, path in zip(numbers, utterances[column], strict=True):
            if not pd.isna(path):
                files[number].add(path)
    states = {path: _state(root, path) for path in set().union(*files.values())}
    return {
        f"{number}-of-{shards}": settings_digest([states[path] for path in sorted(files[number])])
        for number in range(1, shards + 1)
    }


def _state(root: Path, path: str) -> tuple[str, int, int] | tuple[str, None, None]:
    # Not through pathlib: of a million clips that alone would take longer than all the rest.
    try:
        found = os.stat(os.path.join(root, path))
    except (OSError, ValueError):
        return path, None, None
    return path, found.st_size, found.st_mtime_ns
