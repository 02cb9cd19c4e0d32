"""The web layer: from a request to a form and a principal, from a value to an answer."""
