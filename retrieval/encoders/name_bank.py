"""Plain names of things, written by polyseek itself: the shortest way to ask for pictures.

A name looks for its pictures in other lists than a caption does, and misses more of them where an
index was tuned on captions alone (docs/performance.md). So half of the text queries that an index
is tuned on, and measured on, are names. They come from no data set.
"""

_NATURE = """
river waterfall volcano desert island cave cliff glacier meadow swamp jungle sunrise rainbow
lightning storm fog moon star planet comet leaf oak pine palm bamboo moss fern tulip rose sunflower
orchid cactus seaweed coral shell pebble crystal diamond
"""
_ANIMALS = """
puppy kitten donkey goat pig hamster mouse squirrel hedgehog fox wolf deer moose camel kangaroo
koala panda bat whale dolphin seal shark octopus crab lobster turtle lizard crocodile frog snake
spider ant bee beetle dragonfly caterpillar snail worm eagle owl parrot penguin pigeon swan goose
turkey peacock seagull
"""
_FOOD = """
bread cheese butter egg rice noodles soup salad steak sausage hamburger chocolate candy cookie
pancake honey apple pear cherry grape melon peach plum coconut tomato potato onion carrot pepper
pumpkin garlic bean nut milk juice beer cocktail
"""
_AT_HOME = """
chair armchair wardrobe bookshelf carpet curtain pillow blanket candle lantern fireplace oven
toaster kettle spoon fork knife teapot jar bucket broom ladder hammer saw screwdriver drill needle
scissors rope lock key soap towel toothbrush comb razor
"""
_ABOUT_PEOPLE = """
shirt dress skirt jacket scarf glove boot sandal helmet crown necklace ring wristwatch glasses
wallet backpack doctor firefighter policeman soldier farmer teacher dancer singer clown king witch
pirate knight angel skeleton robot
"""
_MADE = """
camera telephone radio computer keyboard printer battery telescope microscope compass thermometer
calculator pencil book newspaper envelope map flag trophy gift balloon doll puzzle dice chess drum
trumpet flute violin piano accordion bell van tractor ambulance taxi tram helicopter rocket
submarine canoe sailing-boat anchor wheel engine tent castle lighthouse windmill temple pyramid
skyscraper barn fence gate fountain statue tunnel factory airport prison library
"""


def name_bank() -> tuple[str, ...]:
    """Some two hundred and fifty different names, always in the same order."""
    kinds = (_NATURE, _ANIMALS, _FOOD, _AT_HOME, _ABOUT_PEOPLE, _MADE)
    return tuple(name.replace("-", " ") for kind in kinds for name in kind.split())
