"""What Earmark does: hears, recognises, answers, keeps jobs and questions. Knows no pages and no command line."""
