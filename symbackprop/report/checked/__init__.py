"""What was found in a person's derivation, as text, pages and JSON."""
