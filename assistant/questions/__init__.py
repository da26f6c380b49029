"""The log of questions and the answers that were shown. The voice is never kept."""
