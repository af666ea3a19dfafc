"""Tests of the systems of the paper."""
