"""How fast an experiment trains, and how fast the same network trains elsewhere."""
