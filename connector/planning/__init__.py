"""Pure decisions: the difference between what Customer.io should hold and what it holds becomes the next request."""
