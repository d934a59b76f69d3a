"""Training histories for TensorBoard."""

import pandas as pd
from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

from cberl.fitting.events import write_events

HISTORY = pd.DataFrame(
    [(epoch, split, "loss", 1 / epoch) for epoch in (1, 2, 3) for split in ("train", "dev")],
    columns=["epoch", "split", "quantity", "value"],
)


def test_event_files_hold_the_history(tmp_path):
    path = tmp_path / "events.out.tfevents.0.cberl"
    write_events(path, HISTORY)
    events = [event for event in EventFileLoader(str(path)).Load() if event.summary.value]
    assert [event.summary.value[0].tag for event in events[:2]] == ["train/loss", "dev/loss"]
    assert [event.step for event in events] == HISTORY["epoch"].tolist()
    again = tmp_path / "again"
    write_events(again, HISTORY)
    assert again.read_bytes() == path.read_bytes()
