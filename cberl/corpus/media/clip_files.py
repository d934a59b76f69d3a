"""Whether the files that utterances are cut from are still those that a job has seen."""

import os
from collections import defaultdict
from pathlib import Path

import pandas as pd

from cberl.corpus.locate import find_file
from cberl.corpus.readers.meld import unusual_clips
from cberl.corpus.settings import CorpusSettings
from cberl.corpus.shards import shard_numbers
from cberl.modalities import SPLITS
from cberl.provenance import settings_digest


def clip_names(settings: CorpusSettings, root: Path) -> str | None:
    """Digest the names of clips that change what the reader notes about an utterance.

    MELD has such names: corrected clips stand in for others. A plainly named clip is not among
    them: whether it is there is in `clip_states`, for its shard alone. None for the other
    kinds, whose annotations name their files.
    """
    if settings.kind != "meld":
        return None
    return settings_digest([unusual_clips(root, split) for split in SPLITS])


def clip_states(utterances: pd.DataFrame, root: Path, shards: int) -> dict[str, str]:
    """Digest the names, sizes and times of each shard's media files, without opening them.

    A clip that was replaced, added or taken away changes the digest of the shards that need it.

    Args:
        utterances: table `UTTERANCES`.
        root: folder of the corpus.
        shards: number of shards.

    Returns:
        Snakemake's name of the shard (``2-of-16``) -> digest.
    """
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
        file, _, _ = find_file(root, path)  # it may be called a little otherwise
        if file is None:
            return path, None, None
        found = file.stat()
    return path, found.st_size, found.st_mtime_ns
