"""Settings of the report."""

from dataclasses import dataclass

from cberl.settings import setting


@dataclass(frozen=True)
class ReportSettings:
    """What the report stage writes beside the page, the verdict and the model cards."""

    tensorboard: bool = setting(
        "Write a TensorBoard event file beside each training history.", False
    )
