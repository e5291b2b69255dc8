"""Every side effect, and the only imports of Prefect: landing, reading, building, publishing, reporting, the command line."""
