"""The tables of the corpus stage."""

import pyarrow as pa

from cberl.tables import COUNT, FLAG, NUMBER, TEXT, UTTERANCE_ID, Column, TableKind

NO_DIGEST = "null: not asked for, absent, or not to be read in time"

UTTERANCES = TableKind(
    "utterances",
    "The conversations, one row per utterance in the order of speaking; no labels. The metadata "
    "hold what reading them noticed, a line each.",
    ("utterance_id",),
    (
        UTTERANCE_ID,
        Column("split", TEXT, "train, dev or test"),
        Column("dialogue_id", TEXT, "split/dialogue"),
        Column("turn", COUNT, "rank of the utterance in its dialogue, from 0 without gaps"),
        Column("speaker", TEXT, "who speaks, as the corpus names them"),
        Column("text", TEXT, "the transcript, in Unicode; empty if there is none"),
        Column("split_group", TEXT, "what stays together in a split and is resampled: metadata"),
        Column("media_path", TEXT, "clip or recording, relative to the corpus root", nullable=True),
        Column("media_start_s", NUMBER, "seconds into media_path; null: from its start", True),
        Column("media_end_s", NUMBER, "seconds into media_path; null: to its end", True),
        Column("media_crop", TEXT, "half of the picture that shows the speaker: left, right", True),
        Column("audio_path", TEXT, "sound, if apart from media_path; relative to the root", True),
        Column("annotated_duration_s", NUMBER, "seconds, as the annotation has it", True),
        Column("note", TEXT, "what the reader mended or substituted in this row", nullable=True),
    ),
)

LABELS = TableKind(
    "labels",
    "The emotion of each utterance of one split; the metadata hold the list of classes.",
    ("utterance_id",),
    (
        UTTERANCE_ID,
        Column("label", TEXT, "a class; null: context only, the loss is masked", nullable=True),
    ),
)

MEDIA = TableKind(
    "media",
    "Decoded clips of one shard: mono sound and frames sampled by time, with what was found.",
    ("utterance_id",),
    (
        UTTERANCE_ID,
        Column("audio", pa.list_(pa.int16()), "mono samples at sample_rate", nullable=True),
        Column("sample_rate", COUNT, "Hz of the column audio", nullable=True),
        Column("frames", pa.list_(pa.binary()), "RGB frames as JPEG, in time", nullable=True),
        Column("frame_times_s", pa.list_(pa.float32()), "seconds into the clip", nullable=True),
        Column("face_found", pa.list_(FLAG), "frame is a face crop; null: not looked for", True),
        Column("audio_reason", TEXT, "why there is no sound; null: there is", nullable=True),
        Column("video_reason", TEXT, "why there are no frames; null: there are", nullable=True),
        Column("detail", TEXT, "the decoder's own words", nullable=True),
        Column("duration_s", NUMBER, "seconds that were decoded", nullable=True),
        Column("source_channels", COUNT, "channels before the downmix", nullable=True),
        Column("source_sample_rate", COUNT, "Hz before resampling", nullable=True),
        Column("source_fps", NUMBER, "frames per second of the clip", nullable=True),
        Column("source_frames", COUNT, "frames that were decoded", nullable=True),
        Column("source_width", COUNT, "pixels", nullable=True),
        Column("source_height", COUNT, "pixels", nullable=True),
        Column("speech_s", NUMBER, "seconds of sound that carry speech, by energy", nullable=True),
        Column("audio_sha256", TEXT, f"digest of the file with the sound; {NO_DIGEST}", True),
        Column("video_sha256", TEXT, f"digest of the file with the picture; {NO_DIGEST}", True),
    ),
)

QUALITY = TableKind(
    "quality",
    "What could be used: one row per utterance and modality.",
    ("utterance_id", "modality"),
    (
        UTTERANCE_ID,
        Column("modality", TEXT, "text, audio or video"),
        Column("available", FLAG, "usable by the models"),
        Column("reason", TEXT, "why it is not available", nullable=True),
        Column("detail", TEXT, "the decoder's own words", nullable=True),
        Column("media_path", TEXT, "clip, relative to the corpus root", nullable=True),
        Column("duration_s", NUMBER, "seconds that were decoded", nullable=True),
        Column("annotated_duration_s", NUMBER, "seconds, as the annotation has it", True),
        Column("channels", COUNT, "audio channels before the downmix", nullable=True),
        Column("sample_rate", COUNT, "Hz before resampling", nullable=True),
        Column("fps", NUMBER, "frames per second", nullable=True),
        Column("frames", COUNT, "frames that were decoded", nullable=True),
        Column("width", COUNT, "pixels", nullable=True),
        Column("height", COUNT, "pixels", nullable=True),
        Column("speech_seen", FLAG, "sound with speech in it, by energy", nullable=True),
        Column("face_share", NUMBER, "share of the sampled frames with a face", nullable=True),
        Column("duplicate_of", TEXT, "first utterance with the same part of the same bytes", True),
        Column("note", TEXT, "what the reader mended or substituted", nullable=True),
    ),
)
