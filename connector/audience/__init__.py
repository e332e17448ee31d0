"""Pure decisions: a change and the rules of a sync become facts, and what Customer.io should hold of them."""
