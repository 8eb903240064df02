"""Pages and pictures made from a run folder."""
