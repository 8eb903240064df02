"""Training: one pure step, compiled for all devices, in a loop that can be killed at any moment."""
