"""Tests of the loopback servers and processes that other tests rely on."""
