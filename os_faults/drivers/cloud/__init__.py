"""Clouds: whom to ask about the nodes, and what they answered."""
