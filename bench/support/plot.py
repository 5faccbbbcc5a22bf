# SPDX-License-Identifier: Apache-2.0
"""Small charts of one line each, both axes logarithmic: what grows with its size leaves the horizontal."""

import math

from PIL import Image, ImageDraw, ImageFont

COLUMNS = 4
WIDTH, HEIGHT = 250, 170
MARGIN_LEFT, MARGIN_RIGHT, MARGIN_TOP, MARGIN_BOTTOM = 42, 14, 26, 24
DECADES_UP = 3  # of each chart, from the decade below its least value
HEAD = 28
INK, GREY, LINE = (40, 40, 40), (215, 215, 215), (20, 90, 170)


def _label(value):
    return f"{value:g}" if value < 10000 else f"{value / 1e6:g}M" if value >= 1e6 else f"{value / 1e3:g}k"


def _chart(draw, font, left, top, name, points):
    x0, x1 = left + MARGIN_LEFT, left + WIDTH - MARGIN_RIGHT
    y0, y1 = top + HEIGHT - MARGIN_BOTTOM, top + MARGIN_TOP
    sizes = [math.log10(size) for size, _ in points]
    first, last = min(sizes), max(max(sizes), min(sizes) + 1)
    low = math.floor(math.log10(min(cost for _, cost in points)) - 0.3)

    def place(size, cost):
        return (x0 + (math.log10(size) - first) / (last - first) * (x1 - x0),
                y0 - (math.log10(cost) - low) / DECADES_UP * (y0 - y1))

    for decade in range(DECADES_UP + 1):
        y = y0 - decade / DECADES_UP * (y0 - y1)
        draw.line((x0, y, x1, y), fill=GREY)
        draw.text((x0 - 5, y), _label(10.0 ** (low + decade)), fill=INK, font=font, anchor="rm")
    for size, _ in points:
        x = place(size, 10.0 ** low)[0]
        draw.text((x, y0 + 5), _label(size), fill=INK, font=font, anchor="mt")
    places = [place(size, cost) for size, cost in points]
    draw.line(places, fill=LINE, width=2)
    for x, y in places:
        draw.ellipse((x - 3, y - 3, x + 3, y + 3), fill=LINE)
    draw.text((x0, top + 8), name, fill=INK, font=font, anchor="lt")


def draw(path, series, title):
    """`series`: name -> [(size, cost)]. Writes a PNG."""
    series = {name: points for name, points in series.items() if len(points) > 1}
    rows = -(-len(series) // COLUMNS)
    image = Image.new("RGB", (COLUMNS * WIDTH, HEAD + rows * HEIGHT), "white")
    canvas = ImageDraw.Draw(image)
    font = ImageFont.load_default(12)
    canvas.text((12, 10), title, fill=INK, font=ImageFont.load_default(14), anchor="lt")
    for i, (name, points) in enumerate(series.items()):
        _chart(canvas, font, i % COLUMNS * WIDTH, HEAD + i // COLUMNS * HEIGHT, name, points)
    image.quantize(32).save(path, optimize=True)
