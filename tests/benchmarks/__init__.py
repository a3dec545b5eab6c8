"""How fast it is, against SymPy by itself; `python -m tests.benchmarks` measures and prints."""
