"""The audit log: who did what to whose data, in a chain of rows that shows every later change. Knows no pages."""
