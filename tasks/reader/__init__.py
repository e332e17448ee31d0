"""The reader: a process of its own beside each worker, which reads the intake queues in order and takes them in."""
