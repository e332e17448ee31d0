"""The way in: bodies become changes, and a batch of changes one transaction."""
