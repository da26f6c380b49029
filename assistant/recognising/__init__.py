"""Speech to text: clips of 16 kHz mono samples in, timed segments out. Knows nothing of courses or pages."""
