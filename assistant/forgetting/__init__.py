"""What is deleted for good and what is kept for how long: the list of deletions, and the ages. Deletes nothing."""
