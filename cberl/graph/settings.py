"""Settings of the graph."""

from dataclasses import dataclass

from cberl.settings import setting


@dataclass(frozen=True)
class GraphSettings:
    """Edges of the conversation graph."""

    past_window: int = setting("Earlier turns that an utterance is connected with.", 8, minimum=0)
    future_window: int = setting(
        "Later turns that an utterance is connected with; 0 makes the graph online.", 8, minimum=0
    )
