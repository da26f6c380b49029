"""Long work: takes jobs and turns recordings into findable passages, step by step."""
