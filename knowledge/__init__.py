"""What is known: transcripts, passages, embeddings, indexes, finding. Knows no people and no settings."""
