"""Finding moments: several ways to match, one ranking, two calibrated numbers. Knows no people and no settings."""
