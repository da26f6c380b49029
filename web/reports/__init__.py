"""Figures to take away: one report as CSV, XLSX and PDF, and its chart. Knows no request, no database and no language:
every word comes with the report."""
