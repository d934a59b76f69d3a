"""Training histories as TensorBoard event files.

The files are written record by record with fixed times, so that the same history gives the same
bytes; TensorBoard's step axis shows epochs, its wall time has no meaning here.
"""

from pathlib import Path

import pandas as pd

from cberl.errors import InputError
from cberl.whole_files import whole_file


def write_events(path: str | Path, history: pd.DataFrame) -> None:
    """Write a history as scalars named ``split/quantity`` with the epoch as step.

    Args:
        path: of the file; TensorBoard knows it by a name that begins with ``events.out.tfevents``.
        history: rows of the table history.
    """
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.summary.writer.record_writer import RecordWriter

    events = [Event(wall_time=0, file_version="brain.Event:2")]
    for row in history.itertuples(index=False):
        value = Summary.Value(tag=f"{row.split}/{row.quantity}", simple_value=row.value)
        summary = Summary(value=[value])
        events.append(Event(wall_time=row.epoch, step=row.epoch, summary=summary))
    with whole_file(path) as temporary, temporary.open("wb") as handle:
        writer = RecordWriter(handle)
        for event in events:
            writer.write(event.SerializeToString(deterministic=True))
        writer.flush()


def count_events(path: str | Path) -> int:
    """Count the records of an event file, each compared with its checksum.

    Raises:
        InputError: a record is broken or cut short.
    """
    from tensorboard.compat.tensorflow_stub import errors
    from tensorboard.compat.tensorflow_stub.pywrap_tensorflow import PyRecordReader_New

    reader, count = PyRecordReader_New(str(path)), 0
    try:
        while True:
            reader.GetNext()
            count += 1
    except errors.OutOfRangeError:
        return count
    except errors.DataLossError:
        raise InputError(f"{path}: broken: record {count} is not what was written") from None
