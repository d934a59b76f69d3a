"""Settings of the evaluation."""

from dataclasses import dataclass

from cberl.settings import setting


@dataclass(frozen=True)
class EvaluateSettings:
    """How sure the numbers are."""

    resamples: int = setting(
        "Bootstrap resamples of test dialogues, or of the speakers or groups that the split was "
        "drawn by.",
        1000,
        minimum=10,
    )
    confidence: float = setting(
        "Coverage of the intervals (0 to 1).", 0.95, exclusive_minimum=0, exclusive_maximum=1
    )
