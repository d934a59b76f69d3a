"""Why a modality of an utterance cannot be used: the codes, stated here and nowhere else."""

NOT_REQUESTED = "not_requested"
OUTSIDE_ROOT = "outside_root"
MISSING = "missing"
UNREADABLE = "unreadable"
NO_AUDIO_STREAM = "no_audio_stream"
NO_VIDEO_STREAM = "no_video_stream"
EMPTY_WINDOW = "empty_window"
SILENT = "silent"
CANCELLED = "cancelled"
TOO_SHORT = "too_short"
CRASHED = "crashed"
TIMED_OUT = "timed_out"
OUT_OF_MEMORY = "out_of_memory"
EMPTY_TEXT = "empty_text"

REASONS = {
    NOT_REQUESTED: "the run does not read this modality",
    OUTSIDE_ROOT: "the annotation names a file outside the corpus root, which is not opened",
    MISSING: "there is no file for it",
    UNREADABLE: "the file, or this stream of it, cannot be decoded",
    NO_AUDIO_STREAM: "the file has no sound",
    NO_VIDEO_STREAM: "the file has no moving picture",
    EMPTY_WINDOW: "the recording has nothing between the annotated start and end",
    SILENT: "the sound never rises above -60 dB of full scale",
    CANCELLED: "the channels of the sound cancel each other out",
    TOO_SHORT: "the sound is shorter than a quarter of a second",
    CRASHED: "the decoder died on it",
    TIMED_OUT: "decoding took longer than media.time_limit_s",
    OUT_OF_MEMORY: "decoding asked for more than media.memory_limit_mb",
    EMPTY_TEXT: "the transcript is empty",
}
