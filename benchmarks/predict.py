"""Speed and memory of prediction, with the demo's encoders and networks that nobody trained.

    make bench-predict                         # long recordings, and live turns
    python benchmarks/predict.py --part live   # live turns alone

The machine should be idle. Each part is printed and written into docs/results.md. Recordings of 10
minutes and 3 hours are the example recording repeated, its packets copied; memory is that of the
process and of those that it starts, summed, at its highest. Live, a turn's time is held against the
bare text encoder on the same text, in turn and in the same process.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

PROJECT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(PROJECT), str(PROJECT / "tests")]

from made_bundles import make_bundle  # noqa: E402
from results_page import show  # noqa: E402

EXAMPLE = PROJECT / "resources/example"
DEMO_MEDIA = {"frames": 4, "frame_size": 112}
"""As config/config.yaml has it; faces are looked for."""

TEN_MINUTES, THREE_HOURS = 600, 10_800
RECORDINGS = {
    "10 minutes of conversation, s": 120.0,
    "peak memory of 10 minutes, GiB": 1.5,
    "peak memory of 3 hours over that of 10 minutes": 1.1,
}
LIVE = {
    "start until the first answer, s": 4.0,
    "a turn at the median, ms": 50.0,
    "a turn over the bare encoder": 2.0,
}
GAP_S = 0.5
"""Between two repetitions, whose time stamps must not overlap."""
TURNS, WARM = 300, 50
WORDS = ["I", "really", "do", "not", "know", "what", "to", "say", "to", "that", "my", "friend"]


def repeat_example(folder: Path, seconds: float) -> tuple[Path, Path]:
    """A recording of about this length in seconds, and its subtitles, made from the example's."""
    import av

    from cberl.predict.transcripts.read_transcript import read_transcript

    media, transcript = folder / f"long{seconds}.mp4", folder / f"long{seconds}.tsv"
    turns = read_transcript(EXAMPLE / "tickets.srt")
    lines, written_s = ["start\tend\tspeaker\ttext"], 0.0
    with av.open(str(EXAMPLE / "tickets.mp4")) as source, av.open(str(media), "w") as target:
        length_s = source.duration / av.time_base + GAP_S
        streams = {one.index: target.add_stream_from_template(one) for one in source.streams}
        while written_s < seconds:
            source.seek(0)
            for packet in source.demux():
                if packet.dts is None:
                    continue
                shift = round(written_s / packet.time_base)
                packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
                packet.stream = streams[packet.stream.index]
                target.mux(packet)
            for turn in turns.itertuples():
                start_s, end_s = turn.start_s + written_s, turn.end_s + written_s
                lines.append(f"{start_s:.3f}\t{end_s:.3f}\t{turn.speaker}\t{turn.text}")
            written_s += length_s
    transcript.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return media, transcript


def run_prediction(bundle: Path, media: Path, transcript: Path, out: Path) -> tuple[float, float]:
    """Wall seconds and peak memory in GiB of ``cberl predict``."""
    command = [
        *(sys.executable, "-m", "cberl", "predict", str(media), "--transcript", str(transcript)),
        *("--bundle", str(bundle), "--out", str(out)),
    ]
    environment = os.environ | {"PYTHONPATH": str(PROJECT), "HF_HUB_OFFLINE": "1"}
    started, peak = time.monotonic(), 0
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    while process.poll() is None:
        peak = max(peak, _memory(process.pid))
        time.sleep(0.2)
    if process.returncode:
        raise SystemExit(f"cberl predict ended with status {process.returncode}")
    return time.monotonic() - started, peak / 2**30


def _memory(pid: int) -> int:
    """Bytes of a process and of those that it started, what they share counted once."""
    try:
        own = psutil.Process(pid)
        return sum(one.memory_full_info().pss for one in [own, *own.children(recursive=True)])
    except psutil.NoSuchProcess:
        return 0


def time_start(bundle: Path) -> float:
    """Seconds from the start of ``cberl predict --follow`` until its first answer."""
    command = [sys.executable, "-m", "cberl", "predict", "--follow", "--bundle", str(bundle)]
    environment = os.environ | {"PYTHONPATH": str(PROJECT), "HF_HUB_OFFLINE": "1"}
    started = time.monotonic()
    with subprocess.Popen(
        command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        process.stdin.write('{"conversation": "a", "speaker": "Ann", "text": "Hi there."}\n')
        process.stdin.flush()
        process.stdout.readline()
        seconds = time.monotonic() - started
        process.stdin.close()
    return seconds


def time_turns(bundle: Path) -> tuple[float, float]:
    """Median milliseconds of a live turn, and of the bare text encoder on the same text."""
    import torch

    from cberl.features.text.transformer import load_transformer
    from cberl.predict.bundle.load import open_bundle
    from cberl.predict.live.follower import Follower

    torch.set_num_threads(1)
    follower, bare = Follower(open_bundle(bundle), PROJECT), load_transformer("minilm")
    turns, forwards = [], []
    for number in range(TURNS):
        text = " ".join(WORDS[: 4 + number % 9])
        message = {"conversation": str(number % 20), "speaker": "AB"[number % 2], "text": text}
        started = time.perf_counter()
        follower.answer(message)
        turns.append(time.perf_counter() - started)
        inputs = bare.tokenizer(text, return_tensors="pt")
        with torch.inference_mode():
            started = time.perf_counter()
            bare.model(**inputs)
            forwards.append(time.perf_counter() - started)
    return tuple(1000 * statistics.median(times[WARM:]) for times in (turns, forwards))


def measure_recordings(folder: Path) -> dict[str, float]:
    """What `RECORDINGS` names, and how long the long one takes."""
    bundle = make_bundle(folder / "bundle", media=DEMO_MEDIA)
    short = repeat_example(folder, TEN_MINUTES)
    seconds, memory = run_prediction(bundle, *short, folder / "short")
    long = repeat_example(folder, THREE_HOURS)
    long_seconds, most = run_prediction(bundle, *long, folder / "long")
    return {
        "10 minutes of conversation, s": seconds,
        "3 hours of conversation, s": long_seconds,
        "peak memory of 10 minutes, GiB": memory,
        "peak memory of 3 hours over that of 10 minutes": most / memory,
    }


def measure_live(folder: Path) -> dict[str, float]:
    """What `LIVE` names."""
    bundle = make_bundle(folder / "online", future_window=0)
    time_start(bundle)  # reads the files into the cache
    started = time_start(bundle)
    turn, forward = time_turns(bundle)
    return {
        "start until the first answer, s": started,
        "a turn at the median, ms": turn,
        "a turn over the bare encoder": turn / forward,
    }


PARTS = {
    "recordings": (measure_recordings, RECORDINGS, "predict"),
    "live": (measure_live, LIVE, "predict-live"),
}
"""What measures each part, its bounds, and its section of the page."""


def main() -> int:
    """Measure, print, write; 1 if a bound is missed."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--part", choices=PARTS, help="that part alone")
    options = parser.parse_args()
    status = 0
    for name in [options.part] if options.part else PARTS:
        measure, bounds, section = PARTS[name]
        with tempfile.TemporaryDirectory(prefix="cberl-") as folder:
            status |= show(section, measure(Path(folder)), bounds, decimals=2)
    return status


if __name__ == "__main__":
    sys.exit(main())
