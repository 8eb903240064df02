"""A finished run on the data of another site: does it carry over, and if not, why?"""
