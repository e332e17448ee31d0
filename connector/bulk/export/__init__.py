"""Exports of the row-level log: what was sent, who is held, what ran; to Parquet files, or to a table elsewhere."""
