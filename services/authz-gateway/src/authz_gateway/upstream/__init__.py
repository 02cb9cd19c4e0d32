"""The way of a call to its upstream, and of the answer back."""
