"""Checks of data for what spoils studies: copies, shortcuts, wrong labels, outliers, drift."""
