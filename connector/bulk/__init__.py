"""Users by the file, the table, the query or the job."""
