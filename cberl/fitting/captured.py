"""Training steps on a GPU as CUDA graphs: what is launched again and again is launched at once."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

Terms = Mapping[str, Tensor]

EAGER_STEPS = 3
"""Steps before one is recorded: libraries reserve memory and choose kernels in the first."""


class CapturedStep:
    """A training step that is recorded once and played back from there on.

    A step of small layers is a hundred kernels, each of which takes longer to launch than to run.
    They are the same kernels with the same numbers, random ones too, as without a recording
    (CUDA graphs; https://docs.pytorch.org/docs/stable/notes/cuda.html#cuda-graphs). Batches of
    another size than the first are not played back.

    Args:
        step: one update on the rows at some positions, int64 [B] on the GPU; it must not read a
            value on the CPU. Returns the terms of the loss.
        optimizer: the one that ``step`` uses.
    """

    def __init__(self, step: Callable[[Tensor], Terms], optimizer: torch.optim.Optimizer) -> None:
        self._step, self._optimizer = step, optimizer
        self._stream = torch.cuda.Stream()
        self._graph: torch.cuda.CUDAGraph | None = None
        self._positions: Tensor | None = None
        self._terms: Terms = {}
        self._steps = 0

    def __call__(self, positions: Tensor) -> Terms:
        """One update; the terms are valid until the next call."""
        if self._positions is None:
            self._positions = positions.clone()
        alike = len(positions) == len(self._positions)
        self._steps += alike
        if alike and self._steps > EAGER_STEPS:
            if self._graph is None:
                self._record()
            self._positions.copy_(positions)
            self._graph.replay()
            return self._terms
        # Gradients are added up on the stream on which they were first: that of the recording.
        self._stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self._stream):
            terms = self._step(positions)
        torch.cuda.current_stream().wait_stream(self._stream)
        return terms

    def _record(self) -> None:
        for group in self._optimizer.param_groups:
            group["capturable"] = True
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._graph, stream=self._stream):
            terms = self._step(self._positions)
            self._terms = {name: value.detach() for name, value in terms.items()}
