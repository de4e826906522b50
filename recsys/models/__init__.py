"""Candidate generators, the ranker, and the protocol that trains and measures them."""

import os

# Several tasks share a machine: a thread of LightGBM that waits must sleep, or it takes the core from the one it
# waits for (a fit took ten times as long). OpenMP reads this once, when LightGBM is first imported.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
