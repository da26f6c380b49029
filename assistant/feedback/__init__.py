"""Was this it? What people said and did about the answers that they were shown."""
