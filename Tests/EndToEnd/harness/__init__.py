"""Helpers of the end-to-end tests: real processes, real sockets, nothing of the gateway's own code."""
