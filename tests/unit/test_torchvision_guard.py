"""The guard of torchvision: broken and healthy installations."""

import subprocess
import sys
import textwrap

PRELUDE = """
import sys, types
import torch
from cberl import torchvision_guard
"""


def run(code: str) -> str:
    """Run code in a fresh interpreter: operators once declared stay for the process."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(PRELUDE) + textwrap.dedent(code)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_torchvision_imports_and_runs_behind_the_guard():
    printed = run(
        """
        torchvision_guard.guard_torchvision()
        import torchvision
        network = torchvision.models.get_model("squeezenet1_1", weights=None).eval()
        with torch.inference_mode():
            print(tuple(network(torch.zeros(1, 3, 64, 64)).shape))
        """
    )
    assert printed == "(1, 1000)"


def test_broken_installation_gets_the_declarations(tmp_path):
    package = tmp_path / "torchvision"
    package.mkdir()
    (package / "__init__.py").write_text(
        "import torch\ndeclared = torch._C._jit_get_schemas_for_operator('torchvision::nms')\n"
    )
    (package / "_C.so").write_bytes(b"not a library")
    printed = run(
        f"""
        sys.path.insert(0, {str(tmp_path)!r})
        print(torchvision_guard.guard_torchvision(), torchvision_guard.guard_torchvision())
        import torchvision
        print(len(torchvision.declared))
        """
    )
    assert printed.splitlines() == ["False False", "1"]


def test_healthy_installation_is_left_untouched(tmp_path):
    package = tmp_path / "torchvision"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "_C.so").write_bytes(b"stands for a library that loads")
    printed = run(
        f"""
        sys.path.insert(0, {str(tmp_path)!r})
        loaded = []
        torch.ops.load_library = loaded.append
        print(torchvision_guard.guard_torchvision())
        print(loaded == [{str(package / "_C.so")!r}])
        print(len(torch._C._jit_get_schemas_for_operator("torchvision::nms")))
        """
    )
    assert printed.splitlines() == ["True", "True", "0"]


def test_no_torchvision_at_all_is_no_error():
    printed = run(
        """
        torchvision_guard.importlib.util.find_spec = lambda name: None
        print(torchvision_guard.guard_torchvision())
        """
    )
    assert printed == "False"
