"""What was said, in revisions: segments with true times, kept in the database."""
