"""What the simulator's other rooms share: options, limits, faults, the log of calls."""
