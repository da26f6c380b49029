"""The only place where models are loaded: an HTTP front that loads none, feeding device children of one model each."""
