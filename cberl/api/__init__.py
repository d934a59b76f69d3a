"""The parts of cberl for use from Python, in the manner of scikit-learn and imbalanced-learn.

    from cberl.api import ConversationClassifier, JointVAE, MultimodalGAN, load_bundle

Parameters go into the constructor and have defaults; ``fit`` returns the estimator; what was learnt
ends in an underscore. The workflow's scripts call the same functions. The caller's random state,
thread count and determinism flags are the same after each call as before it.
"""

from cberl.api.classifier import ConversationClassifier
from cberl.api.fusion import JointVAE
from cberl.api.oversampler import MultimodalGAN
from cberl.predict.bundle_model import Bundle, load_bundle
from cberl.rows import LabelledRows, make_rows

__all__ = [
    "Bundle",
    "ConversationClassifier",
    "JointVAE",
    "LabelledRows",
    "MultimodalGAN",
    "load_bundle",
    "make_rows",
]
