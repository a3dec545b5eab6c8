"""`python -m tests.exam_keys --count 10000`: every key of very many variants, by several routes.

For each bundled exam: the key by the derived formulas and by exact dual numbers (as always), by arithmetic
with plain loops that shares nothing with the program, and read back from the files for platforms, in pools of
`--pool` variants, by readers of their own. The exit code is 1 where one number differs.
"""

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import cycle
from typing import Any

from symbackprop.exams.exported import exported
from symbackprop.exams.exports import EXPORTS
from symbackprop.exams.file import bundled_exams, load_exam
from symbackprop.exams.model import Sheet, Variant
from symbackprop.exams.rubric import Rubrics
from symbackprop.exams.variants import Maker, anonymous
from symbackprop.report.exams.pool import pool_of

SECRET = b"the secret of the test of keys"


def plain_key(values: dict[str, Any]) -> dict[str, Any]:
    """The key of layers with ReLU and half the squared error, worked out with loops as on paper.

    `values` are nested lists: W, x, b, y, or W1, b1, W2, b2 with a linear second layer.
    """
    layers = [("1", "W1", "b1"), ("", "W2", "b2")] if "W1" in values else [("", "W", "b")]
    found: dict[str, Any] = {}
    inputs = [values["x"]]
    sums: list[list[Fraction]] = []
    for at, (mark, weights, bias) in enumerate(layers):
        z = [
            sum((w * a for w, a in zip(row, inputs[-1], strict=True)), Fraction(0)) + b
            for row, b in zip(values[weights], values[bias], strict=True)
        ]
        linear = len(layers) == 2 and at == 1
        sums.append(z)
        inputs.append(z if linear else [max(value, Fraction(0)) for value in z])
        if not linear:
            found["z" + mark] = z
        found["yhat" if at == len(layers) - 1 else "a1"] = inputs[-1]
    error = [a - t for a, t in zip(inputs[-1], values["y"], strict=True)]
    found["L"] = sum(e * e for e in error) / 2
    found["dyhat"] = back = error
    for at in reversed(range(len(layers))):
        mark, weights, bias = layers[at]
        linear = len(layers) == 2 and at == 1
        dz = [d if linear or z > 0 else Fraction(0) for d, z in zip(back, sums[at], strict=True)]
        if not linear:
            found["dz" + mark] = dz
        found["d" + bias] = dz
        found["d" + weights] = [[d * a for a in inputs[at]] for d in dz]
        back = [
            sum((values[weights][i][j] * dz[i] for i in range(len(dz))), Fraction(0))
            for j in range(len(inputs[at]))
        ]
        found["da1" if at else "dx"] = back
    return found


def wrong_keys(sheet: Sheet) -> Iterator[str]:
    """The quantities of a sheet that are others by plain arithmetic."""
    expected = plain_key({name: array.nested() for name, array in sheet.values.items()})
    for name, array in sheet.key.items():
        if array.nested() != expected[name]:
            yield name


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--pool", type=int, default=200)
    parser.add_argument("--platforms", default=",".join(EXPORTS))
    asked = parser.parse_args(arguments)
    wrong = numbers = 0
    for name in bundled_exams():
        start = time.perf_counter()
        maker = Maker.of(load_exam(name))
        rubrics = Rubrics(maker.exam, {one.question.id: one.plan.tracer for one in maker.questions})
        read_back = dict.fromkeys(asked.platforms.split(","), 0)
        pool: list[Variant] = []
        languages = cycle(("es", "en"))
        for variant in maker.variants(anonymous(asked.count), SECRET):
            for sheet in variant.sheets:
                numbers += sum(len(array.entries) for array in sheet.key.values())
                for quantity in wrong_keys(sheet):
                    wrong += 1
                    print(f"{name}: {variant.student.id}: {sheet.question}: {quantity}")
            pool.append(variant)
            if len(pool) == asked.pool or int(variant.student.id) == asked.count:
                made = pool_of(maker.exam, pool, rubrics, language=next(languages))
                for platform in read_back:
                    read_back[platform] += exported(made, platform)[1]
                pool.clear()
        back = ", ".join(f"{platform} {count:,}" for platform, count in read_back.items())
        taken = time.perf_counter() - start
        print(f"{name}: {asked.count:,} variants in {taken:.0f} s; keys read back: {back}", flush=True)
    print(f"{numbers:,} numbers, {wrong} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
