"""The service exactly as `tenant-api serve` runs it, with a sampler that sleeps until it is called."""

from benchmarks.sampler import install_sampler
from tenant_api.__main__ import main

if __name__ == "__main__":
    install_sampler()
    main(["serve"])
