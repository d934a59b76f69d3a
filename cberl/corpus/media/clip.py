"""Decoding one clip; runs in a sandbox's worker, so it must not import anything heavy."""

import math
from pathlib import Path
from typing import Any

import av
import numpy as np

from cberl.corpus import reasons
from cberl.corpus.foreign_files import describe_foreign
from cberl.corpus.media import sound
from cberl.corpus.media.faces import crop_faces
from cberl.corpus.media.frames import (
    FrameSampler,
    encode_jpeg,
    has_absurd_size,
    resize_short_side,
    sample_times,
)
from cberl.corpus.media.recording import SETTLING_S, Recording, error_words
from cberl.corpus.media.samples import to_int16

USUAL_FPS = 25.0
Answer = tuple[dict[str, Any], list[bytes]]


def decode_clip(request: dict[str, Any]) -> Answer:
    """Decode the sound and frames of one utterance.

    Args:
        request: audio_file, video_file (paths; null where the modality is not wanted; the same
            for both in a clip), audio_apart (the sound lies in a file of its own), start_s, end_s
            (seconds into the recording; null: all of it), crop (left, right, null), sample_rate,
            frames, frame_size, faces; in_time, if it is there (silence stands where a part has no
            sound, so that samples are where they are heard).

    Returns:
        Facts named as the columns of the table MEDIA, and blobs: the sound as int16 samples if
        ``audio_reason`` is null, then each frame as JPEG if ``video_reason`` is null.

    Raises:
        MemoryError: decoding needs more than the worker may have.
    """
    audio_file, video_file = request["audio_file"], request["video_file"]
    try:
        if audio_file == video_file:
            answers = [_decode_file(audio_file, ("audio", "video"), request)]
        else:
            wanted = ((audio_file, ("audio",)), (video_file, ("video",)))
            answers = [_decode_file(file, kinds, request) for file, kinds in wanted if file]
    except MemoryError as error:
        raise MemoryError(error_words(error)) from error
    facts: dict[str, Any] = {}
    for found, _ in answers:
        facts |= found
    seconds = [found.get("duration_s") or 0.0 for found, _ in answers]
    details = [found["detail"] for found, _ in answers if found["detail"]]
    facts |= {"duration_s": max(seconds) or None, "detail": "; ".join(details) or None}
    return facts, [blob for _, blobs in answers for blob in blobs]


def _decode_file(path: str, kinds: tuple[str, ...], request: dict[str, Any]) -> Answer:
    # A separate sound file is the utterance's own; start and end count in the recording.
    whole = "audio" in kinds and request["audio_apart"]
    window = (None, None) if whole else (request["start_s"], request["end_s"])
    try:
        recording = Recording(path, kinds, *window)
    except MemoryError:
        raise
    except (av.FFmpegError, ValueError) as error:
        facts = {f"{kind}_reason": reasons.UNREADABLE for kind in kinds}
        foreign = describe_foreign(path)
        words = f"{Path(path).name} {foreign}" if foreign else error_words(error)
        return facts | {"detail": words}, []
    with recording:
        facts, blobs = {}, []
        absent = {"audio": reasons.NO_AUDIO_STREAM, "video": reasons.NO_VIDEO_STREAM}
        for kind in kinds:
            if kind not in recording.streams:
                facts[f"{kind}_reason"] = absent[kind]
        if recording.streams:
            track, pictures = _read(recording, request, facts)
            if "audio" in recording.streams:
                blobs += _finish_sound(recording, track, request, facts)
                if facts["audio_reason"] == reasons.CANCELLED and "channel" not in request:
                    return _decode_by_channel(path, kinds, request, track.loudest)
            if "video" in recording.streams:
                blobs += _decode_pictures(recording, pictures, request, facts)
        empty = reasons.EMPTY_WINDOW in facts.values()
        words = [*([_describe_cut(path, recording)] if empty else []), *recording.complaints]
        return facts | {"detail": "; ".join(words) or None}, blobs


def _describe_cut(path: str, recording: Recording) -> str:
    """Which part was looked for, and how long the recording is: times are often in other units."""
    end = "its end" if math.isinf(recording.end_s) else f"{recording.end_s:g} s"
    length = "" if recording.length_s is None else f" of {recording.length_s:.1f} s"
    start = max(recording.start_s, 0.0)
    return f"{Path(path).name}: nothing from {start:g} s to {end}{length}"


def _decode_by_channel(
    path: str, kinds: tuple[str, ...], request: dict[str, Any], channel: int
) -> Answer:
    """Decode again, with one channel for the sound, since all together cancel each other out."""
    facts, blobs = _decode_file(path, kinds, request | {"channel": channel})
    words = f"audio: channels cancel each other out when mixed; channel {channel + 1} is taken"
    return facts | {"detail": "; ".join(filter(None, (words, facts["detail"])))}, blobs


def _read(
    recording: Recording, request: dict[str, Any], facts: dict[str, Any]
) -> tuple[sound.MonoTrack, list[av.Packet]]:
    """Read the part: sound is decoded at once, packets of pictures are kept for later."""
    track = sound.MonoTrack(request["sample_rate"], request.get("channel"))
    pictures: list[av.Packet] = []
    for packet in recording.packets():
        time_s = recording.time_of(packet)
        if packet.stream.type == "audio":
            if time_s is None or time_s >= recording.start_s - 2 * SETTLING_S:
                _add_sound(recording, packet, track, facts, request.get("in_time", False))
        elif packet.size:
            if packet.is_keyframe and time_s is not None and time_s <= recording.start_s:
                pictures.clear()
            pictures.append(packet)
    return track, pictures


def _add_sound(
    recording: Recording,
    packet: av.Packet,
    track: sound.MonoTrack,
    facts: dict[str, Any],
    in_time: bool,
) -> None:
    for frame in recording.decode(packet if packet.size else None, packet.stream):
        rate = frame.sample_rate
        facts |= {"source_channels": frame.layout.nb_channels, "source_sample_rate": rate}
        first, last, time_s = 0, frame.samples, recording.time_of(frame)
        if recording.is_cut and time_s is not None:
            first = math.ceil(max((recording.start_s - time_s) * rate, 0))
            last = math.floor(min((recording.end_s - time_s) * rate, last))
        if last <= first:
            continue
        if in_time and time_s is not None:
            track.fill_until(time_s + first / rate - recording.start_s)
        try:
            track.add(frame, first, last)
        except MemoryError:
            raise
        except (av.FFmpegError, ValueError) as error:
            recording.failures["audio"].append(error_words(error))


def _finish_sound(
    recording: Recording, track: sound.MonoTrack, request: dict[str, Any], facts: dict[str, Any]
) -> list[bytes]:
    rate = request["sample_rate"]
    samples = track.finish()
    facts["duration_s"] = track.source_seconds or None
    if len(samples) == 0:
        facts["audio_reason"] = _reason_of_nothing(recording, "audio")
    elif len(samples) < sound.SHORTEST_S * rate:
        facts["audio_reason"] = reasons.TOO_SHORT
    else:
        silent = sound.is_silent(samples, rate)
        facts["audio_reason"] = reasons.SILENT if silent else None
        if sound.is_cancelled(samples, rate, track.loudest_db):
            facts["audio_reason"] = reasons.CANCELLED
        facts["speech_s"] = 0.0 if silent else sound.speech_seconds(samples, rate)
    return [to_int16(samples).tobytes()] if facts["audio_reason"] is None else []


def _decode_pictures(
    recording: Recording, packets: list[av.Packet], request: dict[str, Any], facts: dict[str, Any]
) -> list[bytes]:
    stream = recording.streams["video"]
    rate = stream.average_rate or stream.guessed_rate
    fps = float(rate) if rate and 0 < rate < 10_000 else None
    facts["source_fps"] = fps
    gap_s = 1 / (fps or USUAL_FPS)
    times = [time for packet in packets if (time := recording.time_of(packet)) is not None]
    # Without time stamps: one frame after the other at the claimed rate.
    times = times or [number * gap_s for number in range(len(packets))]
    moments = sample_times(times, request["frames"], (recording.start_s, recording.end_s))
    sampler = FrameSampler(
        moments,
        request["frame_size"],
        request["crop"],
        detail=request["faces"],
        pixel_aspect=_pixel_aspect(stream),
    )
    if len(moments):
        _sample(recording, packets, sampler, gap_s, facts)
    if not sampler.pictures:
        facts["video_reason"] = _reason_of_nothing(recording, "video")
        return []
    facts["video_reason"] = None
    start_s = recording.start_s if math.isfinite(recording.start_s) else 0.0
    facts["frame_times_s"] = [round(time_s - start_s, 4) for time_s in sampler.times_s]
    return _encode(sampler.pictures, request, facts)


def _sample(
    recording: Recording,
    packets: list[av.Packet],
    sampler: FrameSampler,
    gap_s: float,
    facts: dict[str, Any],
) -> None:
    """Decode in sequence; only what is sampled leaves the decoder's own format."""
    appears: list[float] = []
    time_s = -gap_s
    for packet in [*packets, None]:
        for frame in recording.decode(packet, recording.streams["video"]):
            known = recording.time_of(frame)
            time_s = time_s + gap_s if known is None else known
            if has_absurd_size(frame.width, frame.height):
                size = f"a picture of {frame.width} x {frame.height} pixels"
                recording.failures["video"].append(size)
                continue
            facts |= {"source_width": frame.width, "source_height": frame.height}
            if recording.start_s <= time_s < recording.end_s:
                appears.append(time_s)
            sampler.add(time_s, frame)
        if sampler.done and time_s >= recording.end_s:
            break
    sampler.finish()
    facts["source_frames"] = len(appears)
    if appears:
        seconds = max(appears) - min(appears) + gap_s
        facts["duration_s"] = max(facts.get("duration_s") or 0.0, seconds)


def _encode(
    pictures: list[np.ndarray], request: dict[str, Any], facts: dict[str, Any]
) -> list[bytes]:
    if request["faces"]:
        pictures, facts["face_found"] = crop_faces(pictures)
    encoded: dict[int, bytes] = {}
    for picture in pictures:
        if id(picture) not in encoded:
            encoded[id(picture)] = encode_jpeg(resize_short_side(picture, request["frame_size"]))
    return [encoded[id(picture)] for picture in pictures]


def _reason_of_nothing(recording: Recording, kind: str) -> str:
    if recording.is_cut and not recording.failures[kind]:
        return reasons.EMPTY_WINDOW
    return reasons.UNREADABLE


def _pixel_aspect(stream: Any) -> float:
    """Width of a pixel by its height; 1 where it is not given or not plausible."""
    ratio = stream.sample_aspect_ratio
    return float(ratio) if ratio and 0.25 <= ratio <= 4 else 1.0
