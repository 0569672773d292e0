"""Colours and shapes in ten languages, with the forms that agree.

Written by hand, no translation of a machine. A colour has a form for each kind of noun (gender, or
what stands for it); a noun says which, and what stands around the colour.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Words:
    """How a language says "a red circle".

    Attributes:
        shapes: of each shape the phrase, with "{}" for the colour, and the number of its form.
        colours: of each colour its forms.
    """

    shapes: dict[str, tuple[str, int]]
    colours: dict[str, tuple[str, ...]]

    def say(self, colour: str, shape: str) -> str:
        """A shape of a colour, as a phrase."""
        phrase, form = self.shapes[shape]
        return phrase.format(self.colours[colour][form])


_SHAPES = ("circle", "square", "triangle", "star")
_COLOURS = ("red", "green", "blue", "yellow", "purple", "black")


def _words(phrases: tuple[str, ...], forms: tuple[int, ...], *colours: str) -> Words:
    """A language: phrases and forms in the order of `_SHAPES`, all colours a form."""
    of_colours = zip(*(line.split() for line in colours), strict=True)
    shapes = zip(phrases, forms, strict=True)
    return Words(
        dict(zip(_SHAPES, shapes, strict=True)), dict(zip(_COLOURS, of_colours, strict=True))
    )


WORDS = {
    "en": _words(
        ("a {} circle", "a {} square", "a {} triangle", "a {} star"),
        (0, 0, 0, 0),
        "red green blue yellow purple black",
    ),
    "de": _words(
        ("ein {} Kreis", "ein {} Quadrat", "ein {} Dreieck", "ein {} Stern"),
        (0, 1, 1, 0),
        "roter grüner blauer gelber violetter schwarzer",
        "rotes grünes blaues gelbes violettes schwarzes",
    ),
    "fr": _words(
        ("un cercle {}", "un carré {}", "un triangle {}", "une étoile {}"),
        (0, 0, 0, 1),
        "rouge vert bleu jaune violet noir",
        "rouge verte bleue jaune violette noire",
    ),
    "es": _words(
        ("un círculo {}", "un cuadrado {}", "un triángulo {}", "una estrella {}"),
        (0, 0, 0, 1),
        "rojo verde azul amarillo morado negro",
        "roja verde azul amarilla morada negra",
    ),
    "it": _words(
        ("un cerchio {}", "un quadrato {}", "un triangolo {}", "una stella {}"),
        (0, 0, 0, 1),
        "rosso verde blu giallo viola nero",
        "rossa verde blu gialla viola nera",
    ),
    "pt": _words(
        ("um círculo {}", "um quadrado {}", "um triângulo {}", "uma estrela {}"),
        (0, 0, 0, 1),
        "vermelho verde azul amarelo roxo preto",
        "vermelha verde azul amarela roxa preta",
    ),
    "nl": _words(
        ("een {} cirkel", "een {} vierkant", "een {} driehoek", "een {} ster"),
        (0, 1, 0, 0),
        "rode groene blauwe gele paarse zwarte",
        "rood groen blauw geel paars zwart",
    ),
    "ja": _words(
        ("{}円", "{}正方形", "{}三角形", "{}星"),
        (0, 0, 0, 0),
        "赤い 緑の 青い 黄色い 紫の 黒い",
    ),
    "zh": _words(
        ("一个{}圆形", "一个{}正方形", "一个{}三角形", "一个{}五角星"),
        (0, 0, 0, 0),
        "红色的 绿色的 蓝色的 黄色的 紫色的 黑色的",
    ),
    "ru": _words(
        ("{} круг", "{} квадрат", "{} треугольник", "{} звезда"),
        (0, 0, 0, 1),
        "красный зелёный синий жёлтый фиолетовый чёрный",
        "красная зелёная синяя жёлтая фиолетовая чёрная",
    ),
}
"""By language; English first."""
