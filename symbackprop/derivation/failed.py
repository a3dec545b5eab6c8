"""The error of a proof that fails."""

from __future__ import annotations


class CertificateFailed(ArithmeticError):
    """Two routes disagree: a bug of this program. Nothing may be printed.

    `what` is the quantity (`dW`), `where` says at which check and point.
    """

    def __init__(self, what: str, where: str) -> None:
        super().__init__(
            f"the certificate of {what} failed ({where}). This is a bug in symbackprop, not in the "
            "exercise: please report it with the exercise file. Nothing was written."
        )
        self.what = what
        self.where = where
