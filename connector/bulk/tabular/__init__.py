"""Tables of users as a source, CSV and Parquet: one row a user, each row becomes one native message."""
