"""The three modalities, in the one order in which everything lists them."""

MODALITIES: tuple[str, ...] = ("text", "audio", "video")
SPLITS: tuple[str, ...] = ("train", "dev", "test")
