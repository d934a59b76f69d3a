"""Parts of libraries that are imported on the way and used by no job, put off until they are used.

``torch_geometric`` imports its data sets (transformers with them) and torch's compiler for the sake
of one layer; an optimizer of torch imports the compiler only to disable it, and
torchvision to ask whether it is there. That is 2 s in every job of a few seconds.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any


def _no_graph_break() -> None:
    """Where nothing is compiled, no graph can be broken."""


def _not_compiled(function: Callable, *_: Any, **__: Any) -> Callable:
    """Where nothing is compiled, a function is kept out of compilation as it is."""
    return function


def _cannot_compile(device_type: str) -> bool:
    """A library that compiles where it can goes without."""
    return False


STAND_INS: Mapping[str, Mapping[str, Callable]] = {
    "torch_geometric.datasets": {},
    "torch._dynamo": {"graph_break": _no_graph_break, "disable": _not_compiled},
    "torch._dynamo.utils": {"is_compile_supported": _cannot_compile},
}
"""The modules put off, with what they offer before they are loaded."""


def postpone_unused() -> None:
    """From now on, import the modules of `STAND_INS` when an attribute of theirs is first used.

    Modules that are loaded already stay as they are. To be called before the import of
    ``torch_geometric`` or ``torchvision`` and before the first optimizer.
    """
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())


class _Postponed(ModuleType):
    def __getattr__(self, name: str) -> Any:
        if name == "__path__":  # read by every import from a module that is no package
            raise AttributeError(name)
        _load(self)
        return getattr(self, name)


class _PostponingLoader(Loader):
    def __init__(self, loader: Loader) -> None:
        self.loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self.loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        vars(module).update(STAND_INS[module.__name__])
        module.__class__ = _Postponed


class _PresentLoader(Loader):
    """Hands over a module that its package imported when it was loaded."""

    def __init__(self, module: ModuleType) -> None:
        self.module, self.spec = module, module.__spec__

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return self.module

    def exec_module(self, module: ModuleType) -> None:
        module.__spec__ = self.spec


class _Finder(MetaPathFinder):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname in STAND_INS:
            spec = PathFinder.find_spec(fullname, path, target)
            if spec is not None and spec.loader is not None:
                spec.loader = _PostponingLoader(spec.loader)
            return spec
        parent = sys.modules.get(fullname.rpartition(".")[0])
        if isinstance(parent, _Postponed):
            _load(parent)
            if fullname in sys.modules:
                present = sys.modules[fullname]
                # The import system takes the module's own spec, and would execute it again.
                present.__spec__ = ModuleSpec(fullname, _PresentLoader(present))
                return present.__spec__
        return None


def _load(module: _Postponed) -> None:
    package = sys.modules.get(module.__spec__.parent)
    if package is not module and isinstance(package, _Postponed):
        _load(package)
        if not isinstance(module, _Postponed):
            return
    spec = module.__spec__
    # An ordinary module from here on: what it imports may look at it while it is loading.
    module.__class__ = ModuleType
    spec.loader = module.__loader__ = spec.loader.loader
    for name in STAND_INS[module.__name__]:
        delattr(module, name)
    spec.loader.exec_module(module)
