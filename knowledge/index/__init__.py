"""This host's index: a cache of the database that follows its numbered changes. Safe to delete at any time."""
