"""What is asked before any job starts must stay cheap."""

import subprocess
import sys


def test_finding_annotations_imports_nothing_heavy():
    code = (
        "import sys, cberl.corpus.annotations;"
        " print(sorted({'pandas', 'numpy'} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
