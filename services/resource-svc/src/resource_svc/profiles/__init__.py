"""Profiles: who users say they are. A profile is drafted, submitted, and verified or rejected."""
