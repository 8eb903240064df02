"""How much training tells of a patient: measured by attacks on networks trained for it."""
