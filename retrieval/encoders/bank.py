"""A bank of everyday captions, written by polyseek itself: what people tend to ask for.

Its uses: the mean of its embeddings is what all captions share, and is taken out of every query
(encoders); it says how likely each kind of thing is in an everyday photograph (the image mean of
`mini`); and its captions are held-out text queries on which an index measures its recall. It is
made from a small grammar and belongs to no data set, so nothing that is scored was seen by it.
"""

import random
from functools import cache

_PEOPLE = (
    "a man", "a woman", "a child", "a boy", "a girl", "two people", "a group of friends",
    "a family", "an old man", "a young woman", "a couple", "a crowd of people", "a baby",
    "three children",
)  # fmt: skip

_ACTIONS = (
    "riding a bicycle", "walking a dog", "eating a meal", "playing football", "playing tennis",
    "reading a book", "cooking dinner", "talking on a phone", "flying a kite", "riding a horse",
    "swimming", "skiing down a slope", "surfing on a wave", "posing for a photo",
    "drinking coffee", "sitting on a bench", "holding an umbrella", "playing the guitar",
    "working on a computer", "brushing teeth", "cutting a cake", "waiting for a bus",
    "throwing a ball", "skateboarding",
)  # fmt: skip

_ANIMALS = (
    "a dog", "a cat", "a horse", "a brown cow", "a flock of sheep", "a bird", "an elephant",
    "a bear", "two zebras", "a giraffe", "a duck", "a fish", "a butterfly", "a monkey",
    "a rabbit", "a lion",
)  # fmt: skip

_ANIMAL_ACTIONS = (
    "standing", "lying down", "running", "sleeping", "eating", "looking at the camera",
    "jumping", "drinking water",
)  # fmt: skip

_THINGS = (
    "a red car", "a bus", "a train", "an airplane", "a motorcycle", "a boat", "a truck",
    "a bicycle", "a laptop", "a television", "a clock", "a vase of flowers", "a wooden table",
    "a sofa", "a bed", "a refrigerator", "a bowl of fruit", "a pizza", "a sandwich",
    "a cup of tea", "a birthday cake", "a plate of vegetables", "a bottle of wine",
    "a suitcase", "a pair of shoes", "a traffic light", "a stop sign", "a fire hydrant",
    "a bridge", "a church", "a tall building", "an old house", "a teddy bear", "a toilet",
    "a sink", "a mirror", "a street sign", "a kite", "a hat", "a tree",
)  # fmt: skip

_OUTDOORS = (
    "on the beach", "in a park", "on a city street", "in the snow", "in a field",
    "in the mountains", "by a lake", "in the forest", "at night", "at sunset", "in the garden",
    "near the water", "on a sunny day", "on a dirt road",
)  # fmt: skip

_INDOORS = (
    "in a kitchen", "in a living room", "in a bathroom", "in an office", "in a restaurant",
    "on a table", "in a bedroom", "next to a window", "at home", "in a shop", "on the floor",
)  # fmt: skip

_SCENES = (
    "a view of the city from above", "a mountain covered with snow",
    "an empty beach with waves", "a busy street with cars and people", "a forest in autumn",
    "a clean kitchen with white cupboards", "a bathroom with a shower and a sink",
    "a living room with a large sofa", "boats in a harbour", "a market with fresh fruit",
    "a field of yellow flowers", "the sky full of clouds", "a railway station with a train",
    "planes parked at an airport", "a football match in a stadium", "a table set for dinner",
)  # fmt: skip

_ASKS = (
    "{}", "a photo of {}", "a picture of {} outdoors", "a close-up of {}", "a drawing of {}",
    "an old photograph of {}", "{} in black and white", "many things like {}",
)  # fmt: skip

_SIZE_PER_RULE = 100
_SEED = 20_240_601


@cache
def caption_bank() -> tuple[str, ...]:
    """Some four hundred different captions, always the same ones in the same order.

    A quarter each: people doing something, animals, things, and pairs of things; then the scenes.
    Each rule draws without repetition from everything that its words can form.
    """
    draw = random.Random(_SEED)
    captions = [caption for rule in _rules() for caption in draw.sample(rule, _SIZE_PER_RULE)]
    return tuple(captions) + _SCENES


def query_bank(size: int, seed: int = 0) -> tuple[str, ...]:
    """Other queries than the bank's captions: a router learns from them, the bank measures it.

    They follow the same rules, or are short ways to ask for one thing.

    Args:
        size: at least 1; there are some ten thousand.
        seed: of the choice.
    """
    captions = {caption for rule in _rules() for caption in rule}
    asked = {ask.format(thing) for ask in _ASKS for thing in (*_THINGS, *_ANIMALS, *_PEOPLE)}
    pool = sorted((captions | asked) - set(caption_bank()))
    return tuple(random.Random(seed).sample(pool, min(size, len(pool))))


def _rules() -> tuple[list[str], ...]:
    """Everything that each rule can form."""
    places = _OUTDOORS + _INDOORS
    return (
        [f"{who} {what} {where}" for who in _PEOPLE for what in _ACTIONS for where in places],
        [f"{it} {does} {at}" for it in _ANIMALS for does in _ANIMAL_ACTIONS for at in places],
        [f"{thing} {where}" for thing in _THINGS for where in places],
        [f"{one} next to {two}" for one in _THINGS + _ANIMALS for two in _THINGS if one != two],
    )
