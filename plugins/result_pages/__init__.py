"""Pages about the published recommendations, for people who look after them."""
