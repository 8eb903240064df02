"""Training at several sites whose cases stay where they are: in one process, to study it."""
