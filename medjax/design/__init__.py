"""New molecules: drawn of a language model, judged, and tuned toward a goal."""
