"""``cberl bundle``: what a bundle holds."""

import argparse
from collections.abc import Iterator
from pathlib import Path


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Declare the command and its options."""
    parser = commands.add_parser(
        "bundle",
        help="check a bundle and list what is inside",
        description="Compare a bundle with its manifest: digests of all files, versions of the\n"
        "libraries. With --list, print its files and their sizes.",
        epilog="example:\n  cberl bundle results/demo/bundle/cberl --list",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folder", metavar="FOLDER", help="results/CORPUS/bundle/VARIANT, or a copy")
    parser.add_argument("--list", action="store_true", help="list the files")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run the command: 0, or an `InputError`."""
    for line in describe_bundle(Path(options.folder), options.list):
        print(line)
    return 0


def describe_bundle(folder: Path, list_files: bool) -> Iterator[str]:
    """Lines about a bundle that is whole and fits the libraries here.

    Raises:
        InputError: it is not, or does not.
    """
    from cberl.predict.bundle.manifest import MANIFEST, check_bundle, read_manifest

    manifest, digest = read_manifest(folder)
    check_bundle(folder, manifest)
    sizes = {name: facts["bytes"] for name, facts in manifest.files.items()}
    sizes[MANIFEST] = (folder / MANIFEST).stat().st_size
    yield f"{folder}: variant {manifest.variant} of corpus {manifest.corpus}, whole"
    yield f"  digest       {digest}"
    yield f"  made by      cberl {manifest.cberl_version}, commit {manifest.git_commit}"
    yield f"  seeds        {', '.join(map(str, manifest.seeds))}"
    yield f"  modalities   {', '.join(manifest.modalities)}"
    yield f"  classes      {', '.join(manifest.classes)}"
    yield f"  temperatures {', '.join(f'{value:.3f}' for value in manifest.temperatures)}"
    context = "the past alone" if manifest.online else "the whole conversation"
    yield f"  context      {context}"
    yield f"  size         {len(sizes)} files, {_size(sum(sizes.values()))}"
    if list_files:
        yield ""
        width = max(map(len, sizes))
        for name, size in sorted(sizes.items()):
            yield f"  {name:<{width}}  {_size(size):>10}"


def _size(size: int) -> str:
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"
