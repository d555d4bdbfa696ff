"""Many inputs at once: where they come from, what each does in the machine, and what follows from that."""
