"""Pages and API: parse, ask, render. Loads no model, opens no media."""
