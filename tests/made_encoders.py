"""Tiny networks with random weights, in the layout of Hugging Face folders, made offline."""

from pathlib import Path

import torch

from cberl.torchvision_guard import guard_torchvision

WORDS = (
    "hi hello how are you fine sad happy great awful never wait , . ! ?"
    " the a and i am was so very no yes ross joey al what :"
)


guard_torchvision()


def text_encoder(folder: Path, kind: str = "bert", width: int = 16) -> Path:
    """Save a text encoder of one of the two families of special tokens: bert or roberta."""
    import transformers
    from tokenizers import ByteLevelBPETokenizer

    torch.manual_seed(0)
    folder.mkdir(parents=True, exist_ok=True)
    sizes = {
        "hidden_size": width,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 2 * width,
    }
    if kind == "bert":
        words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS.split()]
        vocabulary = {word: number for number, word in enumerate(words)}
        tokenizer = transformers.BertTokenizer(vocab=vocabulary)
        configuration = transformers.BertConfig(
            vocab_size=len(vocabulary), max_position_embeddings=64, **sizes
        )
        model = transformers.BertModel(configuration)
    else:
        trained = ByteLevelBPETokenizer()
        special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
        trained.train_from_iterator([WORDS] * 3, 300, 2, special_tokens=special)
        trained.save_model(str(folder))
        tokenizer = transformers.RobertaTokenizer.from_pretrained(folder)
        configuration = transformers.RobertaConfig(
            vocab_size=len(tokenizer), max_position_embeddings=66, **sizes
        )
        model = transformers.RobertaModel(configuration)
    tokenizer.save_pretrained(folder)
    model.save_pretrained(folder)
    return folder


def speech_encoder(folder: Path, kind: str = "Wav2Vec2", width: int = 16) -> Path:
    """Save a speech network: kind is Wav2Vec2, Hubert or WavLM."""
    import transformers

    torch.manual_seed(0)
    configuration = getattr(transformers, f"{kind}Config")(
        hidden_size=width,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=2 * width,
        conv_dim=(8, 8, 8),
        conv_kernel=(10, 8, 4),
        conv_stride=(5, 8, 4),
        num_conv_pos_embeddings=16,
        num_conv_pos_embedding_groups=2,
    )
    getattr(transformers, f"{kind}Model")(configuration).save_pretrained(folder)
    transformers.Wav2Vec2FeatureExtractor(do_normalize=True).save_pretrained(folder)
    return folder
