"""Work that outlives a request: a row in a table, taken by lease, safe to run twice."""
