"""All that is known of one person, for whoever is asked about them."""
