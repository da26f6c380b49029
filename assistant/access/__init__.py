"""Who asks, and what that person may hear and do. Knows no pages; what there is to hear is known to others."""
