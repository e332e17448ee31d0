"""The sample that `make run` sends, and what Customer.io must hold after it (written by scripts/make_sample.py)."""
