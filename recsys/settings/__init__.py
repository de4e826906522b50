"""Frozen settings, one small class a component; `recsys.config` puts them together and reads a shop's own."""
