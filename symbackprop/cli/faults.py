"""Exit codes: every error ends in a message and one of these, and no traceback reaches a user."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from symbackprop.cli.printing import mute, say

if TYPE_CHECKING:
    from symbackprop.exercise.model import Exercise

OK, FOUND, FAULT, OURS, INTERRUPTED, NO_READER = 0, 1, 2, 3, 130, 141


@contextmanager
def guarded() -> Iterator[None]:
    """No traceback reaches a user: every error ends in a message and an exit code."""
    try:
        yield
        sys.stdout.flush()
    except typer.Exit:
        raise
    except BaseException as error:
        raise typer.Exit(explained(error)) from None


def explained(error: BaseException) -> int:
    """Say what an error means, and the exit code for it. The traceback of what is our fault is shown
    where the variable SYMBACKPROP_TRACEBACK is set."""
    if isinstance(error, SystemExit):
        return error.code if isinstance(error.code, int) else OK
    if isinstance(error, KeyboardInterrupt):
        say("interrupted")
        return INTERRUPTED
    if isinstance(error, BrokenPipeError):
        mute()
        return NO_READER
    if os.environ.get("SYMBACKPROP_TRACEBACK"):
        import traceback

        say("".join(traceback.format_exception(error)))
    return _explained(error)


def _explained(error: BaseException) -> int:
    from symbackprop.exercise.faults import ExerciseError

    if isinstance(error, ExerciseError):
        for fault in error.faults:
            say(str(fault))
        say(f"{len(error.faults)} fault{'s' * (len(error.faults) != 1)}. Nothing was written.")
        return FAULT
    if _is_proof(error):
        say(f"error: {error}{_REPORT_IT if 'report it' not in str(error) else ''}")
        return OURS
    if isinstance(error, MemoryError | RecursionError):
        say("error: the exercise is too large for this machine, or too deeply nested")
        return FAULT
    if _is_said(error):
        say(f"error: {error}")
        return FAULT
    if isinstance(error, OSError):
        name = f"{error.filename}: " if error.filename else ""
        say(f"error: {name}{error.strerror or error}")
        return FAULT
    say(f"error: the program broke ({type(error).__name__}: {error}).{_REPORT_IT}")
    return OURS


_REPORT_IT = (
    " This is a bug in symbackprop, not in the exercise: please report it with the exercise file, and with "
    "what is shown when the variable SYMBACKPROP_TRACEBACK is set to 1."
)


def _is_proof(error: BaseException) -> bool:
    """Whether a proof failed: the two routes disagree, and nothing may be printed."""
    from symbackprop.derivation.certify import CertificateFailed
    from symbackprop.derivation.general_proof import LayerFailed
    from symbackprop.derivation.second import SecondRouteFailed
    from symbackprop.derivation.slopes_proof import SlopeFailed
    from symbackprop.exams.rubric import RubricError
    from symbackprop.exams.variants import KeyMismatch
    from symbackprop.report.exams.splitting import PapersError
    from symbackprop.report.proofreading import ProofError

    failed = (
        CertificateFailed | KeyMismatch | LayerFailed | PapersError | ProofError | RubricError
        | SecondRouteFailed | SlopeFailed
    )  # fmt: skip
    return isinstance(error, failed)


def _is_said(error: BaseException) -> bool:
    """Whether an error says what is wrong with the call, the exercise or the machine."""
    from symbackprop.algebra.lower import CannotDerive
    from symbackprop.algebra.values.domain import DomainProblem, EvaluationError, NeedsExtra, NotCertified
    from symbackprop.exams.exports.pool import ExportError
    from symbackprop.exams.grading_model import GradingError
    from symbackprop.exams.manifest import ManifestError
    from symbackprop.exams.roster import RosterError
    from symbackprop.exams.variants import Unsatisfiable
    from symbackprop.report.files import OutputError
    from symbackprop.report.pdf import TypesettingError
    from symbackprop.report.places import PlacesError
    from symbackprop.report.templating import TemplateError
    from symbackprop.report.words import WordsError

    said = (
        CannotDerive, DomainProblem, EvaluationError, ExportError, GradingError, ManifestError, NeedsExtra,
        NotCertified, OutputError, PlacesError, RosterError, TemplateError, TypesettingError, Unsatisfiable,
        WordsError,
    )  # fmt: skip
    return isinstance(error, said) or (type(error) is ValueError and _raised_here(error))


def _raised_here(error: BaseException) -> bool:
    """Whether our own code raised it: a bare ValueError of ours says what is wrong with the call."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    name = "" if trace is None else str(trace.tb_frame.f_globals.get("__name__", ""))
    return name.startswith("symbackprop.")


def check_words(name: str, exercise: "Exercise", asked: str | None, templates: Path | None) -> None:
    """The language of the exercise and its own sentences, before anything is derived."""
    from symbackprop.exercise import ExerciseError, Fault, in_file
    from symbackprop.report.words import languages, override_faults

    found = list(override_faults(exercise.words, templates))
    known = languages(templates)
    if asked is None and exercise.language not in {None, *known}:
        found.append(
            ("language", f"there is no language {exercise.language!r}; there are {', '.join(known)}")
        )
    if found:
        faults = (Fault(file=exercise.key, key=key, message=message) for key, message in found)
        raise in_file(ExerciseError(faults), name)
