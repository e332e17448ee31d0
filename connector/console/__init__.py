"""The operator's page: what an operator sees, finds and mends in a browser. It calls what the commands call."""
