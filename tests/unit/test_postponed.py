"""Imports that are put off: not made by a job that needs none of them, and made when needed."""

import subprocess
import sys
import textwrap

PRELUDE = """
import sys
from cberl.postponed import postpone_unused
postpone_unused()
import torch
"""


def run(code: str) -> list[str]:
    """Run code in a fresh interpreter: what is imported once stays for the process."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(PRELUDE) + textwrap.dedent(code)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_a_layer_and_an_optimizer_import_neither_compiler_nor_transformers():
    printed = run(
        """
        from cberl.seeding import seed_everything
        from cberl.train.convolution import RGCNConv
        seed_everything(0)
        layer = RGCNConv(2, 2, 1)
        optimizer = torch.optim.AdamW(layer.parameters(), fused=True)
        edges = torch.tensor([[0], [1]])
        layer(torch.ones(2, 2), edges, torch.tensor([0])).sum().backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        for name in ("torch._dynamo.eval_frame", "torch._inductor.config", "transformers"):
            print(name in sys.modules)
        """
    )
    assert printed == ["False"] * 3


def test_torchvision_imports_no_compiler():
    printed = run(
        """
        from cberl.features.video.backbone import load_backbone
        load_backbone("squeezenet1_1", "none")
        print("torch._dynamo.eval_frame" in sys.modules)
        from torch._dynamo.utils import counters
        print("torch._dynamo.eval_frame" in sys.modules)
        print(sys.modules["torch._dynamo.utils"].counters is counters)
        print(sys.modules["torch._dynamo"].OptimizedModule.__name__)
        """
    )
    assert printed == ["False", "True", "True", "OptimizedModule"]


def test_a_module_put_off_is_whole_once_it_is_used():
    printed = run(
        """
        import torch._dynamo
        before = torch._dynamo.disable
        print(torch._dynamo.OptimizedModule.__name__)
        print(torch._dynamo.disable is not before, torch._dynamo.disable.__module__)
        import torch._dynamo as again
        print(again is sys.modules["torch._dynamo"], type(again).__name__)
        compiled = torch.compile(lambda x: x + 1, backend="eager")
        print(int(compiled(torch.tensor(1))))
        """
    )
    assert printed == [
        "OptimizedModule", "True", "torch._dynamo.decorators", "True", "module", "2"
    ]  # fmt: skip


def test_a_part_of_a_module_put_off_is_imported_after_the_whole():
    printed = run(
        """
        import torch_geometric
        print("transformers" in sys.modules)
        from torch_geometric.datasets.planetoid import Planetoid
        print(torch_geometric.datasets.Planetoid is Planetoid)
        """
    )
    assert printed == ["False", "True"]


def test_the_module_that_the_layer_writes_is_gone_at_exit(tmp_path):
    printed = run(
        f"""
        import tempfile
        tempfile.tempdir = {str(tmp_path)!r}
        from pathlib import Path
        from cberl.train.convolution import RGCNConv
        RGCNConv(2, 2, 1)
        print(len(list(Path(tempfile.tempdir).glob("torch_geometric*.py"))))
        """
    )
    assert printed == ["1"]
    assert list(tmp_path.rglob("*.py*")) == []
