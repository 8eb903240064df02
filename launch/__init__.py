"""Launchers: one experiment as several processes, here or on a cluster; see launch/README.md.

They only write and start commands: JAX is not imported, so that a login node has nothing to load.
"""
