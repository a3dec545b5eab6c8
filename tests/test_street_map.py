"""A step of the grid is open, and crosses so many arrows, exactly where geometry says so."""

import random
from itertools import pairwise

from symbackprop.report.route import Block, Streets
from symbackprop.report.street_map import StreetMap


def _crosses(step, line, pair=0.1):
    """An upright and a level segment, by their coordinates."""
    (a, b), (c, d) = step, line
    if (a[0] == b[0]) == (c[0] == d[0]):
        return False
    (u, v), (p, q) = (step, line) if a[0] == b[0] else (line, step)
    return (
        min(p[0], q[0]) - pair < u[0] < max(p[0], q[0]) + pair
        and min(u[1], v[1]) - pair < p[1] < max(u[1], v[1]) + pair
    )


def test_masks_say_what_the_segments_say() -> None:
    draw = random.Random(5)
    seen = set()
    for _ in range(20):
        xs = sorted({draw.randint(0, 60) / 7 for _ in range(14)})
        ys = sorted({draw.randint(0, 60) / 7 for _ in range(12)})
        blocks = [
            Block(x=draw.uniform(0, 8), y=draw.uniform(0, 8), width=draw.uniform(0.2, 2), height=0.6)
            for _ in range(4)
        ]
        lines = []
        for _ in range(4):
            x, y, far = draw.choice(xs), draw.choice(ys), draw.uniform(-4, 4)
            lines.append(((x, y), (x + far, y)) if draw.random() < 0.5 else ((x, y), (x, y + far)))
        streets = Streets(blocks={str(i): block for i, block in enumerate(blocks)}, labels=[], lines=lines)
        made = StreetMap(xs, ys, [block.ranges(0.28) for block in blocks], lines, pair=0.1, apart=0.42)
        upright = [
            (((x, low), (x, high)), made.upright(i, j))
            for i, x in enumerate(xs)
            for j, (low, high) in enumerate(pairwise(ys))
        ]
        level = [
            (((west, y), (east, y)), made.level(i, j))
            for i, (west, east) in enumerate(pairwise(xs))
            for j, y in enumerate(ys)
        ]
        for step, found in upright + level:
            expected = sum(_crosses(step, line) for line in lines) if streets.passable(step) else None
            assert found == expected, step
            seen.add(found)
    assert {None, 0, 1} <= seen
