"""What runs as long as one likes: faults at random moments, properties with more examples, fuzzers (`make soak`)."""
