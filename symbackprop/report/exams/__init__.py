"""The papers and the solutions of an exam: as LaTeX, as Typst, and as PDFs typeset in large batches."""
