"""``heat_worker``: a job is one Heat stack, named ``<type>_<resource id>``."""
