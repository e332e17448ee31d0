"""What a simulated workspace holds, and the rules by which it changes."""
