"""The Maxima text of a STACK question: generated names and exact numbers, and quoted names of variants.

All names begin with `sb`, so none is a word of Maxima or STACK: `sbpoolkey1` is the list of what `sbkey1` is
in each variant. An answer is read as a list of numbers, with `false` for a field that is empty or no number.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction

from symbackprop.exams.exports.pool import Numbers, PoolQuestion
from symbackprop.exams.exports.stack_arrays import Asked, Source, factors

VARIANT = "sbvar"


def literal(value: Fraction) -> str:
    """An exact number: -1/3."""
    return str(value)


def row(values: Sequence[str]) -> str:
    """A list."""
    return f"[{','.join(values)}]"


def numbers(values: Sequence[Fraction]) -> str:
    """A list of exact numbers."""
    return row([literal(value) for value in values])


def matrix(shape: tuple[int, ...], entries: Sequence[Fraction]) -> str:
    """A matrix of a shape of two axes, entries row by row; a number for the shape ()."""
    return arranged(shape, [literal(entry) for entry in entries])


def arranged(shape: tuple[int, ...], entries: Sequence[str]) -> str:
    """The same for entries that are written already."""
    if not shape:
        return entries[0]
    rows, columns = shape
    return f"matrix({','.join(row(entries[i * columns : (i + 1) * columns]) for i in range(rows))})"


def cells(name: str, shape: tuple[int, ...]) -> list[str]:
    """The entries of a matrix that has a name, row by row."""
    if not shape:
        return [name]
    return [f"{name}[{i},{j}]" for i in range(1, shape[0] + 1) for j in range(1, shape[1] + 1)]


def quoted(text: str) -> str:
    """A string of Maxima."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


# --- question variables ------------------------------------------------------------------------------


def variables(question: PoolQuestion, asked: Sequence[Asked], times: int) -> str:
    """The numbers of all variants, the choice of one, and the answers of a test.

    What is the same in all variants stands once; keys always have a list.
    """
    count = len(question.variants)
    lines = [
        f"sbnames: {row([quoted(variant.name) for variant in question.variants])};",
        f"{VARIANT}: {f'1+rand({count})' if count > 1 else '1'};",
        f"sbname: sbnames[{VARIANT}];",
    ]
    for array in asked:
        for name, values in _tables(array):
            if len(set(values)) == 1 and not name.startswith("key"):
                lines.append(f"sb{name}: {values[0]};")
            else:
                lines += [f"sbpool{name}: {row(values)};", f"sb{name}: sbpool{name}[{VARIANT}];"]
    lines += [f"sbtest{a.number}: {_test(a, asked, times)};" for a in asked if a.sources]
    return "\n".join(lines) + "\n"


def _tables(asked: Asked) -> Iterator[tuple[str, list[str]]]:
    """The lists of an array: a name without its beginning, and the value in each variant."""
    number, shape, parts = asked.number, asked.shape, asked.parts
    keys = [[cell.key for cell in part.cells] for part in parts]
    yield f"key{number}", [matrix(shape, key) for key in keys]
    yield f"share{number}", [numbers([cell.points / part.points for cell in part.cells]) for part in parts]
    if asked.mistakes:
        # where a mistake changes nothing the key stands: the first node has taken it
        guesses = [[asked.guess(variant, name) for name in asked.mistakes] for variant in range(len(parts))]
        yield (
            f"guess{number}",
            [
                row([matrix(shape, guess.entries if guess else key) for guess in line])
                for line, key in zip(guesses, keys, strict=True)
            ],
        )
        nothing = Fraction(0)
        yield f"credit{number}", [numbers([g.credit if g else nothing for g in line]) for line in guesses]
    if asked.sources:
        yield f"constant{number}", [numbers(_constants(part)) for part in parts]
        yield f"factor{number}", [numbers(_factors(asked, part)) for part in parts]
        yield f"least{number}", [numbers(_least(asked, part)) for part in parts]


def _constants(part: Numbers) -> Sequence[Fraction]:
    return part.follow.constants if part.follow else [Fraction(0)] * len(part.cells)


def _factors(asked: Asked, part: Numbers) -> list[Fraction]:
    """One for each link; 0 for those that this variant does not use."""
    known = factors(part)
    return [known.get(link, Fraction(0)) for link in asked.links]


def _least(asked: Asked, part: Numbers) -> list[Fraction]:
    """How many answers of each source array must not be 0; more than there are, where nothing follows."""
    follow = part.follow
    return [Fraction(10**6 if follow is None else follow.least.get(slug, 0)) for slug in _slugs(asked)]


def _slugs(asked: Asked) -> list[str]:
    """The arrays that an array follows from."""
    return list(dict.fromkeys(slug for slug, _ in asked.sources))


def _followed(asked: Asked, given: Mapping[Source, str]) -> list[str]:
    """The cells that follow, from the text of each source."""
    n = asked.number
    terms = [[f"sbconstant{n}[{cell}]"] for cell in range(1, len(asked.parts[0].cells) + 1)]
    for place, (cell, source) in enumerate(asked.links, start=1):
        terms[cell].append(f"sbfactor{n}[{place}]*{given[source]}")
    return ["+".join(line) for line in terms]


def _test(asked: Asked, arrays: Sequence[Asked], times: int) -> str:
    """What follows when arrays that follow from none are answered with so many times their key."""
    known = {array.slug: array for array in arrays}
    given = {}
    for slug, offset in asked.sources:
        source = known[slug]
        name = f"sbtest{source.number}" if source.sources else f"{times}*sbkey{source.number}"
        given[slug, offset] = cells(name, source.shape)[offset]
    return arranged(asked.shape, _followed(asked, given))


# --- feedback variables ------------------------------------------------------------------------------

_READ = (
    "map(lambda([sbx],block([sby],sby:ev(sbx,simp),if numberp(sby) then ratsimp(sby) else false)),{cells})"
)


def feedback(asked: Asked, arrays: Sequence[Asked]) -> str:
    """What the tree of an array knows: whether it is right or follows, which mistake, the score."""
    n = asked.number
    known = {array.slug: array for array in arrays}
    lines = [_read(known[slug]) for slug in _slugs(asked)] + [_read(asked)]
    lines.append(f"sbflat{n}: {row(cells(f'sbkey{n}', asked.shape))};")
    lines.append(f"sball{n}: if is(sbread{n}=sbflat{n}) then 1 else 0;")
    right = f"is(sbread{n}[sbk]=sbflat{n}[sbk])"
    if asked.sources:
        lines += _follow(asked, known)
        right = f"({right} or (is(sbread{n}[sbk]=sbfollow{n}[sbk]) and not is(sbread{n}[sbk]=0)))"
    credit = "0"
    if asked.mistakes:
        lines += _mistaken(asked)
        credit = f"if is(sbread{n}[sbk]=0) then 0 else apply(max,cons(0,sbworth{n}[sbk]))"
    lines.append(
        f"sbearn{n}: makelist(if numberp(sbread{n}[sbk]) and {right} then 1 else {credit},"
        f"sbk,1,{len(asked.parts[0].cells)});"
    )
    count = len(asked.parts[0].cells)
    terms = [f"sbshare{n}[{k}]*sbearn{n}[{k}]" for k in range(1, count + 1)]
    lines.append(
        f"sblost{n}: makelist(if numberp(sbread{n}[sbk]) and is(sbflat{n}[sbk]=0) "
        f"then (1-sbearn{n}[sbk])*max(0,1/{count}-sbshare{n}[sbk]) else 0,sbk,1,{count});"
    )
    lines.append(f'sbscore{n}: float(max(0,{"+".join(terms)}-apply("+",sblost{n})));')
    return "\n".join(lines) + "\n"


def _read(array: Asked) -> str:
    entries = row(cells(f"ans{array.number}", array.shape))
    return f"sbread{array.number}: {_READ.format(cells=entries)};"


def _follow(asked: Asked, known: Mapping[str, Asked]) -> list[str]:
    """What follows from the student's own earlier answers, if these are numbers and enough of them not 0."""
    n = asked.number
    given = {(slug, offset): f"sbread{known[slug].number}[{offset + 1}]" for slug, offset in asked.sources}
    tests = [f"numberp({value})" for value in given.values()]
    for place, slug in enumerate(_slugs(asked), start=1):
        nonzero = f"sublist(sbread{known[slug].number},lambda([sbx],numberp(sbx) and not is(sbx=0)))"
        tests.append(f"is(length({nonzero})>=sbleast{n}[{place}])")
    values = _followed(asked, given)
    return [
        f"sbguard{n}: {' and '.join(tests)};",
        f"sbfollow{n}: if sbguard{n} then {row(values)} else {row(['false'] * len(values))};",
        f"sbfollowed{n}: if sbguard{n} and is(sbread{n}=sbfollow{n}) then 1 else 0;",
    ]


def _mistaken(asked: Asked) -> list[str]:
    """The first mistake that gives the whole answer, 0 for none; what each mistake is worth in each cell."""
    n, count = asked.number, len(asked.mistakes)
    places = range(1, count + 1)
    flat = [row(cells(f"sbguess{n}[{place}]", asked.shape)) for place in places]
    tests = "".join(f"if is(sbread{n}=sbwrong{n}[{place}]) then {place} else " for place in places)
    worth = f"if is(sbread{n}[sbk]=sbwrong{n}[sbm][sbk]) then sbcredit{n}[sbm] else 0"
    return [
        f"sbwrong{n}: {row(flat)};",
        f"sbmade{n}: {tests}0;",
        f"sbworth{n}: makelist(makelist({worth},sbm,1,{count}),sbk,1,{len(asked.parts[0].cells)});",
    ]


# --- which seed gives which variant ------------------------------------------------------------------


def seeds(count: int) -> list[int]:
    """The least seed for each variant, under which STACK's `rand(count)` is its number less 1."""
    found: dict[int, int] = {}
    seed = 0
    while len(found) < count:
        seed += 1
        found.setdefault(_first_word(seed) % count, seed)
    return [found[place] for place in range(count)]


def _first_word(seed: int) -> int:
    """The first number of the Mersenne Twister (MT19937) as Maxima seeds it."""
    state = [seed]
    for place in range(1, 398):
        state.append((1812433253 * (state[-1] ^ (state[-1] >> 30)) + place) % 2**32)
    mixed = (state[0] & 0x80000000) | (state[1] & 0x7FFFFFFF)
    word = state[397] ^ (mixed >> 1) ^ (0x9908B0DF if mixed & 1 else 0)
    word ^= word >> 11
    word ^= (word << 7) & 0x9D2C5680
    word ^= (word << 15) & 0xEFC60000
    return word ^ (word >> 18)
