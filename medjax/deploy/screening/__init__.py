"""A library of molecules ranked by a finished run."""
