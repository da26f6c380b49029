"""A course's map of terms: what it speaks of, which terms come together, and where each is explained.

Drawn from what was said alone, without a model. Knows no people and no pages.
"""
