"""Values prepared for templates: everything decided and counted, so that a template only prints."""
