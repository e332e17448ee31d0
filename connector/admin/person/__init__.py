"""All that is known of one person, for an operator who is asked about them."""
