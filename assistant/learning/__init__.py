"""One's own learning: moments to come back to, and recall checks. For the person alone, and only where they want it."""
