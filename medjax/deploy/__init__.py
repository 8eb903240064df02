"""Deploy: a finished run at work on new cases."""
