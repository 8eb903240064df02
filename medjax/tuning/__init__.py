"""Many trainings that look for better settings, chosen on validation: the verb ``tune``."""
