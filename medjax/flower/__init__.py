"""Training at several real sites with Flower: what its server and its clients run.

Flower carries messages between the server and the sites, knows who is who, and encrypts the way
between them; see ``README.md`` for its commands. A site trains with the step of everybody
(``federated.local``), and the server combines as the simulation does (``federated.merge``).
"""
