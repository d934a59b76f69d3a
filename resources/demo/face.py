"""Draw the talking heads of the demo corpus: one face per speaker, one pose per frame."""

from __future__ import annotations

from dataclasses import dataclass, fields
from math import cos, pi, sin

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

WIDTH, HEIGHT = 192, 144  # pixels of a finished frame
SCALE = 2  # faces are drawn this much larger and sampled down, which smooths all edges
CENTRE = (96.0, 76.0)  # middle of the face, in pixels of a finished frame
EYE_Y, EYE_X, MOUTH_Y = -9.0, 17.0, 27.0  # from the middle of the face

Colour = tuple[int, int, int]


@dataclass(frozen=True)
class Looks:
    """What tells one speaker's face from another's."""

    skin: Colour
    hair: Colour
    shirt: Colour
    iris: Colour
    long_hair: bool
    half_width: float = 38.0  # of the face, in pixels


@dataclass(frozen=True)
class Expression:
    """A pose of the face; 0 is at rest and 1 is a full movement, unless said otherwise."""

    inner_brow: float = 0.0  # up, negative is down
    outer_brow: float = 0.0  # up, negative is down
    frown: float = 0.0  # brows drawn together
    eyes: float = 0.0  # wider, negative is narrower
    gaze: float = 0.0  # down
    smile: float = 0.0  # mouth corners up, negative is down
    width: float = 0.0  # mouth wider, negative is narrower
    jaw: float = 0.0  # mouth open before any speech
    sneer: float = 0.0  # one side of the upper lip raised and the nose wrinkled
    teeth: float = 0.0  # teeth shown
    tremble: float = 0.0  # shaking of the head
    nod: float = 0.0  # head hanging

    def scaled(self, strength: float) -> Expression:
        """The same expression, weaker or stronger."""
        return Expression(*(strength * getattr(self, field.name) for field in fields(self)))


EXPRESSIONS: dict[str, Expression] = {
    "neutral": Expression(),
    "joy": Expression(0.2, 0.3, 0.0, -0.35, 0.0, 1.0, 0.7, 0.25, 0.0, 1.0, 0.0, -0.2),
    "surprise": Expression(1.0, 1.0, 0.0, 0.9, 0.0, 0.0, -0.5, 0.9, 0.0, 0.0, 0.0, -0.3),
    "anger": Expression(-1.0, 0.6, 1.0, -0.15, 0.0, -0.45, 0.2, 0.2, 0.0, 1.0, 0.1, 0.2),
    "sadness": Expression(0.9, -0.7, 0.3, -0.5, 0.9, -0.95, -0.15, 0.0, 0.0, 0.0, 0.0, 1.0),
    "disgust": Expression(-0.6, -0.3, 0.6, -0.6, 0.2, -0.4, 0.1, 0.15, 1.0, 0.3, 0.0, -0.1),
    "fear": Expression(1.0, -0.1, 0.9, 0.9, 0.0, -0.5, 0.8, 0.35, 0.0, 0.8, 1.0, 0.0),
}


def shade(colour: Colour, factor: float) -> Colour:
    """A colour made darker (below 1) or lighter (above 1)."""
    red, green, blue = (min(255, int(part * factor)) for part in colour)
    return red, green, blue


def mix(colour: Colour, other: Colour, part: float) -> Colour:
    """A colour between two, the second weighing `part`."""
    red, green, blue = (int((1 - part) * a + part * b) for a, b in zip(colour, other, strict=True))
    return red, green, blue


def at(x: float, y: float) -> tuple[float, float]:
    """A point given from the middle of the face, on the enlarged canvas."""
    return (CENTRE[0] + x) * SCALE, (CENTRE[1] + y) * SCALE


def ellipse(
    draw: ImageDraw.ImageDraw, x: float, y: float, rx: float, ry: float, fill: Colour | int
) -> None:
    """A filled ellipse around a point given from the middle of the face."""
    if rx > 0 and ry > 0:
        draw.ellipse([at(x - rx, y - ry), at(x + rx, y + ry)], fill=fill)


def outline(xs: np.ndarray, upper: np.ndarray, lower: np.ndarray) -> list[tuple[float, float]]:
    """A closed outline: along the upper edge [points] and back along the lower one [points]."""
    there = [at(x, y) for x, y in zip(xs, upper, strict=True)]
    back = [at(x, y) for x, y in zip(xs[::-1], lower[::-1], strict=True)]
    return there + back


def soft_ellipses(shapes: list[tuple[float, float, float, float]], blur: float) -> np.ndarray:
    """A blurred mask of ellipses (x, y, rx, ry), float32 [H, W] from 0 to 1."""
    mask = Image.new("L", (WIDTH * SCALE, HEIGHT * SCALE), 0)
    draw = ImageDraw.Draw(mask)
    for x, y, rx, ry in shapes:
        ellipse(draw, x, y, rx, ry, 255)
    blurred = mask.filter(ImageFilter.GaussianBlur(blur * SCALE))
    return np.asarray(blurred, dtype=np.float32) / 255


def draw_head(looks: Looks, background: Colour) -> Image.Image:
    """All that does not move: background, shoulders, hair, head and its shading."""
    image = Image.new("RGB", (WIDTH * SCALE, HEIGHT * SCALE), background)
    draw = ImageDraw.Draw(image)
    width = looks.half_width
    if looks.long_hair:
        ellipse(draw, 0, 4, width + 11, 62, looks.hair)
    ellipse(draw, 0, 84, 62, 32, looks.shirt)
    ellipse(draw, 0, 50, 17, 20, shade(looks.skin, 0.78))
    ellipse(draw, 0, -10, width + 6, 50, looks.hair)
    for side in (-1, 1):
        ellipse(draw, side * width, 2, 5, 9, shade(looks.skin, 0.85))
    ellipse(draw, 0, 2, width, 47, looks.skin)
    draw.chord([at(-width, -47), at(width, -3)], 180, 360, fill=looks.hair)
    ellipse(draw, 0, -19, width - 3, 14, looks.skin)

    pixels = np.asarray(image, dtype=np.float32)
    light = np.ones(pixels.shape[:2], dtype=np.float32)
    light -= 0.30 * soft_ellipses([(-EYE_X, EYE_Y - 1, 12, 7), (EYE_X, EYE_Y - 1, 12, 7)], 3.0)
    light += 0.10 * soft_ellipses([(-19, 11, 10, 8), (19, 11, 10, 8), (0, -24, 20, 7)], 5.0)
    light += 0.12 * soft_ellipses([(0, 2, 3, 13)], 2.0)
    light -= 0.20 * soft_ellipses([(0, 14.5, 8, 2.5), (0, 37, 9, 2)], 1.6)
    face = soft_ellipses([(0, 2, width, 47)], 0.5)
    rim = face * (1 - soft_ellipses([(0, 0, width - 8, 39)], 7.0))
    light -= 0.30 * rim
    return Image.fromarray(np.clip(pixels * light[:, :, None], 0, 255).astype(np.uint8))


def draw_brows(draw: ImageDraw.ImageDraw, looks: Looks, pose: Expression) -> None:
    """Two brows of three joints each."""
    colour = shade(looks.hair, 0.6)
    for side in (-1, 1):
        lift = -pose.sneer * 1.5 if side < 0 else 0.0
        inner = at(side * (8 - 2.5 * pose.frown), EYE_Y - 10.5 - 6 * pose.inner_brow - lift)
        middle_rise = 3.5 * (pose.inner_brow + pose.outer_brow)
        middle = at(side * 17, EYE_Y - 13.0 - middle_rise - lift)
        outer = at(side * 28, EYE_Y - 10.0 - 5 * pose.outer_brow)
        draw.line([inner, middle, outer], fill=colour, width=int(3.6 * SCALE), joint="curve")
        for x, y in (inner, outer):
            radius = 1.6 * SCALE
            draw.ellipse([x - radius, y - radius, x + radius, y + radius], fill=colour)
        if pose.frown > 0.3:
            x = side * 2.2
            crease = shade(looks.skin, 0.68)
            draw.line([at(x, EYE_Y - 13), at(x, EYE_Y - 7)], fill=crease, width=SCALE)


def draw_eyes(draw: ImageDraw.ImageDraw, looks: Looks, pose: Expression, blink: float) -> None:
    """Two eyes with lids; blink 1 closes them."""
    opening = max(0.0, (4.4 + 2.8 * pose.eyes) * (1 - blink))
    for side in (-1, 1):
        x = side * EYE_X
        ellipse(draw, x, EYE_Y, 9.0, opening + 1.4, shade(looks.skin, 0.42))
        ellipse(draw, x, EYE_Y + 0.4, 7.8, opening, (238, 236, 230))
        if opening > 1.0:
            radius = min(4.2, opening + 0.6)
            y = EYE_Y + 0.4 + 1.6 * pose.gaze
            ellipse(draw, x, y, 4.2, radius, looks.iris)
            ellipse(draw, x, y, 2.1, min(2.1, radius), (15, 12, 12))
            ellipse(draw, x + 1.4, y - 1.4, 0.8, 0.8, (245, 245, 245))
        lid = [at(x - 9.5, EYE_Y - opening - 5), at(x + 9.5, EYE_Y + opening + 2.5)]
        draw.arc(lid, 200, 340, fill=shade(looks.skin, 0.35), width=SCALE)


def draw_nose(draw: ImageDraw.ImageDraw, looks: Looks, pose: Expression) -> None:
    """Nostrils, wrinkles of a sneer and the folds beside a smile or a sneer."""
    dark = shade(looks.skin, 0.5)
    rise = 2.0 * max(0.0, pose.sneer)
    for side in (-1, 1):
        ellipse(draw, side * 4.2, 13.5 - rise, 2.3, 1.4, dark)
        if pose.sneer > 0.3:
            for step in range(3):
                start, end = at(side * 2, -4 + 3.2 * step), at(side * 7, -6 + 3.2 * step)
                draw.line([start, end], fill=shade(looks.skin, 0.62), width=SCALE)
        if max(pose.smile, pose.sneer) > 0.3:
            box = [at(side * 17 - 7, 10 - rise), at(side * 17 + 7, 32 - rise)]
            angles = (285, 360) if side > 0 else (180, 255)
            draw.arc(box, *angles, fill=shade(looks.skin, 0.7), width=SCALE)


def draw_mouth(draw: ImageDraw.ImageDraw, looks: Looks, pose: Expression, loudness: float) -> None:
    """Lips around an opening that follows the jaw and the loudness of the voice."""
    half = 13.5 + 5.0 * pose.width - 2.0 * loudness
    opening = 8.0 * pose.jaw + 7.5 * loudness * (0.55 if pose.jaw > 0.5 else 1.0)
    across = np.linspace(-1, 1, 17)
    bow = 1 - across**2  # 0 at the corners, 1 in the middle
    corner = -7.0 * pose.smile * (across**2 - 0.4)
    slant = -4.5 * pose.sneer * np.clip(1 - np.abs(across + 0.5) / 0.7, 0, 1)
    upper = MOUTH_Y + corner + slant - 0.38 * opening * bow
    lower = MOUTH_Y + corner + 0.62 * opening * bow**0.7 + 0.2 * slant
    xs = across * half
    dark = (58, 18, 20)
    lip = mix(looks.skin, (150, 40, 45), 0.45)
    draw.polygon(
        outline(xs, upper - 1.5 - 1.2 * bow, lower + 1.5 + 2.0 * bow), fill=shade(lip, 0.8)
    )
    draw.polygon(outline(xs, upper, lower), fill=dark)
    draw.line(outline(xs, upper, lower)[: len(xs)], fill=dark, width=SCALE)
    if pose.teeth > 0.2 and opening > 1.5:
        height = np.minimum(2.6, 0.6 * (lower - upper))
        row = outline(xs[2:-2], (upper + 0.4)[2:-2], (upper + height)[2:-2])
        draw.polygon(row, fill=(236, 232, 222))


def place(image: Image.Image, shift: tuple[float, float], angle: float) -> Image.Image:
    """Turn (radians) and move (pixels of a finished frame) the picture, then sample it down."""
    middle_x, middle_y = WIDTH * SCALE / 2, HEIGHT * SCALE / 2
    cosine, sine = cos(angle), sin(angle)
    move_x, move_y = middle_x + shift[0] * SCALE, middle_y + shift[1] * SCALE
    matrix = (
        cosine, sine, middle_x - cosine * move_x - sine * move_y,
        -sine, cosine, middle_y + sine * move_x - cosine * move_y,
    )  # fmt: skip
    corner = image.getpixel((0, 0))
    turned = image.transform(
        image.size, Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR, fillcolor=corner
    )
    return turned.resize((WIDTH, HEIGHT), Image.Resampling.BOX)


def draw_frames(
    looks: Looks, pose: Expression, loudness: np.ndarray, fps: float, rng: np.random.Generator
) -> list[np.ndarray]:
    """Animate one clip.

    Args:
        looks: whose face it is.
        pose: the expression held, before the speech moves the mouth.
        loudness: float [frames] from 0 to 1, opens the mouth.
        fps: frames a second.
        rng: source of the background, the blink, the sway of the head and the trembling.

    Returns:
        One uint8 array [HEIGHT, WIDTH, 3] (RGB) a frame.
    """
    grey = int(rng.integers(150, 200))
    tint = rng.integers(-12, 13, size=3)
    background = tuple(int(grey + part) for part in tint)
    head = draw_head(looks, background)
    blink_at, phase = rng.uniform(0.2, 3.0), rng.uniform(0, 2 * pi)
    offset = rng.normal(0, 2.0, size=2)
    tilt = rng.normal(0, 0.025)
    frames = []
    for index, level in enumerate(loudness):
        second = index / fps
        blink = float(abs(second - blink_at) < 0.08)
        image = head.copy()
        draw = ImageDraw.Draw(image)
        draw_nose(draw, looks, pose)
        draw_eyes(draw, looks, pose, blink)
        draw_brows(draw, looks, pose)
        draw_mouth(draw, looks, pose, float(level))
        sway = sin(2 * pi * 0.5 * second + phase)
        shift = offset + np.array([1.2 * sway, 4.0 * pose.nod - level])
        shift = shift + pose.tremble * rng.normal(0, 0.9, size=2)
        frame = place(image, (shift[0], shift[1]), tilt + 0.012 * sway)
        frames.append(np.asarray(frame))
    return frames
