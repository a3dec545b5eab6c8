"""What was worked out about a question, kept between runs: its formulas, its code, its rehearsal.

Deriving a model and tracing it takes longer than making a thousand variants. What is kept stands in the
user's cache folder, named by a hash of the question, of the exam's key and of this program's own files, so
that a change of any of them starts anew. It is data: formulas and operations, from which code is compiled
again. The keys are found twice as always. Nothing is kept where Python is told to write no bytecode, and no
failure to read or write here ever matters.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from functools import cache
from pathlib import Path
from typing import Any, Final

from symbackprop import __version__
from symbackprop.algebra.values.tracing import as_data as program_data
from symbackprop.algebra.values.tracing import from_data as program_of
from symbackprop.derivation.steps import Step
from symbackprop.exams.fairness import Fairness
from symbackprop.exams.model import Question
from symbackprop.exams.plan import Code, planned
from symbackprop.exams.tracer import Tracer, WrongKind
from symbackprop.exercise.cache import cache_folder
from symbackprop.notation.tree_data import as_data, from_data

_PACKAGE: Final = Path(__file__).resolve().parents[1]


def restored(exam: str, question: Question) -> Fairness | None:
    """What an earlier run worked out about a question, rehearsed; None where there is nothing, or it is
    damaged."""
    try:
        digest, _, text = _file(exam, question).read_text("utf-8").partition("\n")
        if digest != hashlib.sha256(text.encode()).hexdigest():
            return None
        data = json.loads(text)
        tracer = Tracer(question, tuple(_step(one) for one in data["steps"]))
        plan = planned(question, tracer, [program_of(one) for one in data["key"]])
        _fill(plan.second, data["second"])
        for version, kept in data["wrong"]:
            code = plan.wrong(version)
            code.restore(tuple(map(_kind, kept["kinds"])), [program_of(one) for one in kept["programs"]])
        fairness = Fairness.of(plan, exam)
        fairness.rehearsed_before(data["rehearsal"])
        return fairness
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None


def keep(exam: str, fairness: Fairness) -> None:
    """Keep what is known of a question for the next run."""
    if sys.dont_write_bytecode:
        return
    plan = fairness.plan
    data = {
        "steps": [_step_data(step) for step in plan.tracer.steps],
        "key": list(map(program_data, plan.key.programs)),
        "second": list(map(program_data, plan.second.programs)),
        "wrong": [
            [
                version,
                {
                    "kinds": list(map(_kind_data, code.kinds)),
                    "programs": list(map(program_data, code.programs)),
                },
            ]
            for version, code in plan.wrong_codes.items()
        ],
        "rehearsal": fairness.rehearsal(),
    }
    try:
        file = _file(exam, fairness.question)
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        beside = file.with_suffix(f".{os.getpid()}.part")
        text = json.dumps(data)
        beside.write_text(f"{hashlib.sha256(text.encode()).hexdigest()}\n{text}", "utf-8")
        beside.replace(file)
    except OSError:
        return


def _fill(code: Code, programs: list[Any]) -> None:
    for one in programs:
        code.add(program_of(one))


def _step_data(step: Step) -> list[Any]:
    return [step.rule, step.target, step.gradient, list(step.shape), as_data(step.formula), list(step.uses)]


def _step(data: list[Any]) -> Step:
    rule, target, gradient, shape, formula, uses = data
    return Step(
        rule=rule, target=target, gradient=gradient, shape=tuple(shape), formula=from_data(formula),
        uses=tuple(uses), links=(),
    )  # fmt: skip


def _kind_data(kind: WrongKind) -> list[Any]:
    return [
        kind.part, kind.mistake, kind.about, kind.instead, as_data(kind.formula), list(kind.shape),
        kind.start,
    ]  # fmt: skip


def _kind(data: list[Any]) -> WrongKind:
    part, mistake, about, instead, formula, shape, start = data
    return WrongKind(
        part=part, mistake=mistake, about=about, instead=instead, formula=from_data(formula),
        shape=tuple(shape), start=int(start),
    )  # fmt: skip


def _file(exam: str, question: Question) -> Path:
    """The file of a question; its name hangs on all that its content hangs on."""
    made = hashlib.sha256()
    for part in (__version__, sys.version, exam, repr(question), *_stamps()):
        made.update(f"{len(part)}:{part}".encode())
    return cache_folder() / f"question-{made.hexdigest()[:32]}.json"


@cache
def _stamps() -> tuple[str, ...]:
    """The sizes and times of this program's files: who works on it must not get what an older one kept."""
    found = []
    for folder, inner, names in os.walk(_PACKAGE):
        inner.sort()
        for name in sorted(names):
            if name.endswith(".py"):
                status = os.stat(os.path.join(folder, name))
                found.append(f"{name} {status.st_size} {status.st_mtime_ns}")
    return tuple(found)
