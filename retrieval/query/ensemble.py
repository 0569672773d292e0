"""One text asked in several wordings, whose mean is less of an accident than each of them.

Source: Radford et al., "Learning Transferable Visual Models From Natural Language Supervision",
ICML 2021, section 3.1.4: each embedding is made a unit vector, then their mean is. The wordings are
ours.
"""

from dataclasses import replace

from retrieval.query.algebra import Text
from retrieval.query.ways import Mean

TEMPLATES = (
    "a photo of {}.",
    "a picture that shows {}.",
    "there is {} in the scene.",
    "{}, photographed in daylight.",
    "a snapshot of {} taken by a tourist.",
    "an image in which one sees {}.",
    "a close view of {}.",
)
"""Wordings beside the text itself. They are English; a text in another language is put into them
as it is."""


def ensembled(text: Text) -> Mean:
    """A text in all wordings, the text itself first."""
    bare = text.text.strip().rstrip(".")
    words = (template.replace("{}", bare or text.text) for template in TEMPLATES)
    return Mean((text, *(replace(text, text=each) for each in words)))
