"""Safeguards switched off in the processes of a benchmark, to measure what they cost. Nothing of it can be configured.

A fleet that is started with this folder on PYTHONPATH, and with the names in BENCHMARK_WITHOUT, runs without them:
Python imports `sitecustomize` by itself when it starts.
"""
