"""Courses as a trainer sees them: files received, listed, removed. Parses no media and shows no pages."""
