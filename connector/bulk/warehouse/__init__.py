"""Warehouses as sources: a query's rows that changed since the last run go to the same intake as rows of files."""
