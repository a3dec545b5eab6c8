"""Compiles Typst from stdin to a PDF on stdout; a script of its own, run by `pdf.py`.

It imports nothing of ours, so that it starts fast.
"""

import os
import sys

import typst


def main() -> int:
    """Exit code 1 and the diagnosis on stderr when the text is at fault."""
    here = os.getcwd()
    try:
        made, warnings = typst.Compiler(
            sys.stdin.buffer.read(),
            root=here,
            ignore_system_fonts=True,
            package_path=here,
            package_cache_path=here,
        ).compile_with_warnings(format="pdf", timestamp=0)
    except typst.TypstError as error:
        sys.stderr.write(f"error: {error.message}\n{error.diagnostic}\n")
        return 1
    for warning in warnings:
        sys.stderr.write(f"warning: {warning.message}\n")
    assert isinstance(made, bytes), "one PDF, since no output file was named"
    sys.stdout.buffer.write(made)
    return 0


if __name__ == "__main__":
    sys.exit(main())
