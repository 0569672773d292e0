"""What maps to pseudo-tokens learn from in the world of shapes, and templates to ask them by."""

from benchmarks.shapes.grammar import FORMS, PARTIAL_FORMS, english
from benchmarks.shapes.pictures import TRAINED, draw
from retrieval.encoders.base import Encoder
from retrieval.learn.phi import DEFAULT_TEMPLATE
from retrieval.learn.phi_lessons import Lessons

TRAINING_VIEWS = 2
TEMPLATES = (
    DEFAULT_TEMPLATE,
    "a photo of {image}, {text}",
    "{image} {text}",
    "{text} {image}",
    "a {image} that is {text}",
)
"""That of SEARLE and LinCIR, that of Pic2Word, and three that a caption of this world resembles."""


def lessons_of(encoder: Encoder) -> Lessons:
    """Captions and pictures of the trained combinations, embedded."""
    said = [english(one, form) for one in TRAINED for form in FORMS + PARTIAL_FORMS]
    shown = [draw(one, view) for one in TRAINED for view in range(TRAINING_VIEWS)]
    return Lessons.of(encoder, said, encoder.encode_images(shown))
