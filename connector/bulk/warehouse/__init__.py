"""Warehouses as sources: a query's rows, compared with those of the last run, into the same intake as rows of files."""
