"""``python -m cberl``: the same as the command ``cberl``."""

import sys

from cberl.cli import main

sys.exit(main())
