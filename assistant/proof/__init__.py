"""Proof on the company's own data: moments that people confirmed, frozen, and how often they were found since."""
