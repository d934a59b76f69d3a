"""Decoding one clip; runs in a sandbox's worker, so it must not import anything heavy."""

import logging
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import av
import numpy as np

from cberl.corpus import reasons, sound
from cberl.corpus.faces import crop_faces
from cberl.corpus.frames import (
    FrameSampler,
    encode_jpeg,
    has_absurd_size,
    resize_short_side,
    sample_times,
)

# No playlist, image sequence or network protocol: a clip must not name other files to be read.
CONTAINERS = (
    "aac,ac3,aiff,amr,asf,au,avi,caf,dv,eac3,flac,flv,h264,hevc,m4v,matroska,webm,mjpeg,mov,mp3,"
    "mp4,mpeg,mpegts,mpegvideo,mxf,nut,ogg,rm,w64,wav,wv"
)
OPTIONS = {"protocol_whitelist": "file", "format_whitelist": CONTAINERS}
# The libraries' messages go into errors, not to the job's log: broken clips make thousands.
logging.getLogger("libav").addHandler(logging.NullHandler())
logging.getLogger("libav").propagate = False
av.logging.set_level(av.logging.ERROR)
# Decoding starts this much before an utterance: codecs need a little to settle.
SETTLING_S = 0.2


@dataclass
class Part:
    """What came of one modality; ``reason`` is None if it can be used."""

    reason: str | None
    detail: str | None = None


def decode_clip(request: dict[str, Any]) -> tuple[dict[str, Any], list[bytes]]:
    """Decode the sound and frames of one utterance.

    Args:
        request: audio_file, video_file (paths; null where the modality is not wanted; the same
            for both in a clip), audio_apart (the sound lies in a file of its own), start_s, end_s
            (seconds into the recording; null: all of it), crop (left, right, null), sample_rate,
            frames, frame_size, faces.

    Returns:
        Facts named as the columns of the table MEDIA, and blobs: the sound as int16 samples if
        ``audio_reason`` is null, then each frame as JPEG if ``video_reason`` is null.
    """
    facts: dict[str, Any] = {}
    blobs: list[bytes] = []
    details: list[str] = []
    files = (request["audio_file"], request["video_file"])
    if files[0] == files[1]:
        parts = [_decode_file(files[0], request, True, True)]
    else:
        parts = [
            _decode_file(file, request, audio=position == 0, video=position == 1)
            for position, file in enumerate(files)
            if file is not None
        ]
    for found, found_blobs, found_details in parts:
        seconds = max(facts.get("duration_s") or 0.0, found.get("duration_s") or 0.0)
        facts |= found | {"duration_s": seconds or None}
        blobs += found_blobs
        details += found_details
    return facts | {"detail": "; ".join(details) or None}, blobs


def _decode_file(
    path: str, request: dict[str, Any], audio: bool, video: bool
) -> tuple[dict[str, Any], list[bytes], list[str]]:
    try:
        container = av.open(path, options=OPTIONS, metadata_errors="replace")
    except MemoryError:
        raise
    except (av.FFmpegError, ValueError) as error:
        wanted = {"audio_reason": audio, "video_reason": video}
        facts = {name: reasons.UNREADABLE for name, is_wanted in wanted.items() if is_wanted}
        return facts, [], [_words(error)]
    with container:
        # A separate sound file is the utterance's own; start and end count in the recording.
        whole = request["audio_apart"] and audio
        window = (None, None) if whole else (request["start_s"], request["end_s"])
        return _Decoding(container, request, window).run(audio, video)


class _Decoding:
    """One pass through one open file."""

    def __init__(
        self,
        container: av.container.InputContainer,
        request: dict[str, Any],
        window: tuple[float | None, float | None],
    ) -> None:
        self._container, self._request = container, request
        start, end = window
        self._is_cut = start is not None or end is not None
        self._start = -math.inf if start is None else start
        self._end = math.inf if end is None else end
        # Players count from where the first stream starts.
        origin = (container.start_time or 0) / av.time_base if self._is_cut else 0.0
        self._origin = origin
        self._details: list[str] = []
        self._facts: dict[str, Any] = {}
        self._blobs: list[bytes] = []
        self._broken = {"audio": 0, "video": 0}

    def run(self, audio: bool, video: bool) -> tuple[dict[str, Any], list[bytes], list[str]]:
        audio_stream = self._choose("audio") if audio else None
        video_stream = self._choose("video") if video else None
        if audio and audio_stream is None:
            self._facts["audio_reason"] = reasons.NO_AUDIO_STREAM
        if video and video_stream is None:
            self._facts["video_reason"] = reasons.NO_VIDEO_STREAM
        streams = [stream for stream in (audio_stream, video_stream) if stream is not None]
        for stream in self._container.streams:
            if stream not in streams:
                stream.discard = av.stream.Discard.all
        if streams:
            track, pictures = self._read(streams)
            if audio_stream is not None:
                self._finish_audio(track)
            if video_stream is not None:
                self._decode_pictures(video_stream, pictures)
        return self._facts, self._blobs, self._details

    def _choose(self, kind: str) -> Any:
        best = self._container.streams.best(kind)
        if best is None or best.codec_context is None:
            return None
        if best.disposition & av.stream.Disposition.attached_pic:
            return None
        best.codec_context.thread_count = 1
        return best

    def _read(self, streams: list[Any]) -> tuple[sound.MonoTrack, list[av.Packet]]:
        """Read the window's packets; sound is decoded at once, pictures are decoded later."""
        track = sound.MonoTrack(self._request["sample_rate"])
        pictures: list[av.Packet] = []
        waiting = {stream.index for stream in streams}
        self._seek(streams)
        for packet in self._packets(streams):
            if packet.stream.type == "audio":
                self._add_sound(track, packet)
            elif packet.size:
                pictures.append(packet)
            if _after(packet, self._end + self._origin):
                waiting.discard(packet.stream.index)
                if not waiting:
                    break
        return track, pictures

    def _seek(self, streams: list[Any]) -> None:
        target = self._start + self._origin - SETTLING_S
        if self._start <= SETTLING_S:
            return
        try:
            self._container.seek(int(target * av.time_base))
        except av.FFmpegError as error:
            # Without an index everything before the utterance is decoded too.
            self._details.append(f"cannot seek: {_words(error)}")

    def _packets(self, streams: list[Any]) -> Iterator[av.Packet]:
        packets = self._container.demux(streams)
        while True:
            try:
                packet = next(packets)
            except StopIteration:
                return
            except MemoryError:
                raise
            except av.FFmpegError as error:
                self._details.append(f"reading ended early: {_words(error)}")
                return
            yield packet

    def _decode(self, packet: av.Packet | None, stream: Any) -> list[Any]:
        try:
            return stream.codec_context.decode(packet)
        except MemoryError:
            raise
        except (av.FFmpegError, ValueError) as error:
            if packet is not None:
                self._broken[stream.type] += 1
                if self._broken[stream.type] == 1:
                    self._details.append(f"{stream.type}: {_words(error)}")
            return []

    def _add_sound(self, track: sound.MonoTrack, packet: av.Packet) -> None:
        stream = packet.stream
        for frame in self._decode(packet if packet.size else None, stream):
            rate = frame.sample_rate
            self._facts["source_channels"] = frame.layout.nb_channels
            self._facts["source_sample_rate"] = rate
            first, last = 0, frame.samples
            if self._is_cut and frame.pts is not None and rate > 0:
                begins = float(frame.pts * frame.time_base) - self._origin
                first = max(first, math.ceil(max((self._start - begins) * rate, 0)))
                last = math.floor(max(min((self._end - begins) * rate, last), 0))
            if last > first:
                try:
                    track.add(frame, first, last)
                except (av.FFmpegError, ValueError, KeyError) as error:
                    if isinstance(error, MemoryError):
                        raise
                    self._broken["audio"] += 1
                    if self._broken["audio"] == 1:
                        self._details.append(f"audio: {_words(error)}")

    def _finish_audio(self, track: sound.MonoTrack) -> None:
        rate = self._request["sample_rate"]
        samples = track.finish()
        self._facts["duration_s"] = track.source_seconds or None
        if len(samples) == 0:
            decoded = "source_channels" in self._facts and not self._broken["audio"]
            empty = self._is_cut and decoded
            self._facts["audio_reason"] = reasons.EMPTY_WINDOW if empty else reasons.UNREADABLE
        elif len(samples) < sound.SHORTEST_S * rate:
            self._facts["audio_reason"] = reasons.TOO_SHORT
        elif sound.is_silent(samples, rate):
            self._facts["audio_reason"] = reasons.SILENT
            self._facts["speech_s"] = 0.0
        else:
            self._facts["audio_reason"] = None
            self._facts["speech_s"] = sound.speech_seconds(samples, rate)
            self._blobs.append(sound.to_int16(samples).tobytes())
        if self._broken["audio"]:
            self._details.append(f"audio: {self._broken['audio']} packets were not decodable")

    def _decode_pictures(self, stream: Any, packets: list[av.Packet]) -> None:
        base = stream.time_base
        shown = [packet.dts if packet.pts is None else packet.pts for packet in packets]
        times = [float(time * base) - self._origin for time in shown if time is not None]
        rate = stream.average_rate or stream.guessed_rate
        fps = float(rate) if rate else None
        self._facts["source_fps"] = fps if fps and math.isfinite(fps) else None
        if not times and packets:
            # Streams without time stamps: a frame after the other at the claimed rate.
            times = [number / (fps or 25.0) for number in range(len(packets))]
        moments = (
            sample_times(times, self._request["frames"], (self._start, self._end))
            if times
            else np.empty(0)
        )
        if len(moments) == 0:
            empty = self._is_cut and times
            self._facts["video_reason"] = reasons.EMPTY_WINDOW if empty else reasons.UNREADABLE
            return
        sampler = FrameSampler(
            moments,
            self._request["frame_size"],
            self._request["crop"],
            detail=self._request["faces"],
            pixel_aspect=_pixel_aspect(stream),
        )
        self._sample(stream, packets, sampler, 1 / (fps or 25.0))
        if self._broken["video"]:
            self._details.append(f"video: {self._broken['video']} packets were not decodable")
        if not sampler.pictures:
            self._facts["video_reason"] = reasons.UNREADABLE
            return
        self._finish_video(sampler)

    def _sample(
        self, stream: Any, packets: list[av.Packet], sampler: FrameSampler, gap: float
    ) -> None:
        before, count, ends = -gap, 0, 0.0
        for packet in [*packets, None]:
            for frame in self._decode(packet, stream):
                known = frame.pts is not None and frame.time_base
                appears = (
                    float(frame.pts * frame.time_base) - self._origin if known else before + gap
                )
                before = appears
                if has_absurd_size(frame.width, frame.height):
                    self._broken["video"] += 1
                    continue
                self._facts["source_width"] = frame.width
                self._facts["source_height"] = frame.height
                if self._start <= appears < self._end:
                    count += 1
                    ends = appears + gap
                sampler.add(appears, frame)
            if sampler.done and self._is_cut:
                break
        sampler.finish()
        self._facts["source_frames"] = count
        if count:
            seconds = min(count * gap, ends if self._is_cut else math.inf)
            self._facts["duration_s"] = max(self._facts.get("duration_s") or 0.0, seconds)

    def _finish_video(self, sampler: FrameSampler) -> None:
        side = self._request["frame_size"]
        pictures, found = sampler.pictures, None
        if self._request["faces"]:
            pictures, found = crop_faces(pictures)
        zero = self._start if math.isfinite(self._start) else 0.0
        self._facts["video_reason"] = None
        self._facts["face_found"] = found
        self._facts["frame_times_s"] = [round(time - zero, 4) for time in sampler.times_s]
        encoded: dict[int, bytes] = {}
        for picture in pictures:
            if id(picture) not in encoded:
                encoded[id(picture)] = encode_jpeg(resize_short_side(picture, side))
            self._blobs.append(encoded[id(picture)])


def _pixel_aspect(stream: Any) -> float:
    """Width of a pixel by its height; 1 where it is not told or not to be believed."""
    told = stream.sample_aspect_ratio
    return float(told) if told and 0.25 <= told <= 4 else 1.0


def _after(packet: av.Packet, end: float) -> bool:
    """Whether a packet, and so all that follow it in its stream, comes after ``end``."""
    if packet.pts is None or packet.dts is None:
        time = packet.pts if packet.dts is None else packet.dts
    else:
        time = min(packet.pts, packet.dts)
    return time is not None and float(time * packet.time_base) > end


def _words(error: Exception) -> str:
    """The decoder's own words, without the path of the file."""
    words = getattr(error, "strerror", None) or str(error)
    log = getattr(error, "log", None)
    return f"{words}: {log[2].strip()}" if log else words
