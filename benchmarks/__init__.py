"""How fast the connector is on this machine: `make bench` measures all, `python -m benchmarks NAME` one."""
