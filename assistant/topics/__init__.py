"""What people ask about: questions grouped by meaning, and what may be told of the groups."""
