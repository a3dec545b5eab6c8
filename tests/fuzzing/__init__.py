"""The checker under noise: lines that people wrote, mutated, and texts made to break it.

What is asked of each line: no exception, and an end within a second of processor time. What the verdict
is does not matter here; `python -m tests.derivations` asks that.
"""
