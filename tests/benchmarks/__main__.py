"""`python -m tests.benchmarks`: every promise about speed, measured in one run, as a ratio.

Kept within one process: the templates, the words of a language and the trees of the functions'
formulas; between processes: compiled modules and templates, as Python keeps them (the first run of
each process does not count). Never kept: a derivation. SymPy's own cache is emptied before every
run. The letters are those of the README's table. The exit code is 1 where a promise is not kept. It
takes about three minutes. The floats need the extra `torch`.
"""

import io
import math
import sys
import tomllib
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from functools import partial
from tempfile import TemporaryDirectory

from . import checking, exams, floats, growth, layer, processes

SIZES = (8, 16, 32, 64, 128)


@dataclass(frozen=True)
class Promise:
    """A measured number that is to be at least (or at most) `bound`."""

    what: str
    measured: float
    bound: float
    least: bool
    unit: str = "×"

    @property
    def kept(self) -> bool:
        """Whether it is."""
        return self.measured >= self.bound if self.least else self.measured <= self.bound

    def __str__(self) -> str:
        relation = "at least" if self.least else "at most"
        shown = f"{self.measured:,.0f}" if self.measured >= 100 else f"{self.measured:.2f}"
        sign = "kept" if self.kept else "MISSED"
        return f"  {sign}: {self.what}: {shown}{self.unit} ({relation} {self.bound:,g}{self.unit})"


def said(seconds: float) -> str:
    """A time with its unit."""
    return f"{seconds:,.1f} s" if seconds >= 10 else f"{seconds * 1000:,.1f} ms"


def explicit_times() -> Callable[[int], tuple[float, bool]]:
    """SymPy's time for the explicit loss at n×n: measured at 8 and 16, beyond by the same power."""
    measured = {n: layer.seconds(partial(layer.sympy_explicit, n, n)) for n in SIZES[:2]}
    growth = math.log2(measured[16] / measured[8])

    def at(n: int) -> tuple[float, bool]:
        known = measured.get(n)
        return (measured[16] * (n / 16) ** growth, False) if known is None else (known, True)

    return at


def whole(explicit: Callable[[int], tuple[float, bool]]) -> Promise:
    """(a) From the exercise to the full report, nothing derived before."""
    print("(a) whole and cold, exercise to LaTeX with all steps; SymPy: diff and latex of the explicit loss")
    ratios = {}
    for n in SIZES:
        ours = layer.seconds(partial(layer.report, n, n), repeat=3)
        theirs, measured = explicit(n)
        ratios[n] = theirs / ours
        mark = "" if measured else " extrapolated"
        print(f"    {n:3}×{n:<3} {said(ours):>10}   SymPy {said(theirs):>10}{mark:13}   {ratios[n]:9,.0f}×")
    return Promise("(a) 16×16 against the explicit loss", ratios[16], 50, least=True)


def instances(explicit: Callable[[int], tuple[float, bool]]) -> list[Promise]:
    """(b) Every gradient written out, once derived; (c) how that grows."""
    print("(b) instances and printing alone; SymPy: named gradients in its matrices, its printer")
    derivation = layer.general()
    ours, named = {}, {}
    for n in SIZES:
        ours[n] = layer.seconds(partial(layer.written_out, derivation, n, n), repeat=7)
        text = f"    {n:3}×{n:<3} {said(ours[n]):>10}"
        if n <= 64:
            named[n] = layer.seconds(lambda n=n: list(layer.sympy_named(n, n)))  # type: ignore[misc]  # bound now
            text += f"   SymPy {said(named[n]):>10}   {named[n] / ours[n]:9,.0f}×"
        theirs, measured = explicit(n)
        text += f"   explicit loss{'' if measured else ', extrapolated'} {theirs / ours[n]:,.0f}×"
        print(text)
    return [
        Promise("(b) 16×16 against the explicit loss", explicit(16)[0] / ours[16], 1000, least=True),
        Promise(
            "(b) 64×64 against named gradients in SymPy's matrices", named[64] / ours[64], 100, least=True
        ),
        Promise("(c) growth of (b) from 64×64 to 128×128", ours[128] / ours[64], 6, least=False),
    ]


def whole_processes() -> list[Promise]:
    """(d), (e): the command as a process."""
    print("(d), (e) whole processes, the shortest of seven")
    commands = processes.commands()
    taken = dict(zip(commands, processes.shortest(list(commands.values()), 7), strict=True))
    for name, command in commands.items():
        print(f"    {said(taken[name]):>10}   python {' '.join(command)}")
    return [
        Promise(
            "(d) derive neurona --to tex, against importing SymPy and Jinja2",
            taken["tex"] / taken["imports"],
            1.6,
            least=False,
        ),
        Promise(
            "(d) --help, against importing SymPy and Jinja2",
            taken["help"] / taken["imports"],
            0.4,
            least=False,
        ),
        Promise(
            "(e) --to pdf with Typst, beyond --to tex",
            taken["pdf"] - taken["tex"],
            0.5,
            least=False,
            unit=" s",
        ),
    ]


def networks() -> list[Promise]:
    """(f) Deep and wide networks: the time for one printed entry, against the first of its table."""
    promises = []
    works = (("symbols", growth.with_symbols, False), ("numbers", growth.with_numbers, True))
    for name, work, numbers in works:
        deep = list(growth.deep(work, numbers=numbers))
        wide = list(growth.wide(work, numbers=numbers))
        for title, costs in ((f"(f) {name}, depth", deep), (f"(f) {name}, width", wide)):
            print(f"{title}; baseline: {costs[0].name}")
            promises.append(grown(title, costs))
    return promises


def grown(title: str, costs: Sequence[growth.Cost]) -> Promise:
    """Prints a table: the time for one printed entry relative to the first. The promise is about the last
    against the cheapest before it, where what a small network costs anyway is spread over many entries."""
    base = costs[0].each
    for one in costs:
        each = f"{one.each * 1e6:8,.0f} µs an entry {one.each / base:6.2f}×"
        print(f"    {one.name:10} {said(one.seconds):>10}   {one.printed:6,} entries {each}")
    best = min(costs[:-1], key=lambda one: one.each)
    what = f"{title}: an entry of {costs[-1].name} against one of {best.name}"
    return Promise(what, costs[-1].each / best.each, 1.5, least=False)


def in_floats() -> list[Promise]:
    """(g) 3 layers, 64 wide, a batch of 32, in floats, against PyTorch's autograd."""
    if not floats.has_torch():
        print("(g) needs the extra torch: nothing measured")
        return []
    with TemporaryDirectory() as folder:
        path = floats.written(folder)
        theirs = floats.torch_work(tomllib.loads(path.read_text())["values"])
        gap = floats.largest_gap(floats.float_source(path), theirs)
        base = floats.seconds(theirs, 200)
        print(f"(g) floats; PyTorch's autograd in float64: {said(base)}; the largest gap is {gap:.0e}")
        ratios = {}
        for name, work in floats.ours(path).items():
            with redirect_stdout(io.StringIO()):
                taken = floats.seconds(work, 5 if "anew" in name else 40)
            ratios[name] = taken / base
            print(f"    {name:42} {said(taken):>10}   {ratios[name]:7.1f}×")
        script = floats.seconds(lambda: floats.by_hand(path), 5)
        print(f"    {'tomllib, PyTorch and json by hand':42} {said(script):>10}   {script / base:7.1f}×")
        first = min(floats.cold(path, *floats.COLD_OURS) for _ in range(3))
        other = min(floats.cold(path, *floats.COLD_TORCH) for _ in range(3))
        print(
            f"    first run in a process, file to JSON text  {said(first):>10}   {first / other:7.1f}×",
            end="",
        )
        print(f"   against PyTorch's first, {said(other)}")
    return [Promise("(g) values to JSON text", ratios["values to JSON text"], 20, least=False)]


def checks() -> list[Promise]:
    """(h) Derivations of sixty lines, all right, checked by the command."""
    print("(h) check, whole processes against importing SymPy, in processor time")
    promises = []
    for title, ratio in checking.ratios().items():
        each = checking.milliseconds_a_line(title)
        print(f"    {title:24} {ratio:7.2f}×   {each:.1f} ms a line in a process that has begun")
        what = f"(h) {checking.LINES} lines on {title}, against importing SymPy"
        promises.append(Promise(what, ratio, 1, least=False))
    return promises


def of_exams() -> list[Promise]:
    """(i) Numbers and keys, (j) papers, (k) memory."""
    names = ("examen-neurona", "examen-capa", "examen-red")
    print("(i) exam EXAM --variants 1000 --to keys, whole processes against importing SymPy")
    ratios = exams.process_ratios(names, 1_000)
    for name, ratio in ratios.items():
        print(f"    {name:16} {ratio:7.2f}×")
    times = exams.variant_times()
    for name, taken in times.items():
        print(f"    {name:30} {taken * 1e6:10,.1f} µs a variant of the (3, 2) layer")
    print("(j) papers, from numbers to a PDF each")
    papers = {}
    for engine, count in (("pdflatex", 1_000), ("typst", 200)):
        alone = min(exams.single_paper(engine) for _ in range(3))  # type: ignore[arg-type]  # they are engines
        each = exams.paper_seconds(count, engine)  # type: ignore[arg-type]
        papers[engine] = alone / each
        print(f"    {engine}: alone {said(alone)}, of {count:,} {said(each)} each: {papers[engine]:.0f}×")
    memory = exams.memory((100, 1_000, 10_000))
    shown = ", ".join(f"{count:,}: {kilobytes / 1024:.0f} MB" for count, kilobytes in memory.items())
    print(f"(k) the most memory for numbers and keys of so many variants: {shown}")
    key = times["xreplace"] / times["key, twice"]
    flat = memory[10_000] / memory[100]
    return [
        Promise("(i) 1,000 variants of a neuron, against importing SymPy", ratios[names[0]], 2, least=False),
        Promise("(i) a key, found twice, against SymPy's xreplace", key, 150, least=True),
        Promise("(j) 1,000 papers together, against one run each", papers["pdflatex"], 80, least=True),
        Promise("(k) memory of 10,000 variants, against 100", flat, 1.5, least=False),
    ]


def main() -> int:
    """Measure everything and print it."""
    layer.warm_up()
    explicit = explicit_times()
    promises = [
        whole(explicit), *instances(explicit), *whole_processes(), *networks(), *in_floats(), *checks(),
        *of_exams(),
    ]  # fmt: skip
    print("Promises:")
    for promise in promises:
        print(promise)
    return 0 if all(promise.kept for promise in promises) else 1


if __name__ == "__main__":
    sys.exit(main())
