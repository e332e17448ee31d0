"""Exports of the row-level log (changes, snapshots, runs) to Parquet files or to a table of another database."""
