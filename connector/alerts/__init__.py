"""How fresh Customer.io is promised to be, and whether that is kept."""
