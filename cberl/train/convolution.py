"""torch-geometric's relational graph convolution, without the rest of that package's imports."""

import atexit
import sys
from pathlib import Path

from cberl.postponed import postpone_unused

postpone_unused()
from torch_geometric.nn import RGCNConv  # noqa: E402

__all__ = ["RGCNConv"]


@atexit.register
def _remove_written_module() -> None:
    """The layer writes a module of its own into the folder for temporary files, and leaves it."""
    written = sys.modules.get(f"{RGCNConv.__module__}_{RGCNConv.__name__}_propagate")
    for path in (written.__file__, written.__cached__) if written else ():
        Path(path).unlink(missing_ok=True)
