"""What nobody could answer, grouped by meaning, and what trainers answered it with."""
