"""From new conversations to the files of their prediction."""

from collections.abc import Sequence
from pathlib import Path

from cberl.predict.bundle.load import Models
from cberl.predict.new_conversations import NewConversations
from cberl.predict.outputs.write_outputs import write_outputs
from cberl.predict.predictor import predict_conversations
from cberl.provenance import code_digest, describe_job, portable_name


def predict_into(
    folder: Path, models: Models, new: NewConversations, inputs: Sequence[str]
) -> list[Path]:
    """Predict and write everything; see `cberl.predict.outputs.write_outputs.write_outputs`.

    Args:
        inputs: the files that ``new`` was read from, for the provenance.

    Raises:
        InputError: nothing can be predicted, or the folder cannot be written.
    """
    prediction = predict_conversations(models, new, keep_encoders=False)
    # By their absolute paths: a user's own file under results/ is no artifact with a digest.
    places = {Path(path).absolute(): Path(portable_name(path, {})) for path in inputs}
    provenance = describe_job(
        rule="predict",
        wildcards={},
        settings={"bundle": models.describe()},
        code=code_digest(__file__),
        seed=None,
        inputs=[str(path) for path in places],
        places=places,
    )
    return write_outputs(folder, prediction, new.root, provenance, new.durations)
