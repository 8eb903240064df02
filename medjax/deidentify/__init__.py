"""Copies of DICOM files and tables without what says who a patient is.

DICOM files follow the basic profile of DICOM PS3.15, Annex E, whose table E.1-1 is ``profile.csv``.
SECURITY.md says what this protects and what it does not.
"""
