"""Telling those who asked that somebody has answered: on their page, and by mail where a mail server is set."""
