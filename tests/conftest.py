"""What every test shares."""

from hypothesis import settings

# the first call of a kernel compiles it, which no deadline can know
settings.register_profile("ens", deadline=None)
settings.load_profile("ens")
