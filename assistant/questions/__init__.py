"""The log of questions and the answers that were shown; their voices only where the company keeps them."""
