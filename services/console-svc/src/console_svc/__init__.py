"""Pages for people: their account, and the administrators' console."""
